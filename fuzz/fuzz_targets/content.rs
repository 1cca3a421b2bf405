//! Messages of the profile `cbc-rs256`: their head, their signature, and what comes of a text that nobody sealed, taken for one that was signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_crypto::cbc::{self, FIXED, Head, Opener, Unverified};
use sceau_crypto::{Secret, sha256};
use sceau_element_api::protect::ContentClaims;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(signature) = cbc::signature_of(bytes) {
        assert!(bytes.ends_with(&cbc::trailer(signature).expect("it was one")));
        let _ = ContentClaims::unverified(signature);
    }
    let Some(fixed) = bytes.get(..FIXED) else { return };
    let Ok(length) = Head::length(fixed) else { return };
    let Some((head, _)) = bytes.split_at_checked(length) else { return };
    let head = Head::parse(head).expect("its length is right");
    assert_eq!(head.to_bytes().expect("it was one"), &bytes[..length]);
    let taken = |signed: &[u8; 32]| {
        let mut unverified = Unverified::begin();
        bytes.chunks(1000).for_each(|piece| unverified.update(piece));
        unverified.verified(&head.datum, signed)
    };
    assert!(taken(&[0; 32]).is_err(), "nothing was signed so");
    let verified = taken(&sha256(bytes)).expect("the head and the digest are right");
    let mut content = Vec::new();
    let mut opener = Opener::new(&Secret::fill_with(|key| key.fill(7)), verified).expect("a key");
    for part in bytes.chunks(cbc::PART) {
        if opener.part(part, &mut content).is_err() {
            return;
        }
    }
    let _ = opener.finish(&mut content);
});
