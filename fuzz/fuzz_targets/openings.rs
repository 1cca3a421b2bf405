//! The openings of a record, and a record with commitments under them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_trace::{Openings, Record};

fuzz_target!(|bytes: &[u8]| {
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (openings, record) = bytes.split_at(cut);
    let Ok(openings) = serde_json::from_slice::<Openings>(openings) else { return };
    let printed = serde_json::to_vec(&openings).unwrap_or_default();
    assert_eq!(serde_json::from_slice::<Openings>(&printed).ok(), Some(openings.clone()));
    if let Ok(record) = Record::parse(record.get(1..).unwrap_or_default())
        && let Ok(revealed) = record.reveal(&openings)
    {
        assert_eq!(Record::parse(&revealed.to_bytes()).as_ref(), Ok(&revealed));
    }
});
