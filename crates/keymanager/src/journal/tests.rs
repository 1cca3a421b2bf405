#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{KeyKind, Passphrase, SoftwareKeystore, Unlock};
use sceau_store::{RetryPolicy, SystemClock};
use sceau_trace::{Action, Actor, ActorKind};
use tokio::task::yield_now;

use super::*;
use crate::schema::MIGRATIONS;

async fn journal(folder: &std::path::Path) -> Journal {
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let database = Database::open(&folder.join("trace.db"), &migrations).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let unlock = Unlock::Passphrase(Passphrase::new("a passphrase for one test only").unwrap());
    let keys: Arc<dyn Provider> =
        Arc::new(SoftwareKeystore::open_or_create(&folder.join("keys"), &unlock).unwrap());
    let key = keys.find_or_generate(KeyKind::Ed25519, &"trace".parse().unwrap(), 0).unwrap();
    let public = *keys.verifying_key(&key).unwrap().as_bytes();
    let log = VerifierKey::new("test.example/log", sceau_trace::KeyKind::Ed25519, public).unwrap();
    let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
    Journal::open(Parts { database, outbox, clock, keys, key, log }).await.unwrap().0
}

fn draft() -> RecordDraft {
    let actor = Actor { kind: ActorKind::KeyManager, id: "cles".to_owned() };
    RecordDraft::new(actor, Action::KEY_PUBLISH).granted()
}

/// Lets `future` go on for so many turns, then drops it; says whether it came to its end.
async fn abandoned_after(turns: u32, future: impl Future<Output = Result<u64, Error>>) -> bool {
    let mut future = pin!(future);
    for _ in 0..turns {
        let done = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await;
        if done {
            return true;
        }
        yield_now().await;
    }
    false
}

#[tokio::test]
async fn an_append_that_was_abandoned_anywhere_leaves_the_next_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path()).await;
    let mut whole = 0;
    for turns in 0..400 {
        whole += u64::from(abandoned_after(turns, journal.append(draft())).await);
        let position = journal.append(draft()).await.unwrap();
        assert_eq!(journal.size(), position + 1, "after {turns} turns");
    }
    assert!(whole > 0 && whole < 400, "some came to their end and some did not: {whole}");
    // What is on disk is what the last checkpoint says.
    let mut transaction = journal.parts.database.begin().await.unwrap();
    journal.reload(&mut transaction).await.unwrap();
}
