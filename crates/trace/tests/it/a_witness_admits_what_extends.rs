//! What a witness answers to each request (C2SP tlog-witness), in the protocol's order.

use crate::support::{ORIGIN, TestSigner, cases, tree};
use proptest::prelude::*;
use sceau_trace::*;

fn signed(size: u64) -> VerifiedCheckpoint {
    TestSigner::log().checkpoint(&Checkpoint::new(ORIGIN, size, tree(size).root()).unwrap())
}

fn request(old: u64, new: u64) -> AddCheckpoint {
    let proof = consistency_proof(old.min(new), new, &tree(new)).unwrap();
    AddCheckpoint { old_size: old, proof, checkpoint: signed(new).into_signed() }
}

fn answer(latest: Option<u64>, request: AddCheckpoint) -> Result<u64, (u16, Option<u64>)> {
    let latest = latest.map(signed);
    let admitted = admit(&[TestSigner::log().key], latest.as_deref(), request);
    admitted.map(|new| new.size()).map_err(|refusal| (refusal.status(), refusal.latest()))
}

#[test]
fn what_extends_is_admitted() {
    assert_eq!(answer(None, request(0, 5)), Ok(5));
    assert_eq!(answer(Some(5), request(5, 9)), Ok(9));
    assert_eq!(answer(Some(9), request(9, 9)), Ok(9), "the same again: another time stamp");
    assert_eq!(answer(None, request(0, 0)), Ok(0), "an empty log");
}

#[test]
fn each_refusal_has_its_status() {
    let stranger = TestSigner::new("stranger.example/log", KeyKind::Ed25519, 7);
    let theirs = stranger.checkpoint(&Checkpoint::new("stranger.example/log", 5, tree(5).root()).unwrap());
    let unknown = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: theirs.into_signed() };
    assert_eq!(answer(None, unknown), Err((404, None)));

    let imposter = TestSigner::new(ORIGIN, KeyKind::Ed25519, 8);
    let forged = imposter.checkpoint(&Checkpoint::new(ORIGIN, 5, tree(5).root()).unwrap());
    let forged = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint: forged.into_signed() };
    assert_eq!(answer(None, forged), Err((403, None)));

    assert_eq!(answer(Some(9), request(9, 5)), Err((400, None)), "backwards");
    assert_eq!(answer(Some(5), request(4, 9)), Err((409, Some(5))));
    assert_eq!(answer(None, request(4, 9)), Err((409, Some(0))));
    assert_eq!(answer(Some(5), request(0, 9)), Err((409, Some(5))), "asks for the size");

    let mut wrong = request(5, 9);
    wrong.proof.pop();
    assert_eq!(answer(Some(5), wrong), Err((422, None)));
    let mut superfluous = request(0, 9);
    superfluous.proof.push(sha256(b"more"));
    assert_eq!(answer(None, superfluous), Err((422, None)));
    let mut superfluous = request(5, 5);
    superfluous.proof.push(sha256(b"more"));
    assert_eq!(answer(Some(5), superfluous), Err((422, None)));
}

#[test]
fn a_fork_is_never_admitted() {
    let log = TestSigner::log();
    let other = tree(5).root();
    let fork = |size| log.checkpoint(&Checkpoint::new(ORIGIN, size, other).unwrap()).into_signed();
    let same_size = AddCheckpoint { old_size: 9, proof: Vec::new(), checkpoint: fork(9) };
    assert_eq!(answer(Some(9), same_size), Err((409, Some(9))));
    let longer = AddCheckpoint { checkpoint: fork(12), ..request(9, 12) };
    assert_eq!(answer(Some(9), longer), Err((422, None)));
}

#[test]
fn signatures_of_unknown_keys_are_ignored_and_each_known_key_will_do() {
    let (first, second) = (TestSigner::log(), TestSigner::new(ORIGIN, KeyKind::Ed25519, 9));
    let text = signed(5).to_text();
    let mut note = Note::unsigned(text.clone()).unwrap();
    for signer in [&TestSigner::new("witness.example/w", KeyKind::Cosignature, 3), &first, &second] {
        note.add(NoteSignature::new(&signer.key, signer.sign(text.as_bytes()).to_vec())).unwrap();
    }
    let checkpoint = SignedCheckpoint::parse(&note.to_string()).unwrap();
    let request = AddCheckpoint { old_size: 0, proof: Vec::new(), checkpoint };
    for known in [&first, &second] {
        assert!(admit(std::slice::from_ref(&known.key), None, request.clone()).is_ok());
    }
}

#[test]
fn requests_are_spelt_one_way() {
    let text = request(5, 9).to_string();
    assert!(text.starts_with("old 5\n"));
    assert_eq!(AddCheckpoint::parse(&text).unwrap(), request(5, 9));
    let hash = text.lines().nth(1).unwrap();
    for wrong in [
        text.replacen("old 5", "old 05", 1),
        text.replacen("old 5", "old -5", 1),
        text.replacen("old 5", "new 5", 1),
        text.replacen("old 5", "old 5 ", 1),
        text.replacen("\n\n", "\n", 2),
        text.replacen(hash, "AAAA", 1),
        text.replacen(hash, &vec![hash; 64].join("\n"), 1),
        format!("{text}x"),
        text.replace('\n', "\r\n"),
        String::new(),
        "x".repeat(AddCheckpoint::MAX_BYTES + 1),
    ] {
        assert!(AddCheckpoint::parse(&wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #![proptest_config(cases(48))]

    /// Whatever is asked, a witness never goes back, and what it admits extends what it had.
    #[test]
    fn a_witness_never_goes_back(sizes in prop::collection::vec((0u64..40, 0u64..40), 1..20)) {
        let known = [TestSigner::log().key];
        let mut latest: Option<VerifiedCheckpoint> = None;
        for (old, new) in sizes {
            let had = latest.as_ref().map_or(0, |latest| latest.size());
            match admit(&known, latest.as_deref(), request(old, new)) {
                Ok(admitted) => {
                    prop_assert!(old == had && admitted.size() >= had);
                    latest = Some(admitted);
                }
                Err(refusal) => prop_assert!(old != had || new < old, "{refusal}"),
            }
        }
    }
}
