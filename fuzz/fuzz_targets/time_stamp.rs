//! What a time-stamping authority answers, and tokens that were kept: no foreign byte is believed under an anchor that signed none.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sceau_pki::{Anchors, Authority, AuthorityProfile, StampRequest, TimeStamp};

fn anchors() -> &'static Anchors {
    static ANCHORS: OnceLock<Anchors> = OnceLock::new();
    ANCHORS.get_or_init(|| {
        let authority =
            Authority::create(&AuthorityProfile::of("Fuzz"), 1_800_000_000_000).expect("an authority");
        Anchors::new([authority.certificate().clone()]).expect("an anchor")
    })
}

fuzz_target!(|bytes: &[u8]| {
    let request = StampRequest::new([7; 32], [9; 16]);
    assert!(request.judge(bytes, anchors(), 1_800_000_000_000).is_err());
    assert!(TimeStamp::verify(bytes, &[7; 32], anchors()).is_err());
});
