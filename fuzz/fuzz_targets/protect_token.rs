//! Calls that are tokens: what comes as a JWE, what comes out of one, and what is read of it before its signature is believed.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sceau_crypto::jose::jwe::{Fields, KeyAlgorithm, KeyKind, PrivateKey};
use sceau_crypto::jose::{KeySet, PublicJwk, Rs256PrivateKey};
use sceau_element::{Caller, Opened, Profile, ProvenCall};
use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus};
use sceau_element_api::protect::AskedOfDatum;
use sceau_element_api::wire::Version;
use sceau_element_api::{ApplicationId, OrganisationId};

static OPENS: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::generate(KeyKind::Rsa, KeyAlgorithm::RsaOaep256).expect("a key"));

/// Nobody signs with it here.
static KEYS: LazyLock<Arc<KeySet>> = LazyLock::new(|| {
    let key = Rs256PrivateKey::generate().expect("a key");
    let jwk = PublicJwk::of_rs256(key.public_key_info()).expect("its public part").to_json();
    Arc::new(KeySet::parse(format!(r#"{{"keys":[{jwk}]}}"#).as_bytes()).expect("a key set"))
});

fuzz_target!(|bytes: &[u8]| {
    let kid = OPENS.public().jwk().kid().unwrap_or_default();
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(opened) = Opened::of(text, &[(&*OPENS, kid)])
    {
        assert!(!opened.was_encrypted && *opened.call == *text, "nobody encrypted to the key");
        refused(text);
    }
    let fields = Fields { cty: Some("JWT"), ..Fields::default() };
    let Ok(message) = OPENS.public().encrypt(&fields, bytes) else { return };
    match Opened::of(&message, &[(&*OPENS, kid)]) {
        Ok(opened) => {
            assert!(opened.was_encrypted && opened.call.as_bytes() == bytes);
            refused(&opened.call);
        }
        Err(_) => assert!(std::str::from_utf8(bytes).is_err() || message.len() > 64 * 1024),
    }
});

fn refused(call: &str) {
    let asked = AskedOfDatum { call: call.to_owned(), address: None, row: None };
    let find = |_| {
        let version = Version { version: 1, hash: sceau_trace::sha256(b"") };
        let (application, organisation) = (ApplicationId::random(), OrganisationId::random());
        let (name, status) = ("Fuzz".to_owned(), ApplicationStatus::Active);
        let document = Arc::new(ApplicationDocument { v: 1, application, organisation, name, keys: Vec::new(), status, provider: None });
        Some(Caller { keys: Arc::clone(&KEYS), provider_keys: None, document, version, organisation, tenant: 1, epoch: 0 })
    };
    assert!(ProvenCall::prove(Profile::Token, &asked, "log", 1, find).is_err(), "nobody signed");
}
