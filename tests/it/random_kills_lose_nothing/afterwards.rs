//! What must hold once everybody has done their work, whatever was killed on the way.

use std::collections::{BTreeMap, BTreeSet};

use sceau_client::trust;
use sceau_tests::{Log, Records, log_extends};
use sceau_trace::Outcome;
use serde_json::Value;
use tokio::time::{Duration, interval};

use super::World;
use super::people::{Deposit, Done, Work};

/// Letters to the citizen, each sent once.
const LETTERS: [&str; 3] =
    ["has been deposited and sealed", "for the first time", "has accepted your request"];

pub(super) async fn nothing_is_lost(world: &mut World, work: &Work, done: &Done, checkpoints: &[String]) {
    settled(world, done).await;
    for checkpoint in checkpoints {
        log_extends(&world.scanned.house, checkpoint, &work.log_key).await;
    }
    let log = Log::read(&world.scanned.house).await;
    for deposit in &done.deposits {
        is_whole(deposit, &log).await;
    }
    log.agrees_with(&world.connected.premises).await;
    each_folder_appeared_once(work, done);
    drafts(world, done).await;
    letters(world, done).await;
    let administration = world.connected.premises.administration();
    for server in [done.deposits[0].citizen.server(), &administration] {
        assert_eq!(server.get::<Value>("/check").await.unwrap()["status"], "pass");
    }
    let running = world.connector.take().expect("it was started again");
    assert!(!running.log().contains("\"event\":\"aside\""), "nothing was put aside");
    assert!(running.stop().success());
}

/// Waits until decisions and records have reached the platform: they are delivered when their receiver is there.
async fn settled(world: &World, done: &Done) {
    let mut turns = interval(Duration::from_millis(50));
    let mut undecided: Vec<&Deposit> = done.deposits.iter().collect();
    for _ in 0..6000 {
        turns.tick().await;
        let mut still = Vec::new();
        for deposit in undecided {
            let path = format!("/v1/dossiers/{}", deposit.id);
            let view: Value = deposit.citizen.server().get(&path).await.unwrap();
            if view["decision"].is_null() {
                still.push(deposit);
            }
        }
        undecided = still;
        if undecided.is_empty() && world.connected.premises.is_settled().await {
            return;
        }
    }
    panic!("{} decisions were not delivered within five minutes", undecided.len());
}

/// A deposit that was acknowledged: submitted once, decided once, every line of its timeline proven.
async fn is_whole(deposit: &Deposit, log: &Log) {
    let (server, id) = (deposit.citizen.server(), deposit.id.to_string());
    let view: Value = server.get(&format!("/v1/dossiers/{id}")).await.unwrap();
    assert_eq!(
        (&view["state"], &view["decision"]["reason"]),
        (&"accepted".into(), &"Dossier complet.".into())
    );
    let receipt = trust::verify(&deposit.receipt, deposit.citizen.log_key()).unwrap();
    let manifest = receipt.record.attested().expect("a receipt shows the manifest's row");
    assert_eq!((manifest.kind.as_str(), manifest.id.as_str()), ("manifest", id.as_str()));
    for kind in ["manifest", "decision"] {
        assert_eq!(log.attested(kind, &id), 1, "{kind} of {id}");
    }
    assert_eq!(log.times("deposit.complete", Outcome::Granted, &id), 1, "{id}");
    let (intents, outcomes) = (
        log.times("unwrap.intent", Outcome::Intent, &id),
        log.times("unwrap.outcome", Outcome::Granted, &id),
    );
    let readers = 1 + usize::from(deposit.is_officers());
    assert!(intents >= outcomes && outcomes >= 2 * readers, "{id}: {intents} intents, {outcomes} outcomes");
    let (mut lines, mut clean) = (BTreeSet::new(), 0);
    for line in view["timeline"].as_array().unwrap() {
        let index = line["index"].as_u64().unwrap();
        let evidence = server.get(&format!("/v1/dossiers/{id}/evidence/{index}")).await.unwrap();
        let proven = trust::verify(&evidence, deposit.citizen.log_key()).unwrap();
        assert_eq!(proven.record.action().as_str(), line["action"]);
        if line["action"] == "intake.scan" {
            clean += usize::from(line["outcome"] == "granted");
        } else {
            assert!(lines.insert(index), "{index} has two lines");
        }
    }
    assert_eq!(lines, log.of_timeline(&id));
    // What was scanned for a visit that was cut is on record as well.
    assert!(if deposit.scanned { clean >= 2 } else { clean == 0 }, "{id}: {clean} files were found clean");
}

/// At the organisation's system, byte for byte.
fn each_folder_appeared_once(work: &Work, done: &Done) {
    for deposit in &done.deposits {
        let id = deposit.id.to_string();
        let of_this: BTreeMap<&String, &u32> =
            done.taken.iter().filter(|(name, _)| name.starts_with(&id)).collect();
        let [(name, times)] = Vec::from_iter(of_this)[..] else { panic!("{id}: several folders") };
        assert_eq!(*times, 1, "{name}");
        let found = std::fs::read(work.kept.join(format!("{name}.1/documents/pièce.pdf"))).unwrap();
        assert!(found == deposit.content, "{id}: whole");
    }
    assert_eq!(done.taken.len(), done.deposits.len(), "nothing was handed over that was not acknowledged");
}

/// What was begun and not answered is a draft, and nothing else is left over.
async fn drafts(world: &World, done: &Done) {
    let records = Records::open(&world.scanned.house).await;
    let states = "SELECT count(*) AS v FROM dossiers WHERE submitted IS NOT NULL";
    assert_eq!(records.value::<u64>(states, &[]).await, done.deposits.len() as u64);
    let dead = "SELECT count(*) AS v FROM outbox WHERE dead = 1";
    assert_eq!(records.value::<u64>(dead, &[]).await, 0, "no message was given up");
    let mut seen = BTreeMap::new();
    for deposit in &done.deposits {
        seen.entry(deposit.citizen.account.clone()).or_insert(&deposit.citizen);
    }
    let ours: BTreeSet<String> = done.deposits.iter().map(|deposit| deposit.id.to_string()).collect();
    let mut others = 0;
    for citizen in seen.values() {
        let list: Vec<Value> = citizen.server().get("/v1/dossiers").await.unwrap();
        for summary in list.iter().filter(|it| !ours.contains(it["id"].as_str().unwrap())) {
            assert_eq!(summary["state"], "draft");
            others += 1;
        }
    }
    assert!(others <= done.unanswered, "{others} drafts, {} beginnings were not answered", done.unanswered);
}

async fn letters(world: &mut World, done: &Done) {
    let letters = world.scanned.house.letters().await;
    let mut sent: BTreeMap<(String, &str), u32> = BTreeMap::new();
    for letter in letters.iter().map(|letter| letter.replace("=\r\n", "")) {
        for deposit in &done.deposits {
            let id = deposit.id.to_string();
            if letter.contains(&id) {
                for words in LETTERS.into_iter().filter(|words| letter.contains(words)) {
                    *sent.entry((id.clone(), words)).or_default() += 1;
                }
            }
        }
    }
    for deposit in &done.deposits {
        for words in LETTERS {
            assert_eq!(sent.get(&(deposit.id.to_string(), words)), Some(&1), "{}: {words}", deposit.id);
        }
    }
}
