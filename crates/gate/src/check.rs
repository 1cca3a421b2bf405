//! `GET <base>/check`: whether a route would be served, for whoever watches it.

use hyper::{Response, StatusCode};
use serde_json::json;

use crate::{
    answer::{self, Body},
    clock,
    guard::{Guard, Passed},
    upstream::Upstreams,
};

/// The answer to a caller who may ask: 200 `available` where a service serves (it takes connections, and no check of its puts it out) and a current list
/// of each authority speaks, or a responder does; else 503 with what is wrong. So it is where this one passes though nothing speaks (`fail_open`): whoever watches must learn that.
pub(crate) async fn answer(
    upstreams: &Upstreams,
    guard: &Guard,
    who: Option<&Passed>,
    now: u64,
) -> Response<Body> {
    if !upstreams.live().await {
        return unavailable(
            "no service behind the gate serves: each takes no connection, or fails its check",
            &[],
        );
    }
    let is_unchecked = who.is_some_and(Passed::is_unchecked);
    if guard.inquiry().is_some() && !is_unchecked {
        // The caller's own certificate was just judged by an answer, or by the list behind it.
        return answer::status(StatusCode::OK, "available");
    }
    let stale: Vec<_> = guard
        .stale(now)
        .into_iter()
        .map(|one| json!({"list": one.list, "issuer": one.issuer, "ended": one.ended.map(clock::written)}))
        .collect();
    if stale.is_empty() && !is_unchecked {
        answer::status(StatusCode::OK, "available")
    } else {
        unavailable("no current revocation list speaks for some clients", &stale)
    }
}

fn unavailable(said: &str, stale: &[serde_json::Value]) -> Response<Body> {
    answer::status_of(StatusCode::SERVICE_UNAVAILABLE, said, stale)
}
