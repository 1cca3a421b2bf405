//! What a witness is asked, what it answers, and the policy that says who must have cosigned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::{AddCheckpoint, KeyKind, NoteSignature, Policy, VerifierKey, admit};

fuzz_target!(|text: &str| {
    if let Ok(request) = AddCheckpoint::parse(text) {
        assert_eq!(request.to_string(), text);
        let origin = request.checkpoint.unverified().origin().to_owned();
        let witness = VerifierKey::new("witness.example/w", KeyKind::Cosignature, [7; 32]);
        if let (Ok(log), Ok(witness)) = (VerifierKey::new(&origin, KeyKind::Ed25519, [3; 32]), witness) {
            // No signature of a fuzzer's holds.
            assert!(admit(std::slice::from_ref(&log), None, request.clone()).is_err());
            if let Ok(verified) = request.checkpoint.verify(&log) {
                let _refused = verified.with_cosignature_line(text, &witness);
            }
        }
    }
    if let Ok(line) = NoteSignature::parse(text) {
        assert_eq!(line.to_string(), text);
    }
    let _refused = Policy::parse(text);
});
