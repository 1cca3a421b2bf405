//! What a provider of identities sends: its configuration, its keys, its tokens. Nothing of it panics, and no token that its key did not sign
//! is believed, whatever set of keys it comes with beside that key.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_accounts::oidc::{AccessPolicy, Clocks, IdTokenPolicy, IssuerUrl, Metadata};
use sceau_crypto::jose::{KeySet, Statement};

static ISSUER: LazyLock<IssuerUrl> =
    LazyLock::new(|| IssuerUrl::try_from("https://id.example.org".to_owned()).expect("an address"));
/// RFC 8037 appendix A.2: its private half is known to everyone but the fuzzer's inputs.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    KeySet::parse(br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#)
        .expect("a set of one key")
});

fuzz_target!(|input: (&str, &[u8], u64)| {
    let (text, bytes, now_ms) = input;
    let _refused = KeySet::parse(bytes);
    let _refused = Metadata::parse(bytes, &ISSUER);
    let levels = ["eidas1".to_owned()];
    let policy =
        IdTokenPolicy { issuer: &ISSUER, client_id: "sceau", nonce: "n-0S6", levels: &levels, means: &[] };
    let _refused = policy.read(None, bytes, now_ms);
    let access = AccessPolicy {
        issuer: ISSUER.clone(),
        audiences: vec!["sceau".into()],
        roles: vec!["/realm_access/roles".into()],
    };
    let _refused = access.read(Some("at+jwt"), bytes, Clocks { ours_ms: now_ms, theirs_ms: Some(0) });
    if let Ok(statement) = Statement::parse(text) {
        assert!(KEYS.verify(&statement).is_err());
    }
});
