//! A record of the trace: one spelling only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::Record;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::parse(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
});
