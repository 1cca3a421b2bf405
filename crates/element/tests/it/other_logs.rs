//! Two elements, each with its log: one has in its own what it saw of the other's, and denounces what contradicts it.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_element_api::wire::{Code, RecordDraft};
use sceau_element_api::{CallError, Client};
use sceau_trace::{
    Action, Actor, ActorKind, AddCheckpoint, Evidence, Outcome, Record, Sighting, SignedCheckpoint,
    VerifiedCheckpoint, VerifierKey, leaf_hash, verify_inclusion,
};

use crate::house::{Element, Keeping, refused, shown};
use crate::protection::epochs::copy;

fn platforms_own() -> RecordDraft {
    RecordDraft::new(Actor::new(ActorKind::Platform, "platform"), Action::LOGIN).granted()
}

async fn append(client: &Client, count: usize) {
    for _ in 0..count {
        client.append(platforms_own()).await.unwrap();
    }
}

/// What a verifier says that shares no code: entry and size.
fn judged(whole: &Evidence, log: &VerifierKey, by: &VerifierKey) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence");
    std::fs::write(&file, whole.to_bytes()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let judge = Command::new("python3")
        .arg("-B")
        .arg(root.join("tests/judges/seen.py"))
        .arg(&file)
        .args([log.to_string(), by.to_string()])
        .output()
        .unwrap();
    assert!(judge.status.success(), "{}", String::from_utf8_lossy(&judge.stderr));
    String::from_utf8(judge.stdout).unwrap().trim().to_owned()
}

/// The other log's checkpoint that a record keeps, as that log signed it.
fn kept(record: &Record, key: &VerifierKey) -> VerifiedCheckpoint {
    let parts: String = (1..).map_while(|at| record.detail().get(&format!("note_{at}"))).cloned().collect();
    let note = String::from_utf8(STANDARD.decode(parts).unwrap()).unwrap();
    SignedCheckpoint::parse(&note).unwrap().verify(key).unwrap()
}

async fn latest(client: &Client) -> SignedCheckpoint {
    SignedCheckpoint::parse(&client.checkpoint().await.unwrap()).unwrap()
}

/// Brings a checkpoint of `from`'s log, or another one with `from`'s proof that it extends the one of `old_size`.
async fn bring(
    to: &Client,
    from: &Client,
    old_size: u64,
    checkpoint: SignedCheckpoint,
) -> Result<u64, CallError> {
    let size = checkpoint.unverified().size();
    let proof = match old_size {
        0 => vec![],
        old if old > size => vec![],
        old => from.consistency_proof(old, size).await.unwrap(),
    };
    to.see_checkpoint(AddCheckpoint { old_size, proof, checkpoint }.to_string()).await
}

async fn last_record(client: &Client) -> Record {
    let size = client.hello().await.unwrap().size;
    Record::parse(&client.entries(size - 1, 1).await.unwrap()[0]).unwrap()
}

