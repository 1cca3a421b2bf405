#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{KeyKind, Passphrase, SoftwareKeystore, Unlock};
use sceau_store::{RetryPolicy, SystemClock};
use sceau_trace::{Action, Actor, ActorKind};

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

/// Drops `future` when it has been polled so many times; says whether it came to its end before.
async fn abandoned_after(polls: u32, future: impl Future<Output = Result<u64, Error>>) -> bool {
    let (mut future, mut polled) = (pin!(future), 0);
    poll_fn(|context| {
        if polled < polls {
            polled += 1;
            if future.as_mut().poll(context).is_ready() {
                return Poll::Ready(true);
            }
        }
        // Otherwise it is woken when it can go on.
        if polled < polls { Poll::Pending } else { Poll::Ready(false) }
    })
    .await
}

#[tokio::test]
async fn an_append_that_was_abandoned_anywhere_leaves_the_next_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let journal = journal(folder.path()).await;
    for _ in 0..30 {
        let mut polls = 0;
        while !abandoned_after(polls, journal.append(draft())).await {
            let position = journal.append(draft()).await.unwrap();
            assert_eq!(journal.size(), position + 1, "after {polls} polls");
            polls += 1;
        }
        assert!(polls > 1, "it waits for the database more than once: {polls}");
    }
    // What is on disk is what the last checkpoint says.
    let mut transaction = journal.parts.database.begin().await.unwrap();
    journal.reload(&mut transaction).await.unwrap();
}
