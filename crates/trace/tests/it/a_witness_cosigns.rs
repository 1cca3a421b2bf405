use crate::support::{ORIGIN, TestSigner, record, tree};
use sceau_trace::*;

fn checkpoint(size: u64) -> VerifiedCheckpoint {
    let log = TestSigner::log();
    log.checkpoint(&Checkpoint::new(ORIGIN, size, tree(size).root()).unwrap())
}

fn witness(seed: u8) -> TestSigner {
    TestSigner::new(&format!("witness.example/w{seed}"), KeyKind::Cosignature, seed)
}

fn cosign(checkpoint: VerifiedCheckpoint, witness: &TestSigner, time: u64) -> VerifiedCheckpoint {
    let signature = witness.sign(checkpoint.cosigned_text(time).as_bytes());
    checkpoint.with_cosignature(&witness.key, time, signature).unwrap()
}

#[test]
fn the_signed_text_is_the_specification_s() {
    let text = checkpoint(3).cosigned_text(1_679_315_147);
    assert!(text.starts_with(&format!("cosignature/v1\ntime 1679315147\n{ORIGIN}\n3\n")));
    assert!(text.ends_with("=\n"));
}

#[test]
fn cosignatures_travel_with_the_checkpoint() {
    let (first, second) = (witness(11), witness(12));
    let signed = cosign(cosign(checkpoint(9), &first, 1_700_000_000), &second, 1_700_000_001);
    let received = SignedCheckpoint::parse(&signed.note().to_string()).unwrap();
    let received = received.verify(&TestSigner::log().key).unwrap();
    assert_eq!(received, signed);
    let keys = [first.key.clone(), witness(13).key, second.key.clone(), second.key.clone()];
    let found = received.cosignatures(&keys).unwrap();
    let expected = [
        Cosignature { witness: first.key.clone(), time: 1_700_000_000 },
        Cosignature { witness: second.key, time: 1_700_000_001 },
    ];
    assert_eq!(found, expected, "a witness counts once");
    let line = received.note().signatures()[1].to_string();
    let added = checkpoint(9).with_cosignature_line(&line, &first.key).unwrap();
    assert_eq!(added.cosignatures(&[first.key]).unwrap().len(), 1);
}

#[test]
fn a_wrong_cosignature_is_an_error_not_an_absence() {
    let witness = witness(11);
    let signed = cosign(checkpoint(9), &witness, 1_700_000_000);
    let line = &signed.note().signatures()[1];
    let mut blob = line.blob().to_vec();
    blob[7] ^= 1; // one second off
    let moved = NoteSignature::new(&witness.key, blob);
    let mut note = checkpoint(9).note().clone();
    note.add(moved.clone()).unwrap();
    let received =
        SignedCheckpoint::parse(&note.to_string()).unwrap().verify(&TestSigner::log().key).unwrap();
    assert_eq!(received.cosignatures(std::slice::from_ref(&witness.key)), Err(NoteError::BadSignature));
    let refused = checkpoint(9).with_cosignature_line(&moved.to_string(), &witness.key).unwrap_err();
    assert_eq!(refused.code(), "note.bad_signature");
    let elsewhere = checkpoint(8).with_cosignature_line(&line.to_string(), &witness.key).unwrap_err();
    assert_eq!(elsewhere.code(), "note.bad_signature");
    let other = checkpoint(9).with_cosignature_line(&line.to_string(), &TestSigner::log().key).unwrap_err();
    assert_eq!(other.code(), "note.not_signed");
}

#[test]
fn a_log_s_signature_is_no_cosignature() {
    let log = TestSigner::log();
    assert_eq!(
        checkpoint(9).cosignatures(std::slice::from_ref(&log.key)).unwrap_err().code(),
        "note.bad_key"
    );
}

#[test]
fn a_checkpoint_extends_an_older_one_or_the_log_forked() {
    let (old, new) = (checkpoint(5), checkpoint(9));
    let proof = consistency_proof(5, 9, &tree(9)).unwrap();
    new.extends(&old, &proof).unwrap();
    assert_eq!(old.extends(&new, &proof).unwrap_err().code(), "checkpoint.not_an_extension");
    let log = TestSigner::log();
    let forked = log.checkpoint(&Checkpoint::new(ORIGIN, 5, sha256(b"fork")).unwrap());
    let error = new.extends(&forked, &proof).unwrap_err();
    assert_eq!(error, CheckpointError::NotAnExtension(ProofError::RootMismatch));
    assert_eq!(error.fault(), Fault::Log);
}

#[test]
fn a_tlog_proof_is_printed_and_read() {
    let leaves: LogTree = (0..9).map(|n| record(n).leaf_hash()).collect();
    let log = TestSigner::log();
    let signed = log.checkpoint(&Checkpoint::new(ORIGIN, 9, leaves.root()).unwrap());
    let proof = inclusion_proof(9, 4, &leaves).unwrap();
    let evidence = Evidence::build(&record(4).to_bytes(), 4, proof, &signed, &log.key).unwrap();
    let plain = evidence.to_tlog_proof().unwrap();
    assert!(plain.to_string().starts_with("c2sp.org/tlog-proof@v1\nindex 4\n"));
    for extra in [None, Some(b"hello".to_vec())] {
        let proof = TlogProof { extra, ..plain.clone() };
        let read = TlogProof::parse(&proof.to_string()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.clone().verify(&record(4).leaf_hash(), &log.key).unwrap().size(), 9);
        assert!(read.verify(&record(5).leaf_hash(), &log.key).is_err());
    }
    let text = plain.to_string();
    for wrong in [
        text.replace("@v1", "@v2"),
        text.replace("index 4", "index 04"),
        text.replace("index 4\n", ""),
        text.replace("index 4", "extra extra AAAA\nindex 4"),
        text.replace("index 4\n", "index 4\nAAAA\n"),
    ] {
        assert_ne!(wrong, text);
        assert_eq!(TlogProof::parse(&wrong).unwrap_err(), EvidenceError::Malformed, "{wrong}");
    }
}
