use crate::support::{ORIGIN, TestSigner};
use sceau_trace::*;

/// The key and note in the documentation of Go's `golang.org/x/mod/sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn go_s_example_verifies() {
    let key: VerifierKey = PETER.parse().unwrap();
    assert_eq!(key.to_string(), PETER);
    assert_eq!(
        (key.name(), key.kind(), key.id()),
        ("PeterNeumann", KeyKind::Ed25519, [0xc7, 0x4f, 0x20, 0xa3])
    );
    let note = Note::parse(PETERS_NOTE).unwrap();
    assert_eq!(note.to_string(), PETERS_NOTE);
    note.verify(&key).unwrap();
    let altered = Note::parse(&PETERS_NOTE.replace("answer", "Answer")).unwrap();
    assert_eq!(altered.verify(&key), Err(NoteError::BadSignature));
    assert_eq!(note.verify(&TestSigner::log().key), Err(NoteError::NotSigned));
}

#[test]
fn malformed_keys_are_refused() {
    for wrong in [
        "",
        "PeterNeumann",
        "PeterNeumann+c74f20a3",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10Q=",
        "PeterNeumann+c74f20a3+AR",
    ] {
        assert_eq!(VerifierKey::parse(wrong).unwrap_err().code(), "note.bad_key", "{wrong}");
    }
}

#[test]
fn malformed_notes_are_refused() {
    let line = PETERS_NOTE.lines().last().unwrap();
    let many: String = (0..101).map(|n| line.replace("PeterNeumann", &format!("P{n}")) + "\n").collect();
    for wrong in [
        String::new(),
        "text\n".into(),
        "text\n\n".into(),
        "\n\n".into(),
        format!("text\n{line}\n"),
        format!("text\n\n{line}"),
        format!("text\n\n{line}\n\n"),
        format!("text\n\n{line}\nnot a signature\n"),
        format!("te\txt\n\n{line}\n"),
        format!("text\n\n{}\n", line.replace(' ', "  ")),
        format!("text\n\n{}\n", line.replace("PeterNeumann", "Peter+Neumann")),
        format!("text\n\n{}\n", line.trim_end_matches('=')),
        "text\n\n\u{2014} P AAAA\n".into(),
        "text\n\n\u{2014} P AAAAAA==\n".into(),
        format!("text\n\n{many}"),
        "x".repeat((1 << 20) + 1),
    ] {
        assert_eq!(Note::parse(&wrong).unwrap_err().code(), "note.malformed", "{}", wrong.escape_debug());
    }
    assert_eq!(Note::parse(&format!("text\n\n{line}\n{line}\n")), Err(NoteError::DuplicateSignature));
}

#[test]
fn a_checkpoint_carries_the_map_root() {
    let log = TestSigner::log();
    let plain = Checkpoint::new(ORIGIN, 7, sha256(b"root")).unwrap();
    assert_eq!(plain.map_root(), None);
    let bound = plain.with_map_root(sha256(b"map")).unwrap().with_extension("other line").unwrap();
    let signed = log.checkpoint(&bound);
    let read = SignedCheckpoint::parse(&signed.note().to_string()).unwrap().verify(&log.key).unwrap();
    assert_eq!(*read, bound);
    assert_eq!(read.map_root(), Some(sha256(b"map")));
    assert_eq!(read.extensions().len(), 2);
    assert!(bound.clone().with_map_root(sha256(b"other")).is_err(), "one map root only");
    for line in ["", "a\nb", "map-root", "map-root AAAA"] {
        let taken = bound.clone().with_extension(line);
        assert_eq!(taken.is_ok(), line == "map-root", "{line}");
    }
}

#[test]
fn a_signer_that_errs_is_noticed() {
    let log = TestSigner::log();
    let checkpoint = Checkpoint::new(ORIGIN, 7, sha256(b"root")).unwrap();
    let wrong = checkpoint.sign::<CheckpointError>(&log.key, |_| Ok([0; 64])).unwrap_err();
    assert_eq!(wrong.code(), "note.bad_signature");
    let signed = checkpoint.sign::<CheckpointError>(&log.key, |text| Ok(log.sign(text))).unwrap();
    assert_eq!(signed.size(), 7);
    let other = Checkpoint::new("another.example", 7, sha256(b"root")).unwrap();
    let refused = other.sign::<CheckpointError>(&log.key, |text| Ok(log.sign(text)));
    assert_eq!(refused.unwrap_err(), CheckpointError::WrongOrigin);
}
