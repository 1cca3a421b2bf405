//! When a call is good, to the second, by a clock that is given.

use sceau_element_api::ApplicationId;
use sceau_element_api::protect::{Claims, ClaimsError};
use serde_json::json;

const NOW: u64 = 1_800_000_000;

fn of(iat: u64, exp: u64) -> Claims {
    let claims = json!({
        "iss": ApplicationId::random(), "aud": "sceau.test/log", "iat": iat, "exp": exp, "jti": "0123456789abcdef",
        "sub": "alice", "op": {"create": {}},
    });
    Claims::parse(claims.to_string().as_bytes()).unwrap()
}

#[test]
fn clocks_may_be_a_minute_apart_and_no_more() {
    let judged = |claims: &Claims, now: u64| claims.check_time_and_audience("sceau.test/log", now);
    let early = of(NOW, NOW + 300);
    for (now, outcome) in [
        ((NOW - 61) * 1000, Err(ClaimsError::Future)),
        ((NOW - 60) * 1000 - 1, Err(ClaimsError::Future)),
        ((NOW - 60) * 1000, Ok(())),
        (NOW * 1000, Ok(())),
        ((NOW + 359) * 1000, Ok(())),
        ((NOW + 360) * 1000 - 1, Ok(())),
        ((NOW + 360) * 1000, Err(ClaimsError::Expired)),
    ] {
        assert_eq!(judged(&early, now), outcome, "{now}");
        // As long as it is taken, it is known again: the one ends with the other.
        assert_eq!(early.ends() <= now, outcome == Err(ClaimsError::Expired));
    }
    let elsewhere = early.check_time_and_audience("sceau.test/other", NOW * 1000);
    assert_eq!(elsewhere, Err(ClaimsError::Audience));
}
