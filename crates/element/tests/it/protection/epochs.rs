//! Epochs turn at a start: what was erased is nowhere any more, what was not is there as before, wherever a start is killed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use sceau_element::{EpochTerms, SignerError, StartError};
use sceau_element_api::protect::{Called, NotCovered};
use sceau_element_api::wire::Code;
use sceau_element_api::{Client, Kind};
use sceau_hsm::pkcs11::{TokenKeystore, move_to_token};
use sceau_hsm::{Error, Provider};
use serde_json::json;

use super::caller::{Caller, DataKey, Protected};
use super::erasure::{certificate, of};
use super::observed::observed;
use super::witnessed::{remember, witnessed_start};
use crate::house::{Element, Keeping, refused, run_with, witnessed};
use crate::keys_in_a_token::beside_a_token;

/// Data, with the key of each.
type Known = Vec<(Called, DataKey)>;

pub(super) async fn create(client: &Client, application: &mut Caller, count: usize) -> Known {
    let mut known = Vec::new();
    for _ in 0..count {
        let op = application.create();
        let created = application.ask(client, "alice", op).await.unwrap();
        let key = application.data_key(&created);
        known.push((created, key));
    }
    known
}

pub(super) async fn all_open(client: &Client, application: &mut Caller, known: &[(Called, DataKey)]) {
    for (created, key) in known {
        let opening = application.opening(created);
        let opened = application.ask_mending(client, "alice", opening).await.unwrap();
        assert_eq!(application.data_key(&opened), *key);
    }
}

fn key_file(folder: &Path, epoch: u32, tenant: u32) -> bool {
    folder.join(format!("keys/keys/protect-epoch-{epoch}-{tenant}.key")).exists()
}

#[tokio::test]
async fn survivors_open_after_any_number_of_epochs() {
    let mut house = Protected::begin().await;
    let mut client = house.element.client.clone();
    let mut known = create(&client, &mut house.application, 12).await;
    for epoch in 2..5 {
        let (erased, _) = known.pop().unwrap();
        let application = &mut house.application;
        application.ask_mending(&client, "alice", of("erase", &erased)).await.unwrap();
        // One has another version since, with the salt of this epoch; and the database has the salts of earlier ones.
        let grant = json!({"grant": {"datum": known[epoch].0.datum, "grant": {"to": {"user": "bob"}}}});
        application.ask_mending(&client, "alice", grant).await.unwrap();
        let old = application.rows.clone();
        drop(client);
        house.element = house.element.restart().await;
        client = house.element.client.clone();
        let application = &mut house.application;
        let number = u32::try_from(epoch).unwrap();
        let folder = house.element.folder.path();
        assert!(key_file(folder, number, 1) && !key_file(folder, number - 1, 1));
        assert!(key_file(folder, 1, 2), "of the other organisation nothing was erased");
        assert!(certificate(&client, application, &erased).await.destroyed.is_some());
        let opening = application.opening(&erased);
        refused(application.ask_mending(&client, "alice", opening.clone()).await, Code::DatumErased);
        application.rows = old.clone();
        all_open(&client, application, &known).await;
        application.rows = old;
        refused(application.ask_mending(&client, "alice", opening).await, Code::DatumErased);
        known.extend(create(&client, application, 1).await);
    }
    let size = client.hello().await.unwrap().size;
    drop(client);
    house.element = house.element.restart().await;
    let client = house.element.client.clone();
    assert_eq!(client.hello().await.unwrap().size, size + 1, "where nothing was erased, nothing turns");
    all_open(&client, &mut house.application, &known).await;
}

#[tokio::test]
async fn a_key_stays_for_the_overlap_and_two_epochs_never_end_at_once() {
    let terms = EpochTerms { overlap: 3_600_000, ..EpochTerms::default() };
    let mut house = Protected::begin_with(Keeping { terms, ..Keeping::in_files(1) }).await;
    let client = house.element.client.clone();
    let mut known = create(&client, &mut house.application, 4).await;
    drop(client);
    for _ in 0..2 {
        let client = house.element.client.clone();
        let (erased, _) = known.pop().unwrap();
        house.application.ask_mending(&client, "alice", of("erase", &erased)).await.unwrap();
        drop(client);
        house.element = house.element.restart().await;
        let (client, folder) = (house.element.client.clone(), house.element.folder.path());
        assert!(key_file(folder, 1, 1) && key_file(folder, 2, 1) && !key_file(folder, 3, 1));
        assert!(certificate(&client, &mut house.application, &erased).await.destroyed.is_none());
        all_open(&client, &mut house.application, &known).await;
        known.extend(create(&client, &mut house.application, 1).await);
    }
    let (folder, seed) = house.element.stop().await;
    house.element = Element::resume_with(folder, seed, Keeping::in_files(1));
    let (client, folder) = (house.element.client.clone(), house.element.folder.path());
    assert!(!key_file(folder, 1, 1) && !key_file(folder, 2, 1) && key_file(folder, 3, 1));
    all_open(&client, &mut house.application, &known).await;
}

