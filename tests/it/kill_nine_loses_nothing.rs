//! The platform and the element are killed in the middle of what they do. Started again, what was acknowledged is there, once;
//! what was not is either done whole, or left as it was, with at most its record.
//!
//! Where a kill falls is chosen by counting, with no clock: between two answers; at the n-th thing that the platform asks the element
//! to make durable, before the element hears of it or before the platform hears that it was done; at a growth of the database.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use sceau_element_api::documents::{Manifest, Outcome};
use sceau_tests::{Draft, House, Running, Stage, now_ms};
use sceau_trace::Record;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Platform,
    Element,
}

/// On which side of the element's word the kill falls.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Side {
    /// The element has not heard what it is asked.
    Before,
    /// It is durable, and the platform has not heard so.
    After,
}

/// Stands between platform and element, and kills one of them at a chosen message.
#[derive(Clone)]
struct Door {
    element: PathBuf,
    plan: Arc<Mutex<Option<(Victim, Side)>>>,
    /// Writes that may still pass; at zero the plan is carried out.
    left: Arc<AtomicU32>,
    /// Process ids of platform and element.
    pids: Arc<Mutex<(u32, u32)>>,
}

impl Door {
    /// Puts it before the house's element and has the platform call there.
    fn put(house: &mut House) -> Self {
        let path = house.scratch.join("run").join("door.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let door = Self {
            element: house.socket(),
            plan: Arc::default(),
            left: Arc::default(),
            pids: Arc::default(),
        };
        let accepting = door.clone();
        tokio::spawn(async move {
            while let Ok((platform, _)) = listener.accept().await {
                tokio::spawn(accepting.clone().pass(platform));
            }
        });
        house.stop_platform();
        house.door = Some(path);
        house.start_platform();
        door
    }

    /// From now on: `victim` dies at the `nth` write, on that side of it.
    fn plan(&self, house: &House, victim: Victim, side: Side, nth: u32) {
        let pid = |running: &Option<Running>| running.as_ref().unwrap().pid();
        *self.pids.lock().unwrap() = (pid(&house.platform), pid(&house.element));
        self.left.store(nth, Ordering::SeqCst);
        *self.plan.lock().unwrap() = Some((victim, side));
    }

    /// Whether the plan was carried out; it is dropped if not.
    fn fell(&self) -> bool {
        self.plan.lock().unwrap().take().is_none()
    }

    /// Kills whom the plan says, if this is the message.
    fn strike(&self, side: Side) -> bool {
        let mut plan = self.plan.lock().unwrap();
        let due = self.left.load(Ordering::SeqCst) == 0 && plan.is_some_and(|(_, planned)| planned == side);
        if let Some((victim, _)) = plan.take_if(|_| due) {
            let (platform, element) = *self.pids.lock().unwrap();
            kill(if victim == Victim::Platform { platform } else { element });
        }
        due
    }

    async fn pass(self, platform: UnixStream) {
        let Ok(element) = UnixStream::connect(&self.element).await else { return };
        let (mut asks, mut hears) = platform.into_split();
        let (mut answers, mut told) = element.into_split();
        let back = self.clone();
        let answering = tokio::spawn(async move {
            while let Some(frame) = read_frame(&mut answers).await {
                let wrote = frame_is(&frame, &["\"attested\"", "\"appended\""]);
                if (wrote && back.strike(Side::After)) || write_frame(&mut hears, &frame).await.is_none() {
                    return;
                }
            }
        });
        while let Some(frame) = read_frame(&mut asks).await {
            if frame_is(&frame, &["\"attest\"", "\"append\"", "\"append_signed\""]) {
                let count = |left: u32| left.checked_sub(1);
                let _ = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
                if self.strike(Side::Before) {
                    break;
                }
            }
            if write_frame(&mut told, &frame).await.is_none() {
                break;
            }
        }
        // One side is gone: the other sees it as it would without us.
        drop(told);
        let _ = answering.await;
    }
}

/// One frame of the protocol: four bytes of length, big-endian, and JSON.
async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let length = from.read_u32().await.ok()?;
    let mut frame = vec![0; length as usize];
    from.read_exact(&mut frame).await.ok()?;
    Some(frame)
}

async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Option<()> {
    to.write_u32(u32::try_from(frame.len()).unwrap()).await.ok()?;
    to.write_all(frame).await.ok()
}

fn frame_is(frame: &[u8], words: &[&str]) -> bool {
    let call: Value = serde_json::from_slice(frame).unwrap();
    let said = call.get("request").or(call.get("response")).unwrap();
    let name = said.as_object().and_then(|said| said.keys().next());
    name.is_some_and(|name| words.contains(&format!("\"{name}\"").as_str()))
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

/// Kills on both sides of each thing that the act makes durable, until the act has no further one.
async fn at_each_word(victim: Victim, act: Act) {
    let mut stage = Stage::set("kill-word").await;
    let door = Door::put(&mut stage.house);
    for side in [Side::Before, Side::After] {
        let mut falls = 0;
        for nth in 1.. {
            let attempt = act.prepare(&stage).await;
            let draft = Draft::resume(&stage, attempt.id).await;
            door.plan(&stage.house, victim, side, nth);
            let acknowledged = attempt.run(&draft, &stage).await.ok();
            if !door.fell() {
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