#[tokio::test]
async fn what_one_log_had_is_in_another() {
    let one = Element::begin();
    let key: sceau_trace::VerifierKey = one.client.hello().await.unwrap().log_key.parse().unwrap();
    let keeping = Keeping { peers: vec![key.clone()], ..Keeping::in_files(0) };
    let folder = tempfile::tempdir().unwrap();
    let mut other = Element::resume_with(folder, sceau_crypto::random(), keeping);
    append(&one.client, 3).await;
    let first = latest(&one.client).await;
    assert_eq!(other.client.peers().await.unwrap()[0].size, 0);
    bring(&other.client, &one.client, 0, first.clone()).await.unwrap();
    append(&one.client, 4).await;
    let second = latest(&one.client).await;
    refused(bring(&other.client, &one.client, 0, second.clone()).await, Code::StaleVersion);
    other = other.restart().await;
    let known = other.client.peers().await.unwrap().remove(0);
    assert_eq!((known.size, known.root), (first.unverified().size(), Some(first.unverified().root())));
    let index = bring(&other.client, &one.client, known.size, second.clone()).await.unwrap();
    // The same again is no news.
    let size = second.unverified().size();
    let before = other.client.hello().await.unwrap().size;
    assert_eq!(bring(&other.client, &one.client, size, second.clone()).await.unwrap(), index);
    assert_eq!(other.client.hello().await.unwrap().size, before);

    // Offline: an entry of the one log is under what the other one's record says that it saw.
    let record = shown(&other.client, index).await;
    assert_eq!((record.action().as_str(), record.outcome()), ("log.seen", Outcome::Granted));
    let detail = |name: &str| record.detail()[name].clone();
    assert_eq!((detail("origin"), detail("size")), (key.name().to_owned(), size.to_string()));
    assert_eq!(kept(&record, &key).root(), second.unverified().root());
    let entry = one.client.entries(2, 1).await.unwrap().remove(0);
    let proof = one.client.inclusion_proof(2, size).await.unwrap();
    let root = detail("root").parse().unwrap();
    verify_inclusion(&leaf_hash(&entry), 2, size, &proof, &root).unwrap();

    let by: sceau_trace::VerifierKey = other.client.hello().await.unwrap().log_key.parse().unwrap();
    let file = |text: String| Evidence::parse(text.as_bytes()).unwrap();
    let evidence = file(one.client.evidence(2).await.unwrap());
    let sighting = Sighting { proof, evidence: file(other.client.evidence(index).await.unwrap()) };
    let whole = evidence.attach(Sighting::ATTACHMENT, serde_json::json!([sighting]));
    let verified = whole.verify(Some(&key)).unwrap();
    let seen = sighting.verify(&verified, &key, &by).unwrap();
    assert_eq!((seen.index, seen.size, seen.time), (index, size, record.time()));
    assert_eq!(judged(&whole, &key, &by), format!("{index} {size}"));
    // Of an entry that came later, it shows nothing; nor does the word of a platform.
    append(&one.client, 1).await;
    let later = file(one.client.evidence(size).await.unwrap()).verify(Some(&key)).unwrap();
    assert!(sighting.verify(&later, &key, &by).is_err());
    let mut draft = platforms_own();
    draft.action = Action::LOG_SEEN;
    draft.detail = record.detail().clone();
    if let Ok(forged) = other.client.append(draft).await {
        let evidence = file(other.client.evidence(forged).await.unwrap());
        let forged = Sighting { evidence, ..sighting };
        assert_eq!(forged.verify(&verified, &key, &by).unwrap_err().code(), "evidence.not_seen");
    }
}

#[tokio::test]
async fn only_a_fork_convicts_a_log_and_its_note_is_on_record() {
    let one = Element::begin();
    let key: VerifierKey = one.client.hello().await.unwrap().log_key.parse().unwrap();
    let keeping = Keeping { peers: vec![key.clone()], ..Keeping::in_files(0) };
    let other = Element::resume_with(tempfile::tempdir().unwrap(), sceau_crypto::random(), keeping);
    append(&one.client, 2).await;
    let before = latest(&one.client).await;
    let (folder, seed) = one.stop().await;
    let fork = tempfile::tempdir().unwrap();
    copy(folder.path(), fork.path());
    let one = Element::resume(folder, seed);
    append(&one.client, 1).await;
    let seen = latest(&one.client).await;
    bring(&other.client, &one.client, 0, seen.clone()).await.unwrap();
    let size = seen.unverified().size();

    // An honest log, brought by who is late or lies: nothing is on record, and nobody is accused.
    let entries = other.client.hello().await.unwrap().size;
    refused(bring(&other.client, &one.client, size, before).await, Code::StaleVersion);
    append(&one.client, 1).await;
    let honest = latest(&one.client).await;
    let proof = vec![seen.unverified().root()];
    let lie = AddCheckpoint { old_size: size, proof, checkpoint: honest }.to_string();
    refused(other.client.see_checkpoint(lie).await, Code::Malformed);
    assert_eq!(other.client.hello().await.unwrap().size, entries);

    let fork = Element::resume(fork, seed);
    append(&fork.client, 1).await;
    let same_size = latest(&fork.client).await;
    assert_eq!(same_size.unverified().size(), size);
    refused(bring(&other.client, &fork.client, size, same_size.clone()).await, Code::ProofInvalid);
    let record = last_record(&other.client).await;
    assert_eq!((record.action().as_str(), record.code()), ("log.seen", "witness.forked"));
    // Whoever reads the log convicts the other one by its own signature.
    let kept = kept(&record, &key);
    assert_eq!((kept.size(), kept.root()), (size, same_size.unverified().root()));
    assert_ne!(kept.root(), seen.unverified().root());
    let entries = other.client.hello().await.unwrap().size;

    append(&fork.client, 2).await;
    let longer = latest(&fork.client).await;
    refused(bring(&other.client, &fork.client, size, longer).await, Code::Malformed);

    // What its log did not sign, or a log that nobody named, is refused, and anybody could bring it: there is no record.
    let stranger = Element::begin();
    refused(
        bring(&other.client, &stranger.client, size, latest(&stranger.client).await).await,
        Code::ProofInvalid,
    );
    assert_eq!(other.client.hello().await.unwrap().size, entries);
    assert_eq!(other.client.peers().await.unwrap()[0].size, size, "what was seen before stands");
}
