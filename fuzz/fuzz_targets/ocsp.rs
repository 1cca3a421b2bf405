//! Questions about certificates, and what responders answer.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, OcspQuestion, OcspRequest, OcspResponder, OcspStatus,
    OcspTerms,
};

const NOW: u64 = 1_800_000_000_000;

static STAGE: LazyLock<(OcspQuestion, OcspResponder)> = LazyLock::new(|| {
    let authority = Authority::create(&AuthorityProfile::of("Fuzz"), NOW).expect("an authority");
    let client = ClientProfile::new("a", CertificateRole::Connector);
    let client = authority.issue_client(&client, NOW).expect("a client");
    let question = OcspQuestion::new(client.certificate(), authority.certificate()).expect("its own issuer");
    (question, authority.ocsp_responder(1, NOW).expect("a responder"))
});

fuzz_target!(|bytes: &[u8]| {
    let (question, responder) = &*STAGE;
    assert!(question.judge(bytes, OcspTerms::default(), NOW).is_err(), "nobody signed it");
    if let Ok(request) = OcspRequest::read(bytes) {
        let answer = responder.answer(&request, |_| OcspStatus::Good, NOW, NOW + 1000);
        assert!(answer.is_ok_and(|answer| !answer.is_empty()));
    }
});
