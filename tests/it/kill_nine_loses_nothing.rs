//! The platform and the element are killed in the middle of what they do. Started again, what was acknowledged is there, once;
//! what was not is either done whole, or left as it was, with at most its record.
//!
//! Where a kill falls is chosen by counting: between two answers, or at the n-th growth of the journal or of the database while a
//! request is under way. No clock is involved, so each point is met whatever the machine's speed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use sceau_element_api::documents::{Manifest, Outcome};
use sceau_tests::{Draft, House, Running, Sealed, Stage, now_ms};
use sceau_trace::Record;
use serde_json::Value;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Platform,
    Element,
}

/// What is counted to choose the moment.
#[derive(Debug, Clone, Copy)]
enum Counted {
    /// Growths of the element's journal: each is a batch of records that became durable.
    Journal,
    /// Growths of the database's log: each is a commit, or a part of one.
    Database,
}

impl Victim {
    fn slot(self, house: &mut House) -> &mut Option<Running> {
        match self {
            Self::Platform => &mut house.platform,
            Self::Element => &mut house.element,
        }
    }

    /// Ends it as a power cut would, and starts it again.
    fn killed_and_back(self, house: &mut House) {
        if let Some(running) = self.slot(house).take() {
            running.kill();
        }
        match self {
            Self::Platform => house.start_platform(),
            Self::Element => house.start_element(),
        }
    }
}

