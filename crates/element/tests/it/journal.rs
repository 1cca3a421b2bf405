//! The journal under random damage: what is read back is a first part of what was written, or nothing at all.

use std::path::Path;

use proptest::prelude::*;
use sceau_crypto::Secret;
use sceau_element::{Change, EphemeralKey, Event, Journal, JournalError, SealedEvent, recover};
use sceau_trace::Openings;

/// Writes batches of these sizes and returns their entries.
fn write(path: &Path, batches: &[usize]) -> Vec<Vec<u8>> {
    let mut journal = Journal::create(path).unwrap();
    let mut entries = Vec::new();
    for (number, size) in batches.iter().enumerate() {
        let leaf = |entry: usize| format!(r#"{{"batch":{number},"entry":{entry}}}"#).into_bytes();
        let events: Vec<SealedEvent> = (0..*size).map(|entry| sealed(leaf(entry))).collect();
        let places = journal.commit(&events, "note\n").unwrap();
        let written = std::fs::read(path).unwrap();
        for (place, event) in places.iter().zip(&events) {
            let start = usize::try_from(place.offset).unwrap();
            let mut there = &written[start..start + place.length as usize];
            assert_eq!(&SealedEvent::decode(&mut there).unwrap(), event);
        }
        entries.extend(events.into_iter().map(|event| event.leaf));
    }
    entries
}

fn sealed(leaf: Vec<u8>) -> SealedEvent {
    let key = EphemeralKey::of(Secret::random());
    Event { leaf, openings: Openings::default(), change: Change::Attested { payload: vec![7; 9] } }
        .seal(&key)
        .unwrap()
}

fn read(path: &Path) -> Result<(Vec<Vec<u8>>, u64), JournalError> {
    let mut entries = Vec::new();
    let recovered = recover(path, |events, _| {
        entries.extend(events.iter().map(|(event, _)| event.leaf.clone()));
        Ok(())
    })?;
    Ok((entries, recovered.cut))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_was_written_is_read(batches in proptest::collection::vec(0_usize..5, 1..8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let entries = write(&path, &batches);
        let (first, cut) = read(&path).unwrap();
        prop_assert_eq!(&first, &entries);
        prop_assert_eq!(cut, 0);
        prop_assert_eq!(&read(&path).unwrap().0, &entries, "reading changes nothing");
    }

    #[test]
    fn a_cut_anywhere_leaves_a_first_part(batches in proptest::collection::vec(1_usize..4, 1..6), at in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let entries = write(&path, &batches);
        let bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        std::fs::write(&path, &bytes[..at]).unwrap();
        match read(&path) {
            Ok((left, _)) => {
                prop_assert!(entries.starts_with(&left));
                prop_assert_eq!(read(&path).unwrap(), (left, 0), "once cut off, it is whole");
            }
            Err(error) => prop_assert!(matches!(error, JournalError::Foreign(_)) && at < 16, "{error}"),
        }
    }

    #[test]
    fn a_changed_bit_is_never_read(batches in proptest::collection::vec(1_usize..4, 1..6), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let entries = write(&path, &batches);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok((left, cut)) = read(&path) {
            // Only in the last frame can it be taken for an interrupted write.
            let last = entries.len() - batches[batches.len() - 1];
            prop_assert_eq!(&left[..], &entries[..last]);
            prop_assert!(cut > 0);
            let kept = folder.path().join(format!("journal.cut-at-{}", bytes.len() as u64 - cut));
            prop_assert_eq!(std::fs::read(kept).unwrap(), &bytes[bytes.len() - usize::try_from(cut).unwrap()..]);
        }
    }
}