#[tokio::test]
async fn an_old_state_opens_nothing_once_its_epochs_key_is_gone() {
    let mut house = Protected::begin().await;
    let client = house.element.client.clone();
    let known = create(&client, &mut house.application, 2).await;
    house.application.ask(&client, "alice", of("erase", &known[0].0)).await.unwrap();
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let backup = tempfile::tempdir().unwrap();
    copy(&folder.path().join("state"), &backup.path().join("state"));
    let element = Element::resume_for(folder, seed, 2);
    let (folder, _) = element.stop().await;
    // The state as it was before, with the keystore as it is.
    for part in ["keys", "credential"] {
        copy(&folder.path().join(part), &backup.path().join(part));
    }
    let started = run_with(backup.path(), seed, None, Keeping::in_files(2));
    assert!(matches!(started, Err(StartError::Signer(SignerError::Protection(Error::NotFound(_))))));
    let element = Element::resume_for(folder, seed, 2);
    all_open(&element.client, &mut house.application, &known[1..]).await;
}

#[test]
fn no_backup_opens_what_was_erased_where_keys_are_in_a_token() {
    let name = "protection::epochs::no_backup_opens_what_was_erased_where_keys_are_in_a_token";
    beside_a_token(name, async |tokens| backups_open_nothing(in_the_token(&tokens)).await);
}

#[test]
fn what_was_ever_in_files_is_listed_after_a_move_into_a_token() {
    let name = "protection::epochs::what_was_ever_in_files_is_listed_after_a_move_into_a_token";
    beside_a_token(name, async |tokens| {
        let mut house = Protected::begin_with(Keeping::in_files(1)).await;
        let client = house.element.client.clone();
        let mut known = create(&client, &mut house.application, 3).await;
        drop(client);
        let (folder, seed) = house.element.stop().await;
        let unlock = sceau_hsm::Unlock::Credential(folder.path().join("credential"));
        let uri = crate::keys_in_a_token::address(&tokens).parse().unwrap();
        let (files, token) = (folder.path().join("keys"), folder.path().join("token"));
        move_to_token(&files, &unlock, &token, &uri).unwrap();
        let mut element = Element::resume_with(folder, seed, in_the_token(&tokens));
        let from_files = known.pop().unwrap().0;
        all_open(&element.client, &mut house.application, &known).await;
        let in_token = create(&element.client, &mut house.application, 2).await;
        let ever = vec![NotCovered::KeysHandedOut, NotCovered::KeystoreCopies, NotCovered::TokenBackups];
        let never = vec![NotCovered::KeysHandedOut, NotCovered::TokenBackups];
        for (erased, not_covered) in
            [(&from_files, &ever), (&in_token[0].0, &never), (&known[0].0, &ever), (&in_token[1].0, &never)]
        {
            let client = element.client.clone();
            house.application.ask_mending(&client, "alice", of("erase", erased)).await.unwrap();
            let proven = certificate(&client, &mut house.application, erased).await;
            assert_eq!(proven.not_covered, *not_covered);
            drop(client);
            // Twice: the epoch turns at one start, and its key goes at a later one.
            element = witnessed_start(witnessed_start(element).await).await;
            let proven = certificate(&element.client, &mut house.application, erased).await;
            assert!(proven.destroyed.is_some());
            assert_eq!(proven.not_covered, *not_covered, "it says what the record says");
        }
        all_open(&element.client, &mut house.application, &known[1..]).await;
    });
}

/// Keys in the token of SoftHSM that is in this folder.
pub(super) fn in_the_token(tokens: &Path) -> Keeping {
    let address = crate::keys_in_a_token::address(tokens).parse().unwrap();
    let keystore = move |folder: &Path| {
        let keystore = TokenKeystore::open_or_create(&folder.join("token"), &address)?;
        Ok(Arc::new(keystore) as Arc<dyn Provider>)
    };
    Keeping { keystore: Arc::new(keystore), ..Keeping::in_files(1) }
}

