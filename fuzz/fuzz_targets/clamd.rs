//! What an antivirus daemon answers: only the whole word is clean.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_store::Verdict;

fuzz_target!(|answer: &[u8]| {
    match Verdict::read(answer) {
        Ok(Verdict::Clean) => assert_eq!(answer, b"stream: OK\0"),
        Ok(Verdict::Infected { name }) => {
            assert_eq!(answer, [b"stream: ", name.as_bytes(), b" FOUND\0"].concat());
            assert!(!name.is_empty() && !name.chars().any(char::is_control));
        }
        Err(_) => {}
    }
});
