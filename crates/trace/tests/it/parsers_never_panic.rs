//! Each parser of foreign bytes, on noise and on good input with bytes changed. What it accepts, it prints back unchanged.

use crate::support::{ORIGIN, TestSigner, cases, committed, record};
use proptest::prelude::*;
use sceau_trace::*;

fn seeds() -> Vec<Vec<u8>> {
    let leaves: LogTree = (0..7).map(|n| record(n).leaf_hash()).collect();
    let log = TestSigner::log();
    let checkpoint = Checkpoint::new(ORIGIN, 7, leaves.root()).unwrap().with_map_root(sha256(b"m")).unwrap();
    let signed = log.checkpoint(&checkpoint);
    let proof = inclusion_proof(7, 2, &leaves).unwrap();
    let evidence = Evidence::build(&record(2).to_bytes(), 2, proof, &signed, &log.key).unwrap();
    let (hidden, openings) = committed(0);
    let alone: LogTree = [hidden.leaf_hash()].into_iter().collect();
    let alone = log.checkpoint(&Checkpoint::new(ORIGIN, 1, alone.root()).unwrap());
    let opened = Evidence::build(&hidden.to_bytes(), 0, Vec::new(), &alone, &log.key).unwrap();
    vec![
        record(2).to_bytes(),
        signed.note().to_string().into_bytes(),
        log.key.to_string().into_bytes(),
        evidence.to_bytes(),
        evidence.to_tlog_proof().unwrap().to_string().into_bytes(),
        format!(
            "old 3\n{}\n\n{}",
            evidence.to_tlog_proof().unwrap().to_string().lines().nth(2).unwrap(),
            signed.note()
        )
        .into_bytes(),
        format!("log {0}\ngroup g any a\nquorum none\n", log.key).into_bytes(),
        b"tile/0/x001/x234/067.p/8".to_vec(),
        b"tile/entries/x001/067".to_vec(),
        Bundle::at(0, 2).unwrap().bytes(&[record(0).to_bytes(), record(1).to_bytes()]).unwrap(),
        serde_json::to_vec(&openings).unwrap(),
        opened.with_openings(openings).unwrap().to_bytes(),
    ]
}

fn parse_all(bytes: &[u8]) {
    if let Ok(record) = Record::parse(bytes) {
        assert_eq!(record.to_bytes(), bytes);
    }
    if let Ok(evidence) = Evidence::parse(bytes) {
        let _ = evidence.verify(None);
        let _ = evidence.to_tlog_proof();
        assert_eq!(Evidence::parse(&evidence.to_bytes()).unwrap(), evidence);
        let value = serde_json::to_value(&evidence).unwrap();
        assert_eq!(serde_json::from_value::<Evidence>(value).unwrap(), evidence);
    }
    if let Ok(openings) = serde_json::from_slice::<Openings>(bytes) {
        let printed = serde_json::to_vec(&openings).unwrap();
        assert_eq!(serde_json::from_slice::<Openings>(&printed).unwrap(), openings);
    }
    let bundle = Bundle::at(0, 2).unwrap();
    if let Ok(entries) = bundle.parse_bytes(bytes) {
        assert_eq!(bundle.bytes(&entries).unwrap(), bytes);
    }
    let _ = serde_json::from_slice::<MapProof>(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
    }
    if let Ok(signed) = SignedCheckpoint::parse(text) {
        assert_eq!(signed.unverified().to_text(), signed.note().text());
    }
    if let Ok(request) = AddCheckpoint::parse(text) {
        assert_eq!(request.to_string(), text);
    }
    let _ = Policy::parse(text);
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(proof) = TlogProof::parse(text) {
        assert_eq!(proof.to_string(), text);
    }
    if let Ok(tile) = Tile::parse_path(text) {
        assert_eq!(tile.to_string(), text);
    }
    if let Ok(bundle) = Bundle::parse_path(text) {
        assert_eq!(bundle.to_string(), text);
    }
    if let Ok(action) = Action::parse(text) {
        assert_eq!(action.as_str(), text);
    }
}

#[test]
fn the_seeds_are_good() {
    let seeds = seeds();
    Record::parse(&seeds[0]).unwrap();
    Evidence::parse(&seeds[3]).unwrap().verify(None).unwrap();
    seeds.iter().for_each(|seed| parse_all(seed));
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn on_noise(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        parse_all(&bytes);
    }

    #[test]
    fn on_text(text in "[ -~\n\u{2014}\u{e9}]{0,200}") {
        parse_all(text.as_bytes());
    }

    #[test]
    fn on_good_input_with_changes(
        seed in 0usize..10,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..4)
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        parse_all(&bytes);
    }
}
