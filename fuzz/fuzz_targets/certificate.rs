//! Certificates, requests, what is taken back of them, and the names in them; whatever a file holds of these.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, Certificate, CertificateFacts, ClientIdentity, ClientJudge, Material,
    Name, RevocationLists, RoleNames,
};

static JUDGE: LazyLock<ClientJudge> = LazyLock::new(|| {
    let authority =
        Authority::create(&AuthorityProfile::of("Fuzz"), 1_800_000_000_000).expect("an authority");
    let anchors = Anchors::new([authority.certificate().clone()]).expect("one of ours");
    ClientJudge::new(anchors, RoleNames::default())
});

fuzz_target!(|bytes: &[u8]| {
    let _refused = Certificate::from_der(bytes, "the certificate");
    let _refused = RevocationLists::read(bytes, "the list").map(|lists| lists.next_update());
    for one in Material::read(bytes, "the file").unwrap_or_default() {
        match &one {
            Material::Certificate(certificate) => assert!(CertificateFacts::of(certificate).is_ok()),
            Material::Request(request) => assert!(!request.public_key_info().is_empty()),
            _ => {}
        }
        let _private = one.public_form();
    }
    let shown = [CertificateDer::from(bytes)];
    assert!(JUDGE.judge(Some(&shown), 1_800_000_000_000).is_err(), "nobody issued it");
    let _refused = ClientIdentity::read(&shown[0]);
    let _refused = Name::from_der(bytes).map(|name| name.to_string());
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _refused = Certificate::all_from_pem(text, "the certificates");
    }
});
