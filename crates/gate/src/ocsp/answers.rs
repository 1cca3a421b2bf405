//! What responders said, shared by all guards: kept as long as it holds, asked for again before it ends while somebody rests on it, and never asked for
//! twice at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::Uri;
use sceau_pki::{Certificate, Fingerprint, Heard, OcspAnswer, OcspStatus, RevocationLists};
use tokio::{runtime::Handle, sync::watch};

use super::{
    call::{Manner, Nonce, Unanswered},
    kept::{Kept, Response},
    pace,
};
use crate::{
    clock::now,
    observe::{ResponderTally, Shelf},
};

/// How many are kept: beyond, those that ended are forgotten, then all.
const MOST: usize = 65_536;
/// How long a verdict holds whose answer is just being asked for again (milliseconds).
const MEANWHILE: u64 = 1_000;

/// Of whom, asked how: another manner may hear another answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) certificate: Fingerprint,
    pub(crate) manner: Manner,
}

impl Key {
    /// Under which an answer is kept.
    fn name(&self) -> Fingerprint {
        let Manner { responder, deadline, nonce } = &self.manner;
        let responder = responder.as_ref().map(ToString::to_string).unwrap_or_default();
        let nonce = match nonce {
            Nonce::Sent => "sent",
            Nonce::Demanded => "demanded",
            Nonce::None => "none",
        };
        let all = format!("{}\n{responder}\n{}\n{nonce}", self.certificate, deadline.as_millis());
        Fingerprint::of(all.as_bytes())
    }
}

/// A question that may be asked: its chain leads to an anchor.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) key: Key,
    pub(crate) responder: Uri,
    pub(crate) certificate: Certificate,
    pub(crate) issuer: Certificate,
    /// For a responder whose own certificate may have been taken back.
    pub(crate) lists: RevocationLists,
    /// Where answers are kept for the next start.
    pub(crate) kept: Arc<Kept>,
}

#[derive(Debug, Default)]
pub(crate) struct Answers {
    entries: Mutex<HashMap<Key, Entry>>,
    /// How often somebody was found to be taken back of whom that was not known.
    revocations: AtomicU64,
    /// By the host that was asked: authorities name it in what they sign, or the file does.
    pub(crate) responders: Shelf<ResponderTally>,
}

#[derive(Debug, Default)]
struct Entry {
    known: Option<Known>,
    /// When the responder last looked, by what was believed of it (Unix milliseconds): an older answer is somebody's repetition.
    this_update: u64,
    /// When to ask again (Unix milliseconds).
    again: u64,
    failures: u32,
    /// Ends when the question under way is answered.
    under_way: Option<watch::Receiver<()>>,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Good { until: u64 },
    Revoked,
}

impl Entry {
    fn heard(&self, now: u64) -> Heard {
        match self.known {
            Some(Known::Revoked) => Heard::Revoked,
            Some(Known::Good { until }) if now < until => {
                Heard::Good { until: until.min(self.look_again(now)) }
            }
            _ if self.failures == 0 => Heard::Unasked,
            Some(Known::Good { until }) => Heard::Nothing { ended: Some(until), again: self.look_again(now) },
            None => Heard::Nothing { ended: None, again: self.look_again(now) },
        }
    }

    fn look_again(&self, now: u64) -> u64 {
        if now < self.again { self.again } else { now.saturating_add(MEANWHILE) }
    }

    fn is_being_asked(&self) -> bool {
        self.under_way.as_ref().is_some_and(|asked| asked.has_changed().is_ok())
    }
}

