//! The platform and the element are killed in the middle of what they do. Started again, what was acknowledged is there, once;
//! what was not is either done whole, or left as it was, with at most its record.
//!
//! Where a kill falls is chosen by counting, with no clock: between two answers; at the n-th thing that the platform asks the element
//! to make durable, before the element hears of it or before the platform hears that it was done; at a growth of the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use sceau_element_api::documents::{Manifest, Outcome};
use sceau_tests::{Door, Draft, Hold, House, Running, Side, Stage, is_write, now_ms, struck};
use sceau_trace::Record;
use serde_json::Value;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Platform,
    Element,
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
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

/// Kills the platform as soon as its database has grown `growths` times, unless told that it is too late. Says whether it killed.
fn kill_at_growth(house: &House, growths: u32, over: Arc<AtomicBool>) -> std::thread::JoinHandle<bool> {
    let pid = house.platform.as_ref().unwrap().pid();
    let file = house.scratch.join("platform").join("records.db-wal");
    let length = move || std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
    let mut last = length();
    std::thread::spawn(move || {
        let mut left = growths;
        while !over.load(Ordering::SeqCst) {
            let now = length();
            if now != last {
                (last, left) = (now, left - 1);
            }
            if left == 0 {
                kill(pid);
                return true;
            }
            std::thread::yield_now();
        }
        false
    })
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
const WAITING: &str = "/organisation";
const ACCEPTED: &str = "has accepted your request";

/// A draft with everything sent, as plain values: the stage stays free to be changed.
async fn ready(stage: &Stage) -> (sceau_element_api::DossierId, Manifest) {
    let draft = Draft::begin(stage).await;
    let (document, answers) = draft.send_all(b"what must not be lost").await;
    (draft.id, draft.manifest(&document, &answers))
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

/// What is done while a kill may fall.
#[derive(Debug, Clone, Copy)]
enum Act {
    Submit,
    Decide,
}

/// Something about to be done, to a dossier of its own.
struct Attempt {
    id: sceau_element_api::DossierId,
    manifest: Manifest,
    /// The signed decision, where that is what is done.
    decision: Option<String>,
}

impl Act {
    async fn prepare(self, stage: &Stage) -> Attempt {
        let (id, manifest) = ready(stage).await;
        let decision = match self {
            Self::Submit => None,
            Self::Decide => {
                Draft::resume(stage, id).await.submit(&manifest).await.unwrap();
                let manifest = serde_json::to_vec(&manifest).unwrap();
                Some(stage.decision(&manifest, Outcome::Accepted, now_ms()))
            }
        };
        Attempt { id, manifest, decision }
    }

    /// The action of its record, the state that it leads to, the letter to the citizen.
    fn leaves(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Submit => ("deposit.complete", "submitted", DEPOSITED),
            Self::Decide => ("decision", "accepted", ACCEPTED),
        }
    }
}

impl Attempt {
    /// Does it; the evidence, if it was acknowledged.
    async fn run(&self, draft: &Draft<'_>, stage: &Stage) -> Result<Value, sceau_client::ClientError> {
        match &self.decision {
            None => draft.submit(&self.manifest).await,
            Some(decision) => stage.organisation.machine.deliver_decision(decision).await,
        }
    }
}

/// What must hold after a kill, whatever its moment: then it is done again, and all of it is there once.
async fn nothing_is_lost(stage: &mut Stage, act: Act, attempt: &Attempt, acknowledged: Option<Value>) {
    let dossier = attempt.id.to_string();
    let (action, state, words) = act.leaves();
    match &acknowledged {
        Some(evidence) => {
            assert_eq!(view(stage, &dossier).await["state"], state, "what was acknowledged is there");
            sceau_client::trust::verify(evidence, stage.citizen.log_key()).unwrap();
        }
        None => assert!(granted(stage, action, &dossier).await.len() <= 1, "at most its record"),
    }
    // Whoever got no answer asks again, and is answered as the first time.
    let draft = Draft::resume(stage, attempt.id).await;
    let evidence = attempt.run(&draft, stage).await.unwrap();
    let proven = sceau_client::trust::verify(&evidence, stage.citizen.log_key()).unwrap();
    assert!(acknowledged.is_none_or(|first| first["index"] == proven.index));
    assert_eq!(view(stage, &dossier).await["state"], state);
    assert_eq!(granted(stage, action, &dossier).await.len(), 1, "one record");
    let letters = stage.house.letters().await;
    assert_eq!(subjects(&of_dossier(&letters, &dossier), words), 1, "one letter");
}

fn of_dossier(letters: &[String], dossier: &str) -> Vec<String> {
    letters.iter().filter(|letter| letter.replace("=\r\n", "").contains(dossier)).cloned().collect()
}

/// Holds the `nth` thing from now on that the platform asks the element to make durable, on that side of it.
fn nth_write(door: &Door, wanted: Side, nth: u32) -> Hold {
    let mut left = nth;
    door.hold(move |side, asked| {
        left -= u32::from(side == wanted && is_write(asked));
        left == 0
    })
}

/// Kills on both sides of each thing that the act makes durable, until the act has no further one.
async fn at_each_word(victim: Victim, act: Act) {
    let (house, door, _gate) = House::start_guarded("kill-word").await;
    let mut stage = Stage::in_house(house).await;
    for side in [Side::Before, Side::After] {
        let mut falls = 0;
        for nth in 1.. {
            let pid = victim.slot(&mut stage.house).as_ref().unwrap().pid();
            let attempt = act.prepare(&stage).await;
            let draft = Draft::resume(&stage, attempt.id).await;
            let hold = nth_write(&door, side, nth);
            let (answer, fell) = struck(hold, attempt.run(&draft, &stage), async |_| kill(pid)).await;
            let acknowledged = answer.ok();
            if !fell {
                assert!(acknowledged.is_some());
                break;
            }
            falls += 1;
            victim.killed_and_back(&mut stage.house);
            nothing_is_lost(&mut stage, act, &attempt, acknowledged).await;
        }
        assert_eq!(falls, 2, "{act:?}: the document and the state are what it makes durable");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_around_each_record_of_a_submission() {
    at_each_word(Victim::Platform, Act::Submit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_around_each_record_of_a_decision() {
    at_each_word(Victim::Platform, Act::Decide).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_dies_around_each_record_of_a_submission() {
    at_each_word(Victim::Element, Act::Submit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_element_dies_around_each_record_of_a_decision() {
    at_each_word(Victim::Element, Act::Decide).await;
}

/// Kills the platform at growths of its database, from the first to the sixth, twice. A growth may be seen late, so that a kill falls
/// a little after it or not at all; what must hold holds at any moment.
async fn at_commits(act: Act) {
    let mut stage = Stage::set("kill-commit").await;
    let mut falls = 0;
    for growths in (1..=6).chain(1..=6) {
        let attempt = act.prepare(&stage).await;
        let draft = Draft::resume(&stage, attempt.id).await;
        let over = Arc::new(AtomicBool::new(false));
        let killer = kill_at_growth(&stage.house, growths, Arc::clone(&over));
        let acknowledged = attempt.run(&draft, &stage).await.ok();
        over.store(true, Ordering::SeqCst);
        if killer.join().unwrap() {
            falls += 1;
            Victim::Platform.killed_and_back(&mut stage.house);
        }
        nothing_is_lost(&mut stage, act, &attempt, acknowledged).await;
    }
    assert!(falls > 0, "twelve requests, and the database never grew in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_commits_of_a_submission() {
    at_commits(Act::Submit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_dies_at_commits_of_a_decision() {
    at_commits(Act::Decide).await;
}
