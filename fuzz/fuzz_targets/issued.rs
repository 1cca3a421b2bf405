//! What an issuer answers to a gate that asked for a certificate: text of its own making, or a good chain with something changed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_pki::{Anchors, Authority, AuthorityProfile, Certificate, ServerProfile, judge_issued};

const NOW: u64 = 1_800_000_000_000;

struct Stage {
    public: Vec<u8>,
    hosts: Vec<String>,
    anchors: Anchors,
    /// Leaf and authority, DER.
    chain: [Vec<u8>; 2],
    authority: Certificate,
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let authority = Authority::create(&AuthorityProfile::of("Fuzz"), NOW).expect("an authority");
    let hosts = vec!["gate.example".to_owned()];
    let issued = authority.issue_server(&ServerProfile::for_hosts(hosts.iter().map(String::as_str)), NOW);
    let issued = issued.expect("a certificate");
    let chain = [issued.certificate(), authority.certificate()].map(|one| one.der().to_vec());
    let stage = Stage {
        public: issued.certificate().public_key_info().to_vec(),
        hosts,
        anchors: Anchors::new([authority.certificate().clone()]).expect("one of ours"),
        chain,
        authority: authority.certificate().clone(),
    };
    assert!(stage.judge(&stage.pem(&stage.chain)).is_ok());
    stage
});

impl Stage {
    fn judge(&self, text: &str) -> Result<(), sceau_pki::Unfit> {
        let alone = judge_issued(text, &self.public, &self.hosts, None, NOW + 1000);
        let anchored = judge_issued(text, &self.public, &self.hosts, Some(&self.anchors), NOW + 1000);
        assert!(
            anchored.is_err() || alone.is_ok() || !text.contains("\n-----BEGIN"),
            "anchors take nothing away"
        );
        anchored
    }

    fn pem(&self, ders: &[Vec<u8>]) -> String {
        ders.iter().filter_map(|der| Certificate::from_der(der, "it").ok()).map(|one| one.to_pem()).collect()
    }
}

fuzz_target!(|bytes: &[u8]| {
    let stage = &*STAGE;
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(stage.judge(text).is_err(), "nobody issued it");
        let _followed = stage.judge(&format!("{}{text}", stage.pem(&stage.chain)));
        assert!(stage.judge(&format!("{text}{}", stage.authority.to_pem())).is_err(), "the leaf is not ours");
    }
    let [high, low, put @ ..] = bytes else { return };
    let mut changed = stage.chain.clone();
    let at = usize::from(u16::from_be_bytes([*high, *low])) % changed[0].len();
    for (place, octet) in changed[0][at..].iter_mut().zip(put) {
        *place = *octet;
    }
    if changed != stage.chain {
        assert!(stage.judge(&stage.pem(&changed)).is_err(), "a leaf that was changed is not what was issued");
    }
});
