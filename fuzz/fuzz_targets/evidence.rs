//! Evidence files and transparency-log proofs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::{Evidence, TlogProof};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(evidence) = Evidence::parse(bytes) {
        let _refused = evidence.verify(None);
        assert_eq!(Evidence::parse(&evidence.to_bytes()).as_ref(), Ok(&evidence));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(proof) = TlogProof::parse(text)
    {
        assert_eq!(proof.to_string(), text);
    }
});
