//! The element's journal after a bad night: what is read back is what was written, up to where it ends; anything else refuses.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::Secret;
use sceau_element::{Change, EphemeralKey, Event, Journal, SealedEvent, recover};
use sceau_trace::{Action, Actor, ActorKind, Asserted, Record};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("sceau-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// Three batches: their events, and the file.
static WRITTEN: LazyLock<(Vec<Vec<SealedEvent>>, Vec<u8>)> = LazyLock::new(|| {
    let key = EphemeralKey::of(Secret::fill_with(|seed| seed.fill(5)));
    let event = |time: u64| {
        let actor = Actor::new(ActorKind::Platform, "platform");
        let record = Record::builder(time, actor, Asserted::Platform, Action::LOGIN).granted().build();
        Event::new(&record.expect("a record"), Change::Recorded).seal(&key).expect("it is sealed")
    };
    let path = FOLDER.join("written");
    let _ = std::fs::remove_file(&path);
    let mut journal = Journal::create(&path).expect("a journal");
    let batches = vec![vec![event(1)], vec![event(2), event(3)], vec![event(4)]];
    for batch in &batches {
        journal.commit(batch, "a checkpoint").expect("it is written");
    }
    (batches, std::fs::read(&path).expect("a journal"))
});

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (at, length, bytes) = input;
    let _ = SealedEvent::decode(&mut &*bytes);
    let (batches, whole) = &*WRITTEN;
    let mut file = whole.clone();
    let at = usize::from(at).min(file.len());
    let end = (at + usize::from(length)).min(file.len());
    file.splice(at..end, bytes.iter().copied());
    let path = FOLDER.join("journal");
    std::fs::write(&path, &file).expect("the folder is ours");
    let mut seen = Vec::new();
    let recovered = recover(&path, |events, checkpoint| {
        assert_eq!(checkpoint, "a checkpoint");
        seen.push(events.iter().map(|(event, _)| event.clone()).collect::<Vec<_>>());
        Ok(())
    });
    assert!(batches.starts_with(&seen), "nothing else than what was written");
    if let Ok(recovered) = recovered {
        if recovered.cut > 0 {
            let kept = file.len() as u64 - recovered.cut;
            std::fs::remove_file(FOLDER.join(format!("journal.cut-at-{kept}")))
                .expect("what was cut is kept");
        }
    }
});
