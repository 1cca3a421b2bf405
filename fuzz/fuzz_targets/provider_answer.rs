//! What a provider of identities answers to the platform: the tokens of a code or why there are none, and what it tells of the person that the
//! ID token named, and of nobody else.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_accounts::Email;
use sceau_accounts::oidc::parsers::{token_answer, token_error, userinfo};
use sceau_accounts::oidc::{IdClaims, IdTokenPolicy, IssuerUrl};
use serde_json::{Value, json};

static ID: LazyLock<IdClaims> = LazyLock::new(|| {
    let issuer = IssuerUrl::try_from("https://id.example.org".to_owned()).expect("an address");
    let policy =
        IdTokenPolicy { issuer: &issuer, client_id: "sceau", nonce: "n-0S6", levels: &[], means: &[] };
    let claims = json!({
        "iss": issuer.as_str(), "sub": "s", "aud": "sceau", "nonce": "n-0S6", "iat": 1_800_000_000, "exp": 1_800_000_600,
    });
    policy.read(None, claims.to_string().as_bytes(), 1_800_000_001_000).expect("an ID token")
});

fuzz_target!(|body: &[u8]| {
    if token_answer(body) {
        let answer: Value = serde_json::from_slice(body).expect("it was taken");
        assert!(answer["token_type"].as_str().expect("a text").eq_ignore_ascii_case("bearer"));
        assert!(answer["access_token"].is_string() && answer["id_token"].is_string());
    }
    let named = token_error(body);
    assert!(named == "no error of RFC 6749" || named.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    if let Some((subject, person)) = userinfo(&ID, body) {
        assert_eq!(subject, "s");
        if let Some((email, name)) = person {
            assert_eq!(email.as_str().parse::<Email>().expect("its own spelling"), email);
            assert!(!name.as_str().contains(char::is_control) && !name.as_str().trim().is_empty());
        }
    }
});
