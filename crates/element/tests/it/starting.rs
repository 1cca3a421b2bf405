//! Starting: after a clean stop, after a torn write, on a damaged journal, with the wrong key, behind a witness.

use std::path::{Path, PathBuf};

use sceau_element::{JournalError, StartError, WitnessError, start};
use sceau_element_api::wire::RecordDraft;
use sceau_trace::{Action, Actor, ActorKind, SignedCheckpoint};

use crate::house::{Element, run, settings, signer};

async fn append(element: &Element, count: usize) {
    for _ in 0..count {
        let draft = RecordDraft::new(Actor::new(ActorKind::Platform, "platform"), Action::LOGIN);
        element.client.append(draft).await.unwrap();
    }
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("state/journal")
}

/// Starts on a folder and says why not.
fn failure(folder: &Path, seed: [u8; 32], witness_file: Option<PathBuf>) -> StartError {
    match start(settings(folder, witness_file), Box::new(signer(seed))) {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_torn_write_is_cut_off_and_nothing_acknowledged_is_lost() {
    let element = Element::begin();
    append(&element, 5).await;
    let size = element.client.hello().await.unwrap().size;
    let (folder, seed) = element.stop().await;
    let whole = std::fs::read(journal(folder.path())).unwrap();
    // What a crash leaves of the next frame: any first part of it, or zeros where it should be.
    let frame = {
        let (client, serving) = run(folder.path(), seed, None).unwrap();
        drop(client);
        serving.abort();
        let _ = serving.await;
        std::fs::read(journal(folder.path())).unwrap()[whole.len()..].to_vec()
    };
    let zeros = vec![0; 4096];
    let mut garbled = frame.clone();
    let last = garbled.len() - 1;
    garbled[last] ^= 1;
    for torn in [&frame[..1], &frame[..30], &frame[..frame.len() - 1], &zeros, &garbled] {
        let (other, _) = Element::begin().stop().await;
        std::fs::write(journal(other.path()), [whole.as_slice(), torn].concat()).unwrap();
        let running = start(settings(other.path(), None), Box::new(signer(seed))).unwrap();
        assert_eq!(running.cut, torn.len() as u64);
        assert_eq!(running.service.view().size(), size + 1, "all of it, and this start");
    }
}

#[test]
fn a_journal_whose_log_showed_ids_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), None);
    assert!(settings.is_new().unwrap());
    std::fs::create_dir(&settings.state).unwrap();
    std::fs::set_permissions(&settings.state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(settings.journal(), b"sceau-journal-1\n").unwrap();
    // Before the keystore is asked for a key that the earlier version did not have.
    assert!(matches!(settings.is_new(), Err(JournalError::Earlier(_))));
    let error = failure(folder.path(), sceau_crypto::random(), None);
    assert!(matches!(error, StartError::Journal(JournalError::Earlier(_))), "{error}");
    std::fs::write(settings.journal(), b"something else").unwrap();
    assert!(matches!(settings.is_new(), Err(JournalError::Foreign(_))));
}

#[tokio::test]
async fn damage_in_the_middle_is_refused_and_nothing_is_touched() {
    let element = Element::begin();
    append(&element, 20).await;
    let (folder, seed) = element.stop().await;
    let path = journal(folder.path());
    let whole = std::fs::read(&path).unwrap();
    // Every region of a frame in the middle: its header, its checkpoint, its entry.
    let frames: Vec<usize> =
        whole.windows(4).enumerate().filter(|(_, w)| w == b"SCJF").map(|(at, _)| at).collect();
    let (start, end) = (frames[8], frames[9]);
    for at in (start..end).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&path, &damaged).unwrap();
        let error = failure(folder.path(), seed, None);
        let expected = start as u64;
        assert!(
            matches!(error, StartError::Journal(JournalError::Damaged { offset, .. }) if offset == expected),
            "byte {at}: {error}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "it is evidence");
    }
    // A frame taken out, or two exchanged.
    let without = [&whole[..start], &whole[end..]].concat();
    std::fs::write(&path, without).unwrap();
    assert!(matches!(failure(folder.path(), seed, None), StartError::Journal(JournalError::Damaged { .. })));
}

#[tokio::test]
async fn a_crash_before_the_first_batch_strands_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    // While the journal was being made, and just after.
    std::fs::write(state.join("journal.new"), b"sceau-jour").unwrap();
    let element = Element::resume(folder, sceau_crypto::random());
    append(&element, 1).await;
    let (folder, seed) = element.stop().await;
    let whole = std::fs::read(journal(folder.path())).unwrap();
    std::fs::write(journal(folder.path()), &whole[..16]).unwrap();
    let running = start(settings(folder.path(), None), Box::new(signer(seed))).unwrap();
    assert_eq!(running.service.view().size(), 1);
}

#[tokio::test]
async fn another_key_or_a_foreign_file_is_refused() {
    let element = Element::begin();
    append(&element, 1).await;
    let (folder, seed) = element.stop().await;
    let other = sceau_crypto::random();
    assert!(matches!(failure(folder.path(), other, None), StartError::OtherKey(_)));
    std::fs::write(journal(folder.path()), b"something else altogether").unwrap();
    let error = failure(folder.path(), seed, None);
    assert!(matches!(error, StartError::Journal(JournalError::Foreign(_))), "{error}");
}

