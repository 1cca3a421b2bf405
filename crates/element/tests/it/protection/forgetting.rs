//! Who asked is forgotten in time: the key of the month goes, and every proof stays.

use std::path::Path;
use std::sync::Arc;

use sceau_element::{Month, RetainMonths, SignerError, StartError};
use sceau_element_api::Client;
use sceau_element_api::protect::{Access, Called};
use sceau_element_api::wire::Code;
use sceau_hsm::Error;
use sceau_trace::{Evidence, FieldPath, SignedCheckpoint};
use serde_json::{Value, json};

use super::caller::{Caller, Protected, seconds};
use super::epochs::{copy, in_the_token, snapshots_of_a_start};
use super::observed::observed;
use super::witnessed::{remember, witnessed_start};
use crate::house::{Element, Keeping, refused, run_with, witnessed};
use crate::keys_in_a_token::beside_a_token;

const DAY: u64 = 24 * 3_600_000;

/// By how much (milliseconds) a clock is ahead that shows so many months from now.
fn months(later: u32) -> u64 {
    let now = seconds() * 1000;
    let there = Month::of(now).later(later);
    (0..).map(|day| day * DAY).find(|ahead| Month::of(now + ahead) == there).unwrap()
}

fn now() -> Month {
    Month::of(seconds() * 1000)
}

fn has_key(folder: &Path, month: Month) -> bool {
    folder.join(format!("keys/keys/personal-{month}.key")).exists()
}

/// A month is kept.
fn kept_a_month() -> Keeping {
    Keeping { retain: RetainMonths::new(1).unwrap(), ..Keeping::in_files(1) }
}

/// A datum that was created, opened, and asked for in vain.
struct Asked {
    application: Caller,
    created: Called,
}

impl Asked {
    async fn begin(keeping: Keeping) -> (Element, Self) {
        let mut house = Protected::begin_with(keeping).await;
        let client = house.element.client.clone();
        let op = house.application.create();
        let created = house.application.ask(&client, "alice@example.org", op).await.unwrap();
        let opening = house.application.opening(&created);
        house.application.ask(&client, "alice@example.org", opening.clone()).await.unwrap();
        refused(house.application.ask(&client, "bob@example.org", opening).await, Code::UserNotAuthorised);
        let Protected { element, application, .. } = house;
        (element, Self { application, created })
    }

    /// A call at an element whose clock is ahead.
    async fn ask(&mut self, client: &Client, ahead: u64, op: Value) -> Called {
        let mut claims = self.application.claims("alice@example.org", op);
        for time in ["iat", "exp"] {
            claims[time] = json!(claims[time].as_u64().unwrap() + ahead / 1000);
        }
        let call = self.application.sign(&claims);
        self.application.bring(client, call).await.unwrap()
    }

    async fn list(&mut self, client: &Client, ahead: u64) -> Vec<Access> {
        let op = json!({"accesses": {"datum": self.created.datum}});
        self.ask(client, ahead, op).await.accesses.unwrap().list
    }

    /// The first three calls, as they are told: each is there, with or without who asked.
    async fn first_are_told(&mut self, client: &Client, ahead: u64, forgotten: bool) {
        let list = self.list(client, ahead).await;
        let first: Vec<&Access> = list.iter().rev().take(3).collect();
        let actions: Vec<_> = first.iter().map(|it| (it.action.as_str(), it.refused.is_some())).collect();
        assert_eq!(actions, [("datum.create", false), ("datum.open", false), ("datum.open", true)]);
        for access in first {
            assert_eq!(
                (access.forgotten, access.user.is_none(), access.address.is_none()),
                (forgotten, forgotten, forgotten)
            );
        }
    }
}

/// How often an action is in the log.
async fn logged(client: &Client, action: &str) -> usize {
    let size = client.hello().await.unwrap().size;
    let entries = client.entries(0, size).await.unwrap();
    let record = |entry: &Vec<u8>| sceau_trace::Record::parse(entry).unwrap();
    entries.iter().filter(|entry| record(entry).action().as_str() == action).count()
}

