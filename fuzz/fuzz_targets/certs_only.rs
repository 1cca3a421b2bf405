//! What an authority outside answers for a holder's key: whatever it is, none that nobody issued is taken.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, HolderRequest, KeyAlgorithm, Name, Oid, PrivateKey, certs_only,
    judge_holder,
};

const NOW: u64 = 1_800_000_000_000;

struct Stage {
    anchors: Anchors,
    subject: Name,
    key: Vec<u8>,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let authority = Authority::create(&AuthorityProfile::of("Fuzz"), NOW).expect("an authority");
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    Stage {
        anchors: Anchors::new([authority.certificate().clone()]).expect("an anchor"),
        subject: Name::default().with(Oid::COMMON_NAME, "Marie Curie"),
        key: key.public_key_info().expect("its public half"),
    }
});

fuzz_target!(|bytes: &[u8]| {
    let stage = &*STAGE;
    if let Ok(certificates) = certs_only(bytes) {
        assert!((1..=12).contains(&certificates.len()));
        let request = HolderRequest { public_key_info: &stage.key, subject: &stage.subject, days: 1098 };
        assert!(judge_holder(&certificates, request, &stage.anchors, NOW).is_err(), "nobody issued it");
    }
});
