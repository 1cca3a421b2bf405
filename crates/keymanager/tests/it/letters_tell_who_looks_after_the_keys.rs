//! What is due, and what the log says that it must not, is told by a letter: once, through the organisation's own mail.

use std::path::Path;
use std::sync::Arc;

use sceau_keymanager::{LetterSettings, Settings};
use sceau_store::{Clock, MailFolder, Mailer, ManualClock};

use crate::support::world::AssertWell as _;
use crate::support::{Bad, DAY, START, World};

fn told(folder: &Path) -> Settings {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
    let mailer = Mailer::Folder(MailFolder::open(folder, "Sceau <cles@example.org>", clock).unwrap());
    let letters = Some(LetterSettings { mailer, to: "garde@example.org".to_owned() });
    Settings { letters, ..Settings::default() }
}

/// The letters in the folder, whole.
fn letters(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mails = entries.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    mails.map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn what_is_due_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(told(folder.path())).await;
    assert!(letters(folder.path()).is_empty());
    world.clock.advance(32 * DAY);
    for _ in 0..2 {
        world.manager.tick().await.assert_well();
    }
    let letters = letters(folder.path());
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].contains("To: garde@example.org") && letters[0].contains("backup_old"), "{letters:?}");
}

#[tokio::test]
async fn a_key_that_ends_without_a_successor_and_one_that_nobody_acknowledged_are_told_before_their_end() {
    let folder = tempfile::tempdir().unwrap();
    // The policy's lead is shorter than the notice: the next key is missing two weeks before.
    let world = World::with(Settings { lead_ms: 7 * DAY, ..told(folder.path()) }).await;
    world.clock.advance(30 * DAY);
    world.manager.tick().await.assert_well();
    let about = |kind: &str| letters(folder.path()).iter().filter(|letter| letter.contains(kind)).count();
    assert_eq!((about("next_key_not_published"), about("key_not_acknowledged")), (0, 0));
    world.clock.advance(140 * DAY);
    world.manager.tick().await.assert_well();
    assert_eq!(about("next_key_not_published"), 2, "of both keys, thirteen days before their end");
    world.platform.misbehave(Bad::Away);
    world.clock.advance(7 * DAY);
    world.manager.tick().await;
    world.clock.advance(DAY / 24);
    for _ in 0..2 {
        world.manager.tick().await;
    }
    assert_eq!(about("key_not_acknowledged"), 1, "made, and taken by nobody, five days before its end");
}

#[tokio::test]
async fn a_log_that_contradicts_itself_is_told_though_the_platform_would_not() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(told(folder.path())).await;
    world.platform.misbehave(Bad::ForgetsLast);
    world.manager.tick().await;
    world.platform.misbehave(Bad::Away);
    world.manager.tick().await;
    assert!(letters(folder.path())[0].contains("log_inconsistent"));
}