/// The database and all of the element's folder are brought back; from the token nothing can be.
async fn backups_open_nothing(keeping: Keeping) {
    let mut house = Protected::begin_with(keeping.clone()).await;
    let client = house.element.client.clone();
    let known = create(&client, &mut house.application, 3).await;
    let (erased, _) = &known[0];
    let database = house.application.rows.clone();
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let backups = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    copy(folder.path(), backups[0].path());
    let element = Element::resume_with(folder, seed, keeping.clone());
    house.application.ask(&element.client, "alice", of("erase", erased)).await.unwrap();
    let (folder, _) = element.stop().await;
    copy(folder.path(), backups[1].path());
    let element = Element::resume_with(folder, seed, keeping.clone());
    let proven = certificate(&element.client, &mut house.application, erased).await;
    assert_eq!((proven.destroyed, proven.due), (None, None), "whether it is a copy, no witness says");
    let element = witnessed_start(element).await;
    let client = element.client.clone();
    let proven = certificate(&client, &mut house.application, erased).await;
    assert!(proven.destroyed.is_some());
    let all = [NotCovered::KeysHandedOut, NotCovered::TokenBackups];
    assert_eq!(proven.not_covered, all, "no copy of this keystore is worth anything");
    // The database alone.
    house.application.rows = database.clone();
    let opening = house.application.opening(erased);
    refused(house.application.ask_mending(&client, "alice", opening).await, Code::DatumErased);
    all_open(&client, &mut house.application, &known[1..]).await;
    drop(client);
    let (folder, _) = element.stop().await;
    // All of the element's folder, from before the erasure or after: it has the entry of the epoch's key, and the token has the key no more.
    for backup in &backups {
        let started = run_with(backup.path(), seed, None, keeping.clone());
        assert!(matches!(started, Err(StartError::Signer(SignerError::Protection(_)))));
    }
    // As it is.
    let element = Element::resume_with(folder, seed, keeping);
    house.application.rows = database;
    all_open(&element.client, &mut house.application, &known[1..]).await;
}

#[test]
fn a_copy_of_the_state_destroys_no_key_that_the_element_needs() {
    let name = "protection::epochs::a_copy_of_the_state_destroys_no_key_that_the_element_needs";
    beside_a_token(name, async |tokens| {
        let keeping = in_the_token(&tokens);
        let mut house = Protected::begin_with(keeping.clone()).await;
        let client = house.element.client.clone();
        let known = create(&client, &mut house.application, 3).await;
        house.application.ask(&client, "alice", of("erase", &known[0].0)).await.unwrap();
        // A witness remembers the log; a copy of all, with what the witness remembers, is started for a drill: twice, and a day has passed.
        remember(&house.element).await;
        drop(client);
        let (folder, seed) = house.element.stop().await;
        let drill = tempfile::tempdir().unwrap();
        copy(folder.path(), drill.path());
        let day = Keeping { ahead: 24 * 3_600_000, ..keeping.clone() };
        for _ in 0..2 {
            let (client, serving) =
                run_with(drill.path(), seed, witnessed(drill.path()), day.clone()).unwrap();
            let kept = client.kept(Kind::Datum, known[1].0.datum).await.unwrap();
            assert!(kept.is_some());
            drop(client);
            serving.abort();
            let _ = serving.await;
            crate::house::wait_until_free(drill.path()).await;
        }
        house.element = Element::resume_with(folder, seed, keeping);
        let client = house.element.client.clone();
        all_open(&client, &mut house.application, &known[1..]).await;
        assert!(certificate(&client, &mut house.application, &known[0].0).await.destroyed.is_none());
        drop(client);
        let element = witnessed_start(house.element).await;
        all_open(&element.client, &mut house.application, &known[1..]).await;
        assert!(certificate(&element.client, &mut house.application, &known[0].0).await.destroyed.is_some());
    });
}

#[tokio::test]
async fn a_start_goes_on_where_another_was_killed() {
    let mut house = Protected::begin_with(Keeping::in_files(1)).await;
    let client = house.element.client.clone();
    let mut known = create(&client, &mut house.application, 6).await;
    let (erased, _) = known.pop().unwrap();
    house.application.ask(&client, "alice", of("erase", &erased)).await.unwrap();
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let (_snapshots, taken) = snapshots_of_a_start(folder, seed, Keeping::in_files(1)).await;
    let rows = house.application.rows.clone();
    assert!(taken.len() > 12, "{}", taken.len());
    let mut seen = [false; 3];
    for snapshot in taken {
        let keys = (key_file(&snapshot, 1, 1), key_file(&snapshot, 2, 1));
        seen[usize::from(keys.0) + usize::from(keys.1 && keys.0)] |= true;
        let folder = tempfile::tempdir().unwrap();
        copy(&snapshot, folder.path());
        let element = Element::resume_for(folder, seed, 1);
        let client = element.client.clone();
        house.application.rows = rows.clone();
        all_open(&client, &mut house.application, &known).await;
        let opening = house.application.opening(&erased);
        refused(house.application.ask_mending(&client, "alice", opening).await, Code::DatumErased);
        assert!(certificate(&client, &mut house.application, &erased).await.destroyed.is_some());
        assert!(!key_file(element.folder.path(), 1, 1) && key_file(element.folder.path(), 2, 1));
        drop(client);
        drop(element.stop().await);
    }
    assert_eq!(seen, [true; 3], "killed with the old key, with both, and with the new one");
}