#[tokio::test]
async fn only_one_runs_on_a_state() {
    let element = Element::begin();
    let error = failure(element.folder.path(), element.log_seed, None);
    assert!(matches!(error, StartError::Locked(_)), "{error}");
}

#[tokio::test]
async fn a_folder_that_others_enter_is_refused() {
    let element = Element::begin();
    let (folder, seed) = element.stop().await;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("state"), open).unwrap();
    assert!(matches!(failure(folder.path(), seed, None), StartError::Folder { .. }));
}

#[tokio::test]
async fn it_does_not_start_behind_or_beside_what_witnesses_remember() {
    let element = Element::begin();
    append(&element, 3).await;
    let early = element.client.checkpoint().await.unwrap();
    let copied = std::fs::read(journal(element.folder.path())).unwrap();
    append(&element, 3).await;
    let late = element.client.checkpoint().await.unwrap();
    let (folder, seed) = element.stop().await;
    let latest = std::fs::read(journal(folder.path())).unwrap();
    let witness = folder.path().join("witnesses");
    std::fs::write(&witness, format!("{early}---\n{late}")).unwrap();

    // An older copy of the state.
    std::fs::write(journal(folder.path()), &copied).unwrap();
    let error = failure(folder.path(), seed, Some(witness.clone()));
    let behind =
        matches!(error, StartError::Witness(WitnessError::Behind { number: 2, own: 4, seen: 7, .. }));
    assert!(behind, "{error}");
    assert!(error.to_string().contains("Bring the latest state folder back"), "{error}");

    // The same copy, carried on with otherwise: a fork.
    {
        let fork = Element::resume(folder, seed);
        append(&fork, 5).await;
        let (folder, _) = fork.stop().await;
        let error = failure(folder.path(), seed, Some(witness.clone()));
        let forked = matches!(error, StartError::Witness(WitnessError::Forked { number: 2, seen: 7, .. }));
        assert!(forked, "{error}");

        // The true one starts.
        std::fs::write(journal(folder.path()), &latest).unwrap();
        let running = start(settings(folder.path(), Some(witness.clone())), Box::new(signer(seed))).unwrap();
        assert_eq!(
            running.service.view().size(),
            SignedCheckpoint::parse(&late).unwrap().unverified().size() + 1
        );
        drop(running.service);
        running.writer.join().unwrap().unwrap();

        // Not with a checkpoint of another log, nor without the file.
        let foreign = Element::begin().client.checkpoint().await.unwrap();
        std::fs::write(&witness, foreign).unwrap();
        let error = failure(folder.path(), seed, Some(witness.clone()));
        assert!(matches!(error, StartError::Witness(WitnessError::Foreign { number: 1, .. })), "{error}");
        let error = failure(folder.path(), seed, Some(folder.path().join("absent")));
        assert!(matches!(error, StartError::Witness(WitnessError::File { .. })), "{error}");
    }
}

/// Who writes the file is not the element: nothing in its place keeps a start waiting, or takes memory without end.
#[tokio::test]
async fn what_is_no_file_of_checkpoints_is_said_at_once() {
    let element = Element::begin();
    let checkpoint = element.client.checkpoint().await.unwrap();
    let (folder, seed) = element.stop().await;
    let place = |name: &str| folder.path().join(name);
    std::fs::write(place("checkpoints"), &checkpoint).unwrap();
    std::os::unix::fs::symlink(place("checkpoints"), place("link")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place("endless")).unwrap();
    std::fs::write(place("long"), checkpoint + &"\n".repeat(1024 * 1024)).unwrap();
    std::fs::create_dir(place("folder")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(place("pipe")).status().unwrap();
    assert!(pipe.success());
    for name in ["link", "long", "folder", "pipe", "endless"] {
        let error = failure(folder.path(), seed, Some(place(name)));
        assert!(matches!(error, StartError::Witness(WitnessError::File { .. })), "{name}: {error}");
    }
    let running = start(settings(folder.path(), Some(place("checkpoints"))), Box::new(signer(seed))).unwrap();
    drop(running.service);
    running.writer.join().unwrap().unwrap();
}

#[tokio::test]
async fn a_policy_that_is_none_or_of_other_logs_is_said() {
    let element = Element::begin();
    let checkpoint = element.client.checkpoint().await.unwrap();
    let (other, own) = (Element::begin(), element.client.hello().await.unwrap().log_key);
    let other = other.client.hello().await.unwrap().log_key;
    let (folder, seed) = element.stop().await;
    let (witness, policy) = (folder.path().join("witnesses"), folder.path().join("policy"));
    std::fs::write(&witness, checkpoint).unwrap();
    let why = |text: &str| {
        std::fs::write(&policy, text).unwrap();
        loop {
            match start(settings(folder.path(), Some(witness.clone())), Box::new(signer(seed))) {
                Err(StartError::Witness(error)) => return Some(error.to_string()),
                // Another test starts a program, which holds a copy of the lock for a moment.
                Err(StartError::Locked(_)) => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
                Ok(running) => {
                    drop(running.service);
                    running.writer.join().unwrap().unwrap();
                    return None;
                }
            }
        }
    };
    assert!(why("quorum nobody\n").unwrap().contains("is no policy"));
    assert!(why(&format!("log {other}\nquorum none\n")).unwrap().contains("names other logs"));
    assert_eq!(why(&format!("log {own}\nquorum none\n")), None);
}