impl Answers {
    /// A number that grows whenever somebody was found to be taken back, after it.
    pub(crate) fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }

    /// What is known at `now` (Unix milliseconds). Where it is time to ask again, that begins, and nobody waits for it.
    pub(crate) fn heard(self: &Arc<Self>, question: &Question, now: u64) -> Heard {
        let entries = self.entries();
        let Some(entry) = entries.get(&question.key) else { return Heard::Unasked };
        let heard = entry.heard(now);
        let due = now >= entry.again && !entry.is_being_asked() && heard != Heard::Unasked;
        drop(entries);
        if due && Handle::try_current().is_ok() {
            drop(self.begin(question));
        }
        heard
    }

    /// Asks, unless that is under way, and waits for what comes of it.
    pub(crate) async fn ask(self: &Arc<Self>, question: &Question) {
        let mut under_way = self.begin(question);
        // Nothing is ever sent: it ends.
        drop(under_way.changed().await);
    }

    fn begin(self: &Arc<Self>, question: &Question) -> watch::Receiver<()> {
        let mut entries = self.entries();
        if entries.len() >= MOST {
            make_room(&mut entries, now());
        }
        let entry = entries.entry(question.key.clone()).or_default();
        if let Some(asked) = entry.under_way.as_ref().filter(|asked| asked.has_changed().is_ok()) {
            return asked.clone();
        }
        let is_new = entry.known.is_none() && entry.failures == 0;
        let (answered, under_way) = watch::channel(());
        entry.under_way = Some(under_way.clone());
        drop(entries);
        let (answers, question) = (Arc::clone(self), Arc::new(question.clone()));
        tokio::spawn(async move {
            if !(is_new && answers.recall(&question).await) {
                answers.hear(&question, &answered).await;
            }
            drop(answered);
        });
        under_way
    }

    /// Whether an answer was kept that still holds: nobody needs to be asked.
    async fn recall(&self, question: &Arc<Question>) -> bool {
        let asked = Arc::clone(question);
        let kept = tokio::task::spawn_blocking(move || {
            let Question { key, certificate, issuer, lists, kept, .. } = &*asked;
            let response = kept.read(key.name())?;
            key.manner.judge(&response, certificate, issuer, lists, now()).ok()
        });
        let Some(answer) = kept.await.ok().flatten() else { return false };
        let (responder, subject) = (&question.responder, question.certificate.subject());
        tracing::info!(%responder, %subject, until = answer.until, "a responder's answer that was kept still holds");
        self.tally(responder).outcomes.one("kept");
        self.settle(&question.key, Some(&answer), now(), pace::chance())
    }

    async fn hear(&self, question: &Arc<Question>, answered: &watch::Sender<()>) {
        let since = Instant::now();
        let Question { key, responder, certificate, issuer, lists, .. } = &**question;
        let heard = key.manner.ask(responder, certificate, issuer, lists).await;
        let (answer, response) =
            heard.map_or_else(|cause| (Err(cause), None), |(it, said)| (Ok(it), Some(said)));
        let milliseconds = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.count(responder, since.elapsed(), &answer);
        tell(question, &answer, milliseconds);
        let is_taken = self.settle(key, answer.as_ref().ok(), now(), pace::chance());
        // Whoever waits goes on; the same is not asked again before this is on disk, so that nothing older is written after it.
        answered.send_replace(());
        if let (true, Ok(answer), Some(response)) = (is_taken, answer, response) {
            let question = Arc::clone(question);
            let keep = move || keep(&question, &answer, &response);
            drop(tokio::task::spawn_blocking(keep).await);
        }
    }

    /// Takes an answer; none, where there is none that is believed. Whether it is the one in use now.
    pub(super) fn settle(&self, key: &Key, answer: Option<&OcspAnswer>, now: u64, chance: f64) -> bool {
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_default();
        let answer = answer.filter(|answer| answer.this_update >= entry.this_update);
        let said = answer.and_then(|answer| match answer.status {
            OcspStatus::Good => Some((Known::Good { until: answer.until }, answer)),
            OcspStatus::Revoked { .. } => Some((Known::Revoked, answer)),
            // It says nothing: neither may it end what was said before.
            OcspStatus::Unknown => None,
        });
        match said {
            Some((known, answer)) => {
                if let (None | Some(Known::Good { .. }), Known::Revoked) = (entry.known, known) {
                    // Verdicts may rest on a list that does not say so yet.
                    self.revocations.fetch_add(1, Ordering::Release);
                }
                entry.known = Some(known);
                entry.this_update = answer.this_update;
                entry.failures = 0;
                entry.again = pace::ahead(now, answer, chance);
                true
            }
            None => {
                entry.again = now.saturating_add(pace::pause(entry.failures));
                entry.failures = entry.failures.saturating_add(1);
                false
            }
        }
    }

    fn count(&self, responder: &Uri, took: Duration, answer: &Result<OcspAnswer, Unanswered>) {
        let tally = self.tally(responder);
        tally.took.note(took);
        tally.outcomes.one(match answer {
            Ok(OcspAnswer { status: OcspStatus::Good, .. }) => "good",
            Ok(OcspAnswer { status: OcspStatus::Revoked { .. }, .. }) => "revoked",
            Ok(OcspAnswer { status: OcspStatus::Unknown, .. }) => "unknown",
            Err(cause) => cause.code(),
        });
    }

    fn tally(&self, responder: &Uri) -> Arc<ResponderTally> {
        self.responders.of(responder.authority().map_or("", |authority| authority.as_str()))
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(question: &Question, answer: &OcspAnswer, response: &Response) {
    question.kept.keep(question.key.name(), response.nonce.as_ref(), &response.der, answer.until);
}

fn make_room(entries: &mut HashMap<Key, Entry>, now: u64) {
    entries.retain(|_, entry| {
        entry.is_being_asked() || matches!(entry.known, Some(Known::Good { until }) if now < until)
    });
    if entries.len() >= MOST {
        entries.retain(|_, entry| entry.is_being_asked());
    }
}

fn tell(question: &Question, answer: &Result<OcspAnswer, Unanswered>, milliseconds: u64) {
    let (responder, subject) = (&question.responder, question.certificate.subject());
    match answer {
        Ok(OcspAnswer { status: OcspStatus::Good, .. }) => {
            tracing::debug!(%responder, %subject, milliseconds, "a responder calls a certificate good");
        }
        Ok(OcspAnswer { status: OcspStatus::Unknown, .. }) => {
            tracing::warn!(%responder, %subject, milliseconds, "a responder does not know a certificate");
        }
        Ok(OcspAnswer { status: OcspStatus::Revoked { reason, .. }, .. }) => {
            let reason = reason.as_str();
            tracing::warn!(%responder, %subject, reason, milliseconds, "a responder calls a certificate revoked");
        }
        Err(cause) => {
            tracing::warn!(%responder, %subject, code = cause.code(), %cause, milliseconds, "a responder gives no answer");
        }
    }
}