#[tokio::test]
async fn the_overlap_counts_from_when_the_last_salt_was_sealed_anew() {
    const HOUR: u64 = 3_600_000;
    let mut house = Protected::begin_with(Keeping::in_files(1)).await;
    let client = house.element.client.clone();
    let mut known = create(&client, &mut house.application, 4).await;
    let (erased, _) = known.pop().unwrap();
    house.application.ask(&client, "alice", of("erase", &erased)).await.unwrap();
    drop(client);
    let (folder, seed) = house.element.stop().await;
    let (_snapshots, taken) = snapshots_of_a_start(folder, seed, Keeping::in_files(1)).await;
    // Killed while salts are sealed anew, and started again hours after the overlap that began with the epoch would have ended: no backup could be made.
    // Before the salts were written, that all were, and the key's end.
    let killed = taken.into_iter().rev().filter(|at| key_file(at, 1, 1)).nth(2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy(&killed, folder.path());
    let terms = EpochTerms { overlap: HOUR, ..EpochTerms::default() };
    let at = |ahead| Keeping { terms, ahead, ..Keeping::in_files(1) };
    let mut element = Element::resume_with(folder, seed, at(2 * HOUR));
    for (later, there) in [(2 * HOUR, true), (3 * HOUR - 60_000, true), (3 * HOUR + 60_000, false)] {
        let (folder, _) = element.stop().await;
        assert!(key_file(folder.path(), 1, 1), "it may be that no backup has the next key");
        element = Element::resume_with(folder, seed, at(later));
        assert_eq!(key_file(element.folder.path(), 1, 1), there);
    }
    let (folder, _) = element.stop().await;
    let element = Element::resume_with(folder, seed, at(0));
    all_open(&element.client, &mut house.application, &known).await;
}

#[tokio::test]
async fn a_keystore_that_makes_or_destroys_no_key_keeps_nobody_from_service() {
    let refused_use = Arc::new(Mutex::new(""));
    let refusing = Arc::clone(&refused_use);
    let keystore = observed(Arc::new(move |what| {
        let refused = *refusing.lock().unwrap() == what;
        if refused { Err(Error::Unsupported { scheme: "test", operation: "this" }) } else { Ok(()) }
    }));
    let mut house = Protected::begin_with(Keeping { keystore, ..Keeping::in_files(1) }).await;
    let client = house.element.client.clone();
    let mut known = create(&client, &mut house.application, 3).await;
    let (erased, _) = known.pop().unwrap();
    house.application.ask(&client, "alice", of("erase", &erased)).await.unwrap();
    drop(client);
    // It has no room for the next key; makes it, and cannot use it; or keeps the one before.
    for (refuses, keys) in [
        ("generate protect-epoch-2-1", [true, false]),
        ("seal protect-epoch-2-1", [true, true]),
        ("destroy protect-epoch-1-1", [true, true]),
        ("", [false, true]),
    ] {
        *refused_use.lock().unwrap() = refuses;
        house.element = house.element.restart().await;
        let (client, folder) = (house.element.client.clone(), house.element.folder.path());
        assert_eq!([key_file(folder, 1, 1), key_file(folder, 2, 1)], keys, "{refuses}");
        let proven = certificate(&client, &mut house.application, &erased).await;
        assert_eq!(proven.destroyed.is_some(), refuses.is_empty(), "{refuses}");
        all_open(&client, &mut house.application, &known).await;
        known.extend(create(&client, &mut house.application, 1).await);
    }
}

/// The folder as it is before each signature and each use of a key of a start: between two of them, at most one thing happens on the disk.
pub(super) async fn snapshots_of_a_start(
    folder: tempfile::TempDir,
    seed: [u8; 32],
    keeping: Keeping,
) -> (tempfile::TempDir, Vec<PathBuf>) {
    let snapshots = tempfile::tempdir().unwrap();
    let taken = Arc::new(Mutex::new(Vec::<PathBuf>::new()));
    let take: Arc<dyn Fn() + Send + Sync> = {
        let (from, to, taken) = (folder.path().to_owned(), snapshots.path().to_owned(), Arc::clone(&taken));
        Arc::new(move || {
            let mut taken = taken.lock().unwrap();
            let snapshot = to.join(taken.len().to_string());
            copy(&from, &snapshot);
            taken.push(snapshot);
        })
    };
    let told = Arc::clone(&take);
    let keystore = observed(Arc::new(move |_| {
        told();
        Ok(())
    }));
    let element = Element::resume_with(folder, seed, Keeping { keystore, signing: take, ..keeping });
    drop(element.stop().await);
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    (snapshots, taken)
}

pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        std::fs::copy(from, to).unwrap();
        return;
    }
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, from.metadata().unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() || entry.file_type().unwrap().is_file() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}