fn counted(house: &House, what: Counted) -> PathBuf {
    match what {
        Counted::Journal => house.scratch.join("element").join("journal"),
        Counted::Database => house.scratch.join("platform").join("records.db-wal"),
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Kills `pid` as soon as `file` has grown `growths` times, unless told that it is too late. Says whether it killed.
fn kill_at(pid: u32, file: PathBuf, growths: u32, over: Arc<AtomicBool>) -> std::thread::JoinHandle<bool> {
    let mut last = length(&file);
    std::thread::spawn(move || {
        let mut left = growths;
        while !over.load(Ordering::SeqCst) {
            let now = length(&file);
            if now != last {
                (last, left) = (now, left - 1);
            }
            if left == 0 {
                let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
                kill_process(pid, Signal::KILL).unwrap();
                return true;
            }
            std::thread::yield_now();
        }
        false
    })
}

/// Runs `request` and kills `victim` at the n-th growth; gives the answer, if one came, and whether the kill fell.
async fn during<T>(
    house: &House,
    victim: Victim,
    (what, growths): (Counted, u32),
    request: impl Future<Output = Option<T>>,
) -> (Option<T>, bool) {
    let running = match victim {
        Victim::Platform => house.platform.as_ref(),
        Victim::Element => house.element.as_ref(),
    };
    let over = Arc::new(AtomicBool::new(false));
    let killer = kill_at(running.unwrap().pid(), counted(house, what), growths, Arc::clone(&over));
    let answer = request.await;
    over.store(true, Ordering::SeqCst);
    (answer, killer.join().unwrap())
}

/// Granted records of an action on a dossier.
async fn granted(stage: &Stage, action: &str, dossier: &str) -> Vec<Record> {
    let about = |record: &Record| record.subjects().iter().any(|subject| subject.id == dossier);
    let mut records = stage.trace().await;
    records.retain(|record| {
        record.action().as_str() == action
            && record.outcome() == sceau_trace::Outcome::Granted
            && about(record)
    });
    records
}

async fn view(stage: &Stage, dossier: &str) -> Value {
    stage.citizen.server().get(&format!("/v1/dossiers/{dossier}")).await.unwrap()
}

fn subjects(letters: &[String], words: &str) -> usize {
    // Subjects are encoded words; bodies are not where ASCII suffices: the English half says it.
    letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(words)).count()
}

const DEPOSITED: &str = "has been deposited and sealed";
const WAITING: &str = "A new sealed file is waiting";
const ACCEPTED: &str = "has accepted your request";

/// A draft with everything sent, as plain values: the stage stays free to be changed.
async fn ready(stage: &Stage) -> (sceau_element_api::DossierId, Manifest, [Sealed; 2]) {
    let draft = Draft::begin(stage).await;
    let (document, answers) = draft.send_all(b"what must not be lost").await;
    (draft.id, draft.manifest(&document, &answers), [document, answers])
}

#[tokio::test(flavor = "multi_thread")]
async fn between_any_two_answers_of_a_deposit_and_a_decision() {
    for victim in [Victim::Platform, Victim::Element] {
        let mut stage = Stage::set("kill-between").await;
        let id = Draft::begin(&stage).await.id;
        victim.killed_and_back(&mut stage.house);
        let draft = Draft::resume(&stage, id).await;
        let (document, answers) = (draft.seal(&[7; 1_500_000]), draft.seal(b"{}"));
        draft.send(&answers).await.unwrap();
        draft.send_header(&document).await.unwrap();
        victim.killed_and_back(&mut stage.house);
        let draft = Draft::resume(&stage, id).await;
        draft.send_part(&document, 0).await.unwrap();
        victim.killed_and_back(&mut stage.house);
        let draft = Draft::resume(&stage, id).await;
        assert_eq!(draft.arrived(&document).await, [0]);
        draft.send_part(&document, 1).await.unwrap();
        let manifest = draft.manifest(&document, &answers);
        victim.killed_and_back(&mut stage.house);
        let receipt = Draft::resume(&stage, id).await.submit(&manifest).await.unwrap();
        victim.killed_and_back(&mut stage.house);

        assert_eq!(view(&stage, &id.to_string()).await["state"], "submitted", "{victim:?}");
        sceau_client::trust::verify(&receipt, stage.citizen.log_key()).unwrap();
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let decision = stage.decision(&bytes, Outcome::Accepted, now_ms());
        let evidence = stage.organisation.machine.deliver_decision(&decision).await.unwrap();
        victim.killed_and_back(&mut stage.house);
        sceau_client::trust::verify(&evidence, stage.citizen.log_key()).unwrap();
        let again = stage.organisation.machine.deliver_decision(&decision).await.unwrap();
        assert_eq!(again["index"], evidence["index"]);
        assert_eq!(view(&stage, &id.to_string()).await["state"], "accepted", "{victim:?}");
        let letters = stage.house.letters().await;
        for words in [DEPOSITED, WAITING, ACCEPTED] {
            assert_eq!(subjects(&letters, words), 1, "{victim:?}: {words}");
        }
    }
}

/// Kills at growth after growth of a submission until one falls after the answer: each point was met once.
async fn submissions(victim: Victim, what: Counted) -> u32 {
    let mut stage = Stage::set("kill-submit").await;
    for growths in 1..20 {
        let (id, manifest, _) = ready(&stage).await;
        let dossier = id.to_string();
        let (acknowledged, fell) = {
            let draft = Draft::resume(&stage, id).await;
            let submit = async { draft.submit(&manifest).await.ok() };
            during(&stage.house, victim, (what, growths), submit).await
        };
        if fell {
            victim.killed_and_back(&mut stage.house);
        }
        if let Some(receipt) = &acknowledged {
            assert_eq!(view(&stage, &dossier).await["state"], "submitted", "acknowledged at {growths}");
            sceau_client::trust::verify(receipt, stage.citizen.log_key()).unwrap();
        } else {
            assert!(granted(&stage, "deposit.complete", &dossier).await.len() <= 1, "at most its record");
        }
        // Whoever got no answer asks again, and is answered as the first time.
        let receipt = Draft::resume(&stage, id).await.submit(&manifest).await.unwrap();
        let proven = sceau_client::trust::verify(&receipt, stage.citizen.log_key()).unwrap();
        assert!(acknowledged.is_none_or(|first| first["index"] == proven.index));
        assert_eq!(view(&stage, &dossier).await["state"], "submitted");
        assert_eq!(granted(&stage, "deposit.complete", &dossier).await.len(), 1, "one manifest at {growths}");
        let letters = stage.house.letters().await;
        let of_this = |words| subjects(&of_dossier(&letters, &dossier), words);
        assert_eq!(of_this(DEPOSITED), 1, "one letter at {growths}");
        assert_eq!(subjects(&letters, WAITING), growths as usize, "one notice each");
        if !fell {
            return growths;
        }
    }
    panic!("a submission never ends");
}

fn of_dossier(letters: &[String], dossier: &str) -> Vec<String> {
    letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(dossier)).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_each_record_of_a_submission() {
    assert!(submissions(Victim::Platform, Counted::Journal).await > 2, "two records make a submission");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_each_commit_of_a_submission() {
    assert!(submissions(Victim::Platform, Counted::Database).await > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_dies_at_each_record_of_a_submission() {
    assert!(submissions(Victim::Element, Counted::Journal).await > 2);
}

/// The same of a decision.
async fn decisions(victim: Victim, what: Counted) -> u32 {
    let mut stage = Stage::set("kill-decide").await;
    for growths in 1..20 {
        let deposited = stage.deposit(b"to be decided").await;
        let dossier = deposited.dossier.to_string();
        let decision = stage.decision(&deposited.manifest, Outcome::Accepted, now_ms());
        let (acknowledged, fell) = {
            let decide = async { stage.organisation.machine.deliver_decision(&decision).await.ok() };
            during(&stage.house, victim, (what, growths), decide).await
        };
        if fell {
            victim.killed_and_back(&mut stage.house);
        }
        if acknowledged.is_some() {
            assert_eq!(view(&stage, &dossier).await["state"], "accepted", "acknowledged at {growths}");
        }
        let evidence = stage.organisation.machine.deliver_decision(&decision).await.unwrap();
        let proven = sceau_client::trust::verify(&evidence, stage.citizen.log_key()).unwrap();
        assert!(acknowledged.is_none_or(|first| first["index"] == proven.index));
        assert_eq!(view(&stage, &dossier).await["state"], "accepted");
        assert_eq!(granted(&stage, "decision", &dossier).await.len(), 1, "one decision at {growths}");
        let letters = of_dossier(&stage.house.letters().await, &dossier);
        assert_eq!(subjects(&letters, ACCEPTED), 1, "one letter at {growths}");
        if !fell {
            return growths;
        }
    }
    panic!("a decision never ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_each_record_of_a_decision() {
    assert!(decisions(Victim::Platform, Counted::Journal).await > 2, "two records make a decision");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_each_commit_of_a_decision() {
    assert!(decisions(Victim::Platform, Counted::Database).await > 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_dies_at_each_record_of_a_decision() {
    assert!(decisions(Victim::Element, Counted::Journal).await > 2);
}