/// Evidence of every entry verifies; that of this one opens these fields.
async fn all_verify(client: &Client, of: u64, opens: &[&str]) {
    let hello = client.hello().await.unwrap();
    let key = hello.log_key.parse().unwrap();
    for index in 0..hello.size {
        let evidence = client.evidence(index).await.unwrap();
        let evidence = Evidence::parse(evidence.as_bytes()).unwrap();
        evidence.verify(Some(&key)).unwrap();
        if index == of {
            let opened: Vec<_> =
                evidence.openings().iter().map(|(path, _): (FieldPath, _)| path.to_string()).collect();
            assert_eq!(opened, opens);
        }
    }
}

async fn map_root(client: &Client) -> Option<sceau_trace::Hash> {
    SignedCheckpoint::parse(&client.checkpoint().await.unwrap()).unwrap().unverified().map_root()
}

#[tokio::test]
async fn who_asked_is_forgotten_and_every_proof_stays() {
    let (element, mut asked) = Asked::begin(kept_a_month()).await;
    let client = element.client.clone();
    asked.first_are_told(&client, 0, false).await;
    let (opened, before) = (asked.created.index + 1, map_root(&client).await);
    all_verify(&client, opened, &["subjects.0.id", "subjects.1.id", "subjects.2.id"]).await;
    assert_eq!(logged(&client, "retention.due").await, 1, "it is announced a month ahead");
    drop(client);
    let (folder, seed) = element.stop().await;
    assert!((0..4).all(|later| has_key(folder.path(), now().later(later))));
    let backup = tempfile::tempdir().unwrap();
    copy(folder.path(), backup.path());

    let ahead = months(1);
    let element = Element::resume_with(folder, seed, Keeping { ahead, ..kept_a_month() });
    assert!(!has_key(element.folder.path(), now()) && has_key(element.folder.path(), now().later(4)));
    let client = element.client.clone();
    assert_eq!(map_root(&client).await, before);
    assert_eq!(logged(&client, "retention.end").await, 1);
    asked.first_are_told(&client, ahead, true).await;
    all_verify(&client, opened, &["subjects.0.id"]).await;
    // It still opens, and who does is told.
    let opening = asked.application.opening(&asked.created);
    let again = asked.ask(&client, ahead, opening).await;
    let latest = &asked.list(&client, ahead).await[0];
    assert_eq!((latest.index, latest.forgotten), (again.index, false));
    assert_eq!(latest.user.as_ref().map(|user| user.as_str()), Some("alice@example.org"));
    drop(client);
    let (folder, _) = element.stop().await;

    // The journal of before, brought back beside the keys of now.
    for part in ["keys", "credential"] {
        let _ = std::fs::remove_dir_all(backup.path().join(part));
        copy(&folder.path().join(part), &backup.path().join(part));
    }
    let (client, _serving) =
        run_with(backup.path(), seed, None, Keeping { ahead, ..kept_a_month() }).unwrap();
    asked.first_are_told(&client, ahead, true).await;
    all_verify(&client, opened, &["subjects.0.id"]).await;
}

#[tokio::test]
async fn the_key_of_a_month_that_is_kept_is_not_made_anew() {
    let (element, _asked) = Asked::begin(Keeping::in_files(1)).await;
    let (folder, seed) = element.stop().await;
    std::fs::remove_file(folder.path().join(format!("keys/keys/personal-{}.key", now()))).unwrap();
    let started = run_with(folder.path(), seed, None, Keeping::in_files(1));
    assert!(matches!(started, Err(StartError::Signer(SignerError::Protection(Error::NotFound(_))))));
}

