//! What a hostile platform says to an owner's programs: without the log's signature nothing of it is believed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_client::SealedDossier;
use sceau_client::trust::{OfferedKey, verify};
use sceau_element_api::OrganisationId;
use sceau_trace::{KeyKind, VerifierKey};

static LOG: LazyLock<VerifierKey> = LazyLock::new(|| {
    // RFC 8032 section 7.1, test 1: its private half is known to everyone but the fuzzer's inputs.
    let public = *b"\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    VerifierKey::new("log.example.org", KeyKind::Ed25519, public).expect("a key")
});

fuzz_target!(|bytes: &[u8]| {
    let _ = serde_json::from_slice::<SealedDossier>(bytes);
    if let Ok(offered) = serde_json::from_slice::<OfferedKey>(bytes) {
        assert!(offered.verify(OrganisationId::random(), &LOG, 1).is_err());
    }
    if let Ok(evidence) = serde_json::from_slice(bytes) {
        assert!(verify(&evidence, &LOG).is_err());
    }
});
