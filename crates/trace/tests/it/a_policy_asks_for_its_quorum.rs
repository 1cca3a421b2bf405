//! C2SP tlog-policy: who must have cosigned, and what is no policy.

use crate::support::{ORIGIN, TestSigner, tree};
use sceau_trace::*;

fn witness(seed: u8) -> TestSigner {
    TestSigner::new(&format!("witness.example/w{seed}"), KeyKind::Cosignature, seed)
}

fn cosigned_by(seeds: &[u8]) -> VerifiedCheckpoint {
    let checkpoint = TestSigner::log().checkpoint(&Checkpoint::new(ORIGIN, 9, tree(9).root()).unwrap());
    seeds.iter().fold(checkpoint, |checkpoint, seed| {
        let signature = witness(*seed).sign(checkpoint.cosigned_text(1_800_000_000).as_bytes());
        checkpoint.with_cosignature(&witness(*seed).key, 1_800_000_000, signature).unwrap()
    })
}

/// Five witnesses, `A` to `E`, and more lines.
fn policy(more: &str) -> String {
    let line = |(name, seed): (&str, u8)| format!("witness {name} {}\n", witness(seed).key);
    let witnesses: String = [("A", 11), ("B", 12), ("C", 13), ("D", 14), ("E", 15)].map(line).concat();
    format!("# who watches\n\nlog {} https://sceau.example/\n{witnesses}{more}", TestSigner::log().key)
}

fn met(more: &str, seeds: &[u8]) -> bool {
    Policy::parse(&policy(more)).unwrap().verify(cosigned_by(seeds).into_signed()).is_ok()
}

#[test]
fn a_quorum_is_of_witnesses_and_of_groups() {
    assert!(met("quorum none", &[]));
    assert!(met("quorum A\n", &[11]) && !met("quorum A\n", &[12]));
    let two = "group g 2 A B C\nquorum g\n";
    assert!(met(two, &[11, 13]) && met(two, &[11, 12, 13]) && !met(two, &[12]) && !met(two, &[14, 15]));
    let all = "group g all A B\nquorum g\n";
    assert!(met(all, &[11, 12]) && !met(all, &[11]));
    let any = "group\tg  any A B \n quorum g";
    assert!(met(any, &[12]) && !met(any, &[13]));
    let nested = "group x 2 A B C\ngroup y any D E\ngroup both all x y\nquorum both\n";
    assert!(met(nested, &[11, 12, 15]) && !met(nested, &[11, 12, 13]) && !met(nested, &[11, 14, 15]));
}

#[test]
fn who_cosigned_is_said_and_too_few_are_counted() {
    let policy = Policy::parse(&policy("group g 3 A B C\nquorum g\n")).unwrap();
    assert_eq!(policy.witnesses().len(), 5);
    let found = policy.judge(&cosigned_by(&[11, 12, 13, 15])).unwrap();
    let names: Vec<&str> = found.iter().map(|cosignature| cosignature.witness.name()).collect();
    assert_eq!(
        names,
        ["witness.example/w11", "witness.example/w12", "witness.example/w13", "witness.example/w15"]
    );
    let few = policy.judge(&cosigned_by(&[11, 15])).unwrap_err();
    assert_eq!(few, PolicyError::NoQuorum { found: 2, known: 5 });
}

#[test]
fn what_is_shown_of_a_policy_has_no_address_and_says_the_same() {
    let named = format!("{}\n# a word\nwitness F {} https://f.example\n", policy(""), witness(16).key);
    let whole = Policy::parse(&format!("{named}group\tg 2 A F\nquorum g")).unwrap();
    let shown = whole.to_text();
    assert!(!shown.contains("example/\n") && !shown.contains("https") && !shown.contains('#'), "{shown}");
    let again = Policy::parse(shown).unwrap();
    assert_eq!((again.logs(), again.to_text()), (whole.logs(), shown));
    for seeds in [&[11u8, 16][..], &[11, 12], &[16]] {
        assert_eq!(again.judge(&cosigned_by(seeds)), whole.judge(&cosigned_by(seeds)));
    }
}

#[test]
fn another_log_or_a_wrong_cosignature_is_refused() {
    let policy = Policy::parse(&policy("quorum A\n")).unwrap();
    let other = TestSigner::new(ORIGIN, KeyKind::Ed25519, 2);
    let theirs = other.checkpoint(&Checkpoint::new(ORIGIN, 9, tree(9).root()).unwrap());
    assert_eq!(policy.verify(theirs.into_signed()).unwrap_err(), PolicyError::OtherLog);
    assert!(policy.speaks_of(&TestSigner::log().key) && !policy.speaks_of(&other.key));

    let good = cosigned_by(&[11]);
    let mut blob = good.note().signatures()[1].blob().to_vec();
    blob[20] ^= 1;
    let mut note = Note::unsigned(good.to_text()).unwrap();
    note.add(good.note().signatures()[0].clone()).unwrap();
    note.add(NoteSignature::new(&witness(11).key, blob)).unwrap();
    let altered = SignedCheckpoint::parse(&note.to_string()).unwrap();
    assert_eq!(policy.verify(altered).unwrap_err().code(), "note.bad_signature");
}

#[test]
fn what_is_no_policy_names_its_line() {
    let (log, witness_key) = (TestSigner::log().key, witness(11).key);
    for (more, line) in [
        ("", 9),
        ("quorum Z\n", 9),
        ("quorum A\nquorum B\n", 10),
        ("group g 0 A B\nquorum g\n", 9),
        ("group g 3 A B\nquorum g\n", 9),
        ("group g 01 A B\nquorum g\n", 9),
        ("group g some A B\nquorum g\n", 9),
        ("group g any\nquorum g\n", 9),
        ("group g any A A\nquorum g\n", 9),
        ("group g any A Z\nquorum g\n", 9),
        ("group g any A none\nquorum g\n", 9),
        ("group none any A B\nquorum none\n", 9),
        ("group A any B C\nquorum A\n", 9),
        ("group g any A B\ngroup h any A C\nquorum h\n", 10),
        ("group g any A B\nquorum A\n", 10),
        ("quorum A B\n", 9),
        ("quórum A\n", 9),
        ("quorum A\r\n", 9),
        (&format!("log {log}\nquorum A\n"), 9),
        (&format!("log {witness_key}\nquorum A\n"), 9),
        (&format!("witness F {witness_key}\nquorum A\n"), 9),
        (&format!("witness F {log}\nquorum A\n"), 9),
    ] {
        let said = Policy::parse(&policy(more)).unwrap_err();
        assert_eq!(said.line, line, "{more}: {said}");
    }
}