#[tokio::test]
async fn one_start_with_a_wrong_clock_forgets_nothing() {
    let (element, mut asked) = Asked::begin(Keeping::in_files(1)).await;
    let (folder, seed) = element.stop().await;
    let wrong = Keeping { ahead: months(30), ..Keeping::in_files(1) };
    let element = Element::resume_with(folder, seed, wrong);
    assert_eq!(logged(&element.client, "retention.end").await, 0);
    let (folder, _) = element.stop().await;
    let mut element = Element::resume_with(folder, seed, Keeping::in_files(1));
    asked.first_are_told(&element.client, 0, false).await;
    for (later, forgotten) in [(11, false), (12, true)] {
        let (folder, _) = element.stop().await;
        let ahead = months(later);
        element = Element::resume_with(folder, seed, Keeping { ahead, ..Keeping::in_files(1) });
        asked.first_are_told(&element.client, ahead, forgotten).await;
        assert_eq!(has_key(element.folder.path(), now()), !forgotten);
    }
}

#[tokio::test]
async fn what_ended_is_not_asked_for_again_whatever_the_clock_and_the_terms_say() {
    let (element, mut asked) = Asked::begin(kept_a_month()).await;
    let (folder, seed) = element.stop().await;
    let old_key = folder.path().join(format!("keys/keys/personal-{}.key", now()));
    let copied = std::fs::read(&old_key).unwrap();
    let ahead = months(1);
    let element = Element::resume_with(folder, seed, Keeping { ahead, ..kept_a_month() });
    assert_eq!(logged(&element.client, "retention.end").await, 1);
    let (folder, _) = element.stop().await;

    // The clock falls back into the month whose key is gone: calls are recorded under another one's.
    let longer = Keeping { retain: RetainMonths::new(36).unwrap(), ..kept_a_month() };
    for keeping in [kept_a_month(), longer.clone()] {
        let fallen = tempfile::tempdir().unwrap();
        copy(folder.path(), fallen.path());
        let element = Element::resume_with(fallen, seed, keeping);
        assert!(!has_key(element.folder.path(), now()), "what was destroyed is not made anew");
        asked.first_are_told(&element.client, 0, true).await;
        drop(element.stop().await);
    }
    let longer = Keeping { ahead, ..longer };
    let element = Element::resume_with(folder, seed, longer.clone());
    asked.first_are_told(&element.client, ahead, true).await;
    let (folder, _) = element.stop().await;
    // What comes back out of an old keystore opens nothing, and goes.
    std::fs::write(&old_key, copied).unwrap();
    let element = Element::resume_with(folder, seed, longer);
    asked.first_are_told(&element.client, ahead, true).await;
    assert!(!has_key(element.folder.path(), now()));
    assert_eq!(logged(&element.client, "retention.end").await, 1);
}

#[tokio::test]
async fn a_clock_that_is_wrong_for_an_hour_forgets_nothing_however_often_it_is_started() {
    let (element, mut asked) = Asked::begin(Keeping::in_files(1)).await;
    let (mut folder, seed) = element.stop().await;
    let (wrong, hour) = (400 * DAY, 3_600_000);
    for ahead in [wrong, wrong, wrong + hour, wrong + 23 * hour] {
        let element = Element::resume_with(folder, seed, Keeping { ahead, ..Keeping::in_files(1) });
        assert_eq!(logged(&element.client, "retention.end").await, 0);
        folder = element.stop().await.0;
    }
    let element = Element::resume_with(folder, seed, Keeping::in_files(1));
    asked.first_are_told(&element.client, 0, false).await;
    let (folder, _) = element.stop().await;
    // A month before it is past by a clock that is right, it is announced anew; then it goes in time, and not when the wrong clock's day comes.
    let ahead = months(11);
    let element = Element::resume_with(folder, seed, Keeping { ahead, ..Keeping::in_files(1) });
    asked.first_are_told(&element.client, ahead, false).await;
    let (folder, _) = element.stop().await;
    let ahead = months(12);
    let element = Element::resume_with(folder, seed, Keeping { ahead, ..Keeping::in_files(1) });
    assert!(logged(&element.client, "retention.end").await >= 1);
    assert!(!has_key(element.folder.path(), now()));
    asked.first_are_told(&element.client, ahead, true).await;
}

