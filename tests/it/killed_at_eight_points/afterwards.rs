//! What must hold once the job is done, whoever died on the way.

use std::collections::BTreeSet;

use sceau_client::trust;
use sceau_tests::{Log, log_extends};
use sceau_trace::Outcome;
use serde_json::{Value, json};
use tokio::time::{Duration, interval};

use super::Point;
use super::job::{CONTENT, Done, REASON, World};

/// All of it.
pub(super) async fn nothing_is_lost(world: &mut World, point: Point, done: &Done) {
    let log_key = world.citizen.log_key().clone();
    delivered(world, done).await;
    let again = usize::from(!done.acknowledged);
    let log = Log::read(&world.house).await;
    log_extends(&world.house, &done.checkpoint, &log_key).await;

    // What was acknowledged is there.
    let receipt = trust::verify(&done.receipt, &log_key).unwrap();
    assert_eq!(receipt.index, done.opened.manifest.index);
    assert!(done.opened.files[0].content == CONTENT, "what comes out is what went in");
    let view = timeline_is_whole(world, done, &log).await;
    assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!(REASON)));

    // Once; and where an answer was lost, what was not answered has left its record.
    let dossier = done.dossier.to_string();
    let at = |here: Point| if point == here { again } else { 0 };
    for (kind, times) in [("manifest", 1), ("decision", 1)] {
        assert_eq!(log.attested(kind, &dossier), times, "{kind}");
    }
    let files = done.opened.files.len();
    // Cut at the last file; all of them are opened again.
    let (intent, outcome) = (at(Point::IntentDurable), at(Point::OutcomeDurable));
    for (action, outcome, times) in [
        ("ticket.exchange", Outcome::Granted, 1 + at(Point::TicketExchanged)),
        ("unwrap.intent", Outcome::Intent, files * (1 + intent + outcome)),
        ("unwrap.outcome", Outcome::Granted, files * (1 + outcome) + (files - 1) * intent),
        ("unwrap.outcome", Outcome::Refused, 0),
    ] {
        assert_eq!(log.times(action, outcome, &dossier), times, "{action} {outcome:?}");
    }
    drafts(world, &dossier, at(Point::DossierBegun)).await;
    letters(world, &dossier).await;
    log.agrees_with(&world.premises).await;
    for server in [world.citizen.server(), &world.premises.administration()] {
        assert_eq!(server.get::<Value>("/check").await.unwrap()["status"], "pass");
    }
}

/// Waits until the platform has the decision and every record of the key manager: those are delivered when their receiver is there.
async fn delivered(world: &World, done: &Done) {
    let path = format!("/v1/dossiers/{}", done.dossier);
    let mut turns = interval(Duration::from_millis(20));
    for _ in 0..3000 {
        turns.tick().await;
        let view: Value = world.citizen.server().get(&path).await.unwrap();
        if !view["decision"].is_null() && world.premises.is_settled().await {
            return;
        }
    }
    panic!("a decision or a record was not delivered within a minute");
}

/// Every line of the citizen's page has its evidence, and everything that was done to the dossier has its line, once.
async fn timeline_is_whole(world: &World, done: &Done, log: &Log) -> Value {
    let (server, dossier) = (world.citizen.server(), done.dossier.to_string());
    let view: Value = server.get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
    let mut lines = BTreeSet::new();
    for line in view["timeline"].as_array().unwrap() {
        let evidence =
            server.get(&format!("/v1/dossiers/{dossier}/evidence/{}", line["index"])).await.unwrap();
        let proven = trust::verify(&evidence, world.citizen.log_key()).unwrap();
        assert_eq!(proven.record.action().as_str(), line["action"]);
        assert!(lines.insert(proven.index), "{} has two lines", proven.index);
    }
    assert_eq!(lines, log.of_timeline(&dossier));
    view
}

/// What was begun and not answered is a draft that only the citizen sees, and no more.
async fn drafts(world: &World, dossier: &str, unanswered: usize) {
    let list: Vec<Value> = world.citizen.server().get("/v1/dossiers").await.unwrap();
    let (ours, others): (Vec<&Value>, Vec<&Value>) =
        list.iter().partition(|summary| summary["id"] == dossier);
    assert_eq!(ours.len(), 1);
    assert!(others.len() <= unanswered, "{others:?}");
    assert!(others.iter().all(|summary| summary["state"] == "draft"), "{others:?}");
}

/// One letter for each step.
async fn letters(world: &mut World, dossier: &str) {
    let letters: Vec<String> =
        world.house.letters().await.iter().map(|letter| letter.replace("=\r\n", "")).collect();
    let of = |dossier: &str, words: &str| {
        letters.iter().filter(|letter| letter.contains(dossier) && letter.contains(words)).count()
    };
    for words in ["has been deposited and sealed", "for the first time", "has accepted your request"] {
        assert_eq!(of(dossier, words), 1, "{words}");
    }
    assert_eq!(of("/organisation", "A new sealed dossier"), 1);
    assert_eq!(letters.len(), 4);
}
