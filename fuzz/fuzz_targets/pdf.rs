//! A PDF from anybody: looked at, judged and prepared.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_pades::{Document, Terms, Wish, prepare, unfinished, verify};

fuzz_target!(|bytes: &[u8]| {
    let bytes = bytes.to_vec();
    let Ok(document) = Document::open(&bytes) else { return };
    let terms = Terms { anchors: None, stamp_anchors: None, lists: Default::default(), now: 0 };
    let _ = verify(&document, &terms);
    let _ = unfinished(&document);
    if let Ok(prepared) = prepare(&document, &Wish { room: 64, ..Wish::default() }) {
        let prepared = Document::open(&prepared).expect("what is prepared is read again");
        unfinished(&prepared).expect("and waits for its signature");
    }
});