#[tokio::test]
async fn a_start_goes_on_forgetting_where_another_was_killed() {
    let (element, mut asked) = Asked::begin(kept_a_month()).await;
    let (folder, seed) = element.stop().await;
    let ahead = months(1);
    let keeping = Keeping { ahead, ..kept_a_month() };
    let (_snapshots, taken) = snapshots_of_a_start(folder, seed, keeping.clone()).await;
    let mut seen = [false; 2];
    for snapshot in taken {
        let key = has_key(&snapshot, now());
        seen[usize::from(key)] = true;
        let folder = tempfile::tempdir().unwrap();
        copy(&snapshot, folder.path());
        let element = Element::resume_with(folder, seed, keeping.clone());
        assert!(!has_key(element.folder.path(), now()));
        assert_eq!(logged(&element.client, "retention.end").await, 1, "it is in the log once");
        asked.first_are_told(&element.client, ahead, true).await;
        drop(element.stop().await);
    }
    assert_eq!(seen, [true; 2], "killed with the key, and without");
}

#[tokio::test]
async fn no_call_is_served_whose_record_could_not_be_forgotten() {
    let keystore = observed(Arc::new(|what| {
        let refused = what.starts_with("generate personal-");
        if refused { Err(Error::Unsupported { scheme: "test", operation: "this" }) } else { Ok(()) }
    }));
    let mut house = Protected::begin_with(Keeping { keystore, ..Keeping::in_files(1) }).await;
    let client = house.element.client.clone();
    let op = house.application.create();
    refused(house.application.ask(&client, "alice", op.clone()).await, Code::Unavailable);
    // Whoever asks for no datum is served.
    client.append(crate::kill::draft(sceau_element_api::AccountId::random())).await.unwrap();
    house.element = {
        let (folder, seed) = {
            drop(client);
            house.element.stop().await
        };
        Element::resume_with(folder, seed, Keeping::in_files(1))
    };
    let client = house.element.client.clone();
    house.application.ask(&client, "alice", op).await.unwrap();
}

#[test]
fn a_key_in_a_token_goes_when_a_witness_remembers_that_it_is_to() {
    let name = "protection::forgetting::a_key_in_a_token_goes_when_a_witness_remembers_that_it_is_to";
    beside_a_token(name, async |tokens| {
        let keeping = Keeping { retain: RetainMonths::new(1).unwrap(), ..in_the_token(&tokens) };
        let (element, mut asked) = Asked::begin(keeping.clone()).await;
        remember(&element).await;
        let (folder, seed) = element.stop().await;
        let backup = tempfile::tempdir().unwrap();
        copy(folder.path(), backup.path());
        // A copy of all, whose clock is wrong, and which no witness follows: it announces, and destroys nothing.
        let drill = tempfile::tempdir().unwrap();
        copy(folder.path(), drill.path());
        for _ in 0..2 {
            let ahead = months(3);
            let keeping = Keeping { ahead, ..keeping.clone() };
            let (client, serving) = run_with(drill.path(), seed, None, keeping).unwrap();
            assert_eq!(logged(&client, "retention.end").await, 0);
            drop(client);
            serving.abort();
            let _ = serving.await;
            crate::house::wait_until_free(drill.path()).await;
        }
        let ahead = months(1);
        let later = Keeping { ahead, ..keeping.clone() };
        std::fs::remove_file(folder.path().join("witnessed")).unwrap();
        let element = Element::resume_with(folder, seed, later.clone());
        assert_eq!(
            logged(&element.client, "retention.end").await,
            0,
            "whether it is a copy, no witness says"
        );
        asked.first_are_told(&element.client, ahead, true).await;
        let element = witnessed_start(element).await;
        assert_eq!(logged(&element.client, "retention.end").await, 1);
        asked.first_are_told(&element.client, ahead, true).await;
        drop(element.stop().await);
        // Whatever its clock says, a backup of all of the folder shows nothing: the token has the key no more.
        let started = run_with(backup.path(), seed, witnessed(backup.path()), keeping);
        let error = started.map(drop).unwrap_err();
        assert!(
            matches!(error, StartError::Signer(SignerError::Protection(Error::NotFound(_)))),
            "{error:?}"
        );
        let (client, _serving) = run_with(backup.path(), seed, None, later).unwrap();
        asked.first_are_told(&client, ahead, true).await;
    });
}
