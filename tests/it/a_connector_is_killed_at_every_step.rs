//! `kill -9` of the connector after each thing that it makes durable: started again, the folder appears exactly once, whole, even where the
//! organisation's system took it away in between.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use sceau_client::Person;
use sceau_tests::{Connected, House, HrSystem, Program, Steps, struck};
use serde_json::{Value, json};

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// The organisation's system: takes each folder away as soon as it sees it, and counts.
fn take(connected: &Connected, taken: &mut BTreeMap<String, u32>, kept: &Path) {
    for folder in connected.folders() {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let times = taken.entry(name.clone()).or_default();
        *times += 1;
        for whole in ["manifest.json", "answers.json", "proof/manifest", "documents/pièce.pdf"] {
            assert!(folder.join(whole).is_file(), "{name} appeared without {whole}");
        }
        std::fs::rename(&folder, kept.join(format!("{name}.{times}"))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_appears_exactly_once() {
    let house = House::start("connector-killed");
    let administrator = house.administrator().await;
    let mut lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let sent: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
    let kept = house.scratch.join("taken");
    std::fs::create_dir(&kept).unwrap();
    let (mut taken, mut killed) = (BTreeMap::new(), 0);
    for step in 1.. {
        if step % 8 == 0 {
            lyon.another_client(&house).await;
        }
        let deposited = lyon.deposit(&citizen, &sent).await;
        let logs = house.scratch.join(&format!("stepped-{step}"));
        let program = Connected::program(&house, &[&lyon]);
        let struck = killed_at(step, &program, &logs, "handed_over").await;
        take(&lyon, &mut taken, &kept);
        goes_on(&program, &logs, &lyon, &citizen).await;
        take(&lyon, &mut taken, &kept);
        let dossier = deposited.dossier.to_string();
        let of_this: Vec<_> = taken.iter().filter(|(name, _)| name.starts_with(&dossier)).collect();
        assert!(matches!(of_this.as_slice(), [(_, 1)]), "killed at step {step}: {of_this:?}");
        let found = std::fs::read(kept.join(format!("{}.1", of_this[0].0)).join("documents/pièce.pdf"));
        assert!(found.unwrap() == sent, "killed at step {step}: whole");
        if !struck {
            break;
        }
        killed += 1;
    }
    eprintln!("killed at {killed} steps");
    assert!(killed >= 12, "files, folders, the journal, the rename: {killed}");
}

/// Starts it, and kills it at the `step`th thing that it makes durable, unless it says `words` before; whether it came to it.
async fn killed_at(step: u32, program: &Program, logs: &Path, words: &'static str) -> bool {
    let steps = Steps::default();
    let mut running = program.start_stepped(logs, &steps);
    let mut seen = 0;
    let hold = steps.hold(move || {
        seen += 1;
        seen >= step
    });
    let pid = running.pid();
    let act = async {
        tokio::task::spawn_blocking(move || {
            // It says so, or dies before.
            while !running.log().contains(words) && running.is_alive() {
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
            drop(running);
        })
        .await
        .unwrap();
    };
    struck(hold, act, async |_| kill(pid)).await.1
}

/// Starts it again, until it has a later dossier too: it comes to that only after what was open before.
async fn goes_on(program: &Program, logs: &Path, connected: &Connected, citizen: &Person) {
    let mut again = program.clone().named("connect-again").start(logs);
    let after = connected.deposit(citizen, b"after").await;
    again.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", after.dossier));
    assert!(again.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_is_taken_in_once_and_decided_once() {
    let house = House::start("connector-killed-posting");
    let administrator = house.administrator().await;
    let hr = HrSystem::start(&house);
    let mut lyon = Connected::found(&house, &administrator, "Métropole").await.handing_to(&hr.handover());
    lyon.grant_decisions().await;
    let mut killed = 0;
    // Until it is whole, a dossier is written as for a folder.
    for step in 10.. {
        if step % 8 == 0 {
            lyon.another_client(&house).await;
        }
        // One of their own for each: what one person may deposit in an hour is bounded.
        let citizen = house.citizen(&format!("cleo.{step}@example.org")).await;
        let deposited = lyon.deposit(&citizen, b"decide on it").await;
        let logs = house.scratch.join(&format!("stepped-{step}"));
        let program = Connected::program(&house, &[&lyon]);
        let struck = killed_at(step, &program, &logs, "\"event\":\"decided\"").await;
        goes_on(&program, &logs, &lyon, &citizen).await;
        let dossier = deposited.dossier.to_string();
        let taken = hr.taken().iter().filter(|key| key.starts_with(&dossier)).count();
        assert_eq!(taken, 1, "killed at step {step}");
        // Asked again, it was the same key each time, and so taken in once.
        let log = hr.running.log();
        let first = log.lines().filter(|line| line.contains(&dossier) && line.contains("\"first\": true"));
        let posted = first.filter(|line| line.contains("\"manifest\""));
        assert_eq!(posted.count(), 1, "killed at step {step}");
        let view: Value = citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap();
        assert_eq!((&view["state"], &view["decision"]["reason"]), (&json!("accepted"), &json!("Repris.")));
        let left = std::fs::read_dir(lyon.output.join(".incoming")).unwrap().count() + lyon.folders().len();
        assert_eq!(left, 0, "killed at step {step}: nothing in clear lies about");
        if !struck {
            break;
        }
        killed += 1;
    }
    eprintln!("killed at {killed} steps");
    assert!(killed >= 9, "the journal, the rename, the answer, the decision and what became of it: {killed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_elsewhere_is_told_once() {
    let house = House::start("connector-killed-telling");
    let administrator = house.administrator().await;
    let hr = HrSystem::start(&house);
    let mut lyon = Connected::found(&house, &administrator, "Métropole").await.handing_to(&hr.handover());
    let mut killed = 0;
    for step in 1.. {
        if step % 4 == 0 {
            lyon.another_client(&house).await;
        }
        let citizen = house.citizen(&format!("cleo.{step}@example.org")).await;
        let deposited = lyon.deposit(&citizen, b"silent").await;
        let logs = house.scratch.join(&format!("stepped-{step}"));
        let program = Connected::program(&house, &[&lyon]);
        let mut first = program.clone().named("connect-first").start(&logs);
        first.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", deposited.dossier));
        assert!(first.stop().success());
        lyon.decides(&house, deposited.dossier, "refused", "Hors délai.").await;
        let struck = killed_at(step, &program, &logs, "\"event\":\"told\"").await;
        goes_on(&program, &logs, &lyon, &citizen).await;
        let dossier = deposited.dossier.to_string();
        let told = hr.told();
        let told: Vec<_> = told.iter().filter(|(key, _)| key.starts_with(&dossier)).collect();
        let [(key, said)] = told.as_slice() else { panic!("killed at step {step}: {told:?}") };
        assert_eq!((&said["decision"], &said["reason"]), (&json!("refused"), &json!("Hors délai.")));
        let log = hr.running.log();
        let first =
            log.lines().filter(|line| line.contains(key.as_str()) && line.contains("\"first\": true"));
        assert_eq!(first.count(), 1, "killed at step {step}");
        let left = std::fs::read_dir(lyon.output.join(".incoming")).unwrap().count() + lyon.folders().len();
        assert_eq!(left, 0, "killed at step {step}: nothing lies about");
        if !struck {
            break;
        }
        killed += 1;
    }
    eprintln!("killed at {killed} steps");
    assert!(killed >= 10, "the journal, each file of the decision, its folder, the end: {killed}");
}
