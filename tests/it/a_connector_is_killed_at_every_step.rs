//! `kill -9` of the connector after each thing that it makes durable: started again, the folder appears exactly once, whole, even where the
//! organisation's system took it away in between.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use sceau_tests::{Connected, House, struck};

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
    let lyon = Connected::found(&house, &administrator, "Métropole").await;
    let citizen = house.citizen("cleo@example.org").await;
    let sent: Vec<u8> = (0..1_500_000_u32).map(|i| (i % 251) as u8).collect();
    let kept = house.scratch.join("taken");
    std::fs::create_dir(&kept).unwrap();
    let (mut taken, mut killed, mut step) = (BTreeMap::new(), 0, 1);
    loop {
        let deposited = lyon.deposit(&citizen, &sent).await;
        let logs = house.scratch.join(&format!("stepped-{step}"));
        let (mut running, steps) = Connected::program(&house, &[&lyon]).start_stepped(&logs);
        let mut seen = 0;
        let hold = steps.hold(move || {
            seen += 1;
            seen >= step
        });
        let pid = running.pid();
        let dossier = deposited.dossier.to_string();
        let act = async {
            tokio::task::spawn_blocking(move || {
                // It says so, or dies before.
                while !running.log().contains("handed_over") && running.is_alive() {
                    std::thread::park_timeout(std::time::Duration::from_millis(5));
                }
                drop(running);
            })
            .await
            .unwrap();
        };
        let ((), struck) = struck(hold, act, async |_| kill(pid)).await;
        take(&lyon, &mut taken, &kept);
        let mut again = Connected::program(&house, &[&lyon]).named("connect-again").start(&logs);
        // It acknowledges a later dossier only after what was open before.
        let after = lyon.deposit(&citizen, b"after").await;
        again.wait_for(&format!("\"dossier\":\"{}\",\"event\":\"handed_over\"", after.dossier));
        assert!(again.stop().success());
        take(&lyon, &mut taken, &kept);
        let of_this: Vec<_> = taken.iter().filter(|(name, _)| name.starts_with(&dossier)).collect();
        assert!(matches!(of_this.as_slice(), [(_, 1)]), "killed at step {step}: {of_this:?}");
        let found = std::fs::read(kept.join(format!("{}.1", of_this[0].0)).join("documents/pièce.pdf"));
        assert!(found.unwrap() == sent, "killed at step {step}: whole");
        if !struck {
            break;
        }
        (killed, step) = (killed + 1, step + 1);
    }
    eprintln!("killed at {killed} steps");
    assert!(killed >= 12, "files, folders, the journal, the rename: {killed}");
}
