//! Calls of applications: their claims, and the whole of what comes before a signature is believed.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use sceau_crypto::jose::KeySet;
use sceau_element::{Caller, Profile, ProvenCall};
use sceau_element_api::documents::{ApplicationDocument, ApplicationStatus};
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_element_api::protect::{AskedOfDatum, Claims, issuer};
use sceau_element_api::wire::Version;

/// RFC 8037 appendix A.2: nobody here signs with it.
static KEYS: LazyLock<Arc<KeySet>> = LazyLock::new(|| {
    let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a","alg":"EdDSA"}]}"#;
    Arc::new(KeySet::parse(set).expect("a key set"))
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(claims) = Claims::parse(bytes) {
        let written = serde_json::to_vec(&claims).expect("claims are written");
        assert_eq!(Claims::parse(&written).expect("what was written is read"), claims);
        let _ = claims.check_time_and_audience("log", 1);
        let _ = (claims.op.datum(), claims.ends());
    }
    let Ok(call) = std::str::from_utf8(bytes) else { return };
    let _ = (issuer(call), Claims::unverified(call));
    let asked = AskedOfDatum { call: call.to_owned(), address: None, row: None };
    let find = |_| {
        let version = Version { version: 1, hash: sceau_trace::sha256(b"") };
        let (application, organisation) = (ApplicationId::random(), OrganisationId::random());
        let (name, status) = ("Fuzz".to_owned(), ApplicationStatus::Active);
        let document = Arc::new(ApplicationDocument { v: 1, application, organisation, name, keys: Vec::new(), status, provider: None });
        Some(Caller { keys: Arc::clone(&KEYS), provider_keys: None, document, version, organisation, tenant: 1, epoch: 0 })
    };
    assert!(ProvenCall::prove(Profile::Sceau, &asked, "log", 1, find).is_err(), "nobody signed");
});
