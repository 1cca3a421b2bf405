//! Scanning on the owner's side: where a scanner is configured, no content key leaves before the antivirus found the document clean.
//!
//! The platform's pages never see plaintext and ours cannot vouch for what a browser did, so the key manager looks itself: it fetches the ciphertext
//! with the reader's own session, and a process of its own, confined, decrypts it and hands it to the antivirus ([`inside`]). The verdict is bound to the
//! envelope's hash, which the page must find again. A verdict counts for [`KEPT_MS`], whoever asks, while an antivirus still has the signatures that
//! it was given with.

mod confine;
mod examination;
mod exception;
mod inside;
pub(crate) mod parsers;
mod process;

pub(crate) use exception::Overseer;
pub use exception::{Colleague, Exception, ExceptionRequest, ExceptionStanding, Revoked, ShownException};
pub use inside::{SandboxError, scan_one};

use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sceau_crypto::FileId;
use sceau_element_api::DossierId;
use sceau_store::{Antivirus, ClamdAddress, Patience, Verdict};
use sceau_trace::{Action, Hash};
use serde::{Deserialize, Serialize};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use self::examination::Examination;
use crate::connector::Caller;
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::release::{Permitted, UnwrapRequest};

/// How long a verdict counts: as long as a reading session.
const KEPT_MS: u64 = 15 * 60_000;
/// Verdicts kept at once, far more than are asked for in that time.
const KEPT: usize = 4096;
/// Documents examined at once; others wait.
const AT_ONCE: usize = 4;
/// Of one dossier.
const AT_ONCE_OF_ONE: usize = 2;
/// How long the platform may keep an examination waiting, beside what the bytes take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The slowest that the platform may deliver, in bytes per second: two megabits.
const PACE: u64 = 256 << 10;
/// How long a request waits for a verdict; the examination goes on behind it, and the next request finds it.
const WAIT: Duration = Duration::from_secs(30);
/// How long an antivirus may take to say that it is there.
const QUICK: Duration = Duration::from_secs(1);

/// Which antivirus, and which program hands documents to it.
#[derive(Debug, Clone)]
pub struct ScannerSettings {
    /// The daemons, at least one.
    pub antivirus: Vec<ClamdAddress>,
    /// A program that runs [`scan_one`], and its first arguments; `--antivirus ADDRESS` follows for each daemon.
    pub program: Vec<OsString>,
    /// Whether documents are examined also where the process that does it cannot be confined.
    pub allow_unconfined: bool,
    /// How long the platform may keep an examination waiting, beside what its bytes take at [`PACE`].
    pub patience: Duration,
}

impl ScannerSettings {
    /// Confined, with the platform's usual time.
    pub fn new(antivirus: Vec<ClamdAddress>, program: Vec<OsString>) -> Self {
        Self { antivirus, program, allow_unconfined: false, patience: PATIENCE }
    }

    /// A platform that takes longer for a document of so many bytes would hold up the others.
    fn patience_for(&self, bytes: u64) -> Duration {
        self.patience + Duration::from_millis(bytes.saturating_mul(1000) / PACE)
    }
}

/// The bearer token of a reading session at the platform.
pub struct ReadingToken(Zeroizing<String>);

impl<'de> Deserialize<'de> for ReadingToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|token| Self(Zeroizing::new(token)))
    }
}

impl std::fmt::Debug for ReadingToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReadingToken(redacted)")
    }
}

/// What the antivirus said of a document whose key is released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Scanned {
    /// It found nothing.
    Clean,
    /// It found something, and a supervisor lets this officer open it all the same.
    Infected {
        /// The signature's name.
        signature: String,
        /// The supervisor's reason.
        reason: String,
        /// Until when, in Unix milliseconds.
        until: u64,
    },
}

/// The document that a verdict is about.
type About = (DossierId, FileId, Hash);
/// How an examination ended; a denial where there is no verdict.
type Ended = Result<Verdict, Denial>;

/// A verdict, with the version of the antivirus and its signatures, where it said one, and when it was given.
#[derive(Debug, Clone)]
struct Kept {
    verdict: Verdict,
    version: Option<String>,
    at: u64,
}

/// Examinations under way, and verdicts that still count.
#[derive(Debug)]
pub(crate) struct Scans {
    under_way: Mutex<HashMap<About, watch::Receiver<Option<Ended>>>>,
    kept: Mutex<HashMap<About, Kept>>,
    places: Semaphore,
    /// The places that one dossier has at most, of those that are examined now.
    of_dossiers: Mutex<HashMap<DossierId, Arc<Semaphore>>>,
    /// That a process could not be confined since the start.
    unconfined: AtomicBool,
}

/// A place among those who are examined. Given back when it is dropped.
struct Place<'a> {
    _own: OwnedSemaphorePermit,
    _of_all: SemaphorePermit<'a>,
}

impl Kept {
    fn counts(&self, now: u64) -> bool {
        now < self.at.saturating_add(KEPT_MS)
    }

    /// Whether every antivirus that says its version has other signatures by now.
    async fn is_outdated(&self, pool: &[ClamdAddress]) -> bool {
        let Some(version) = &self.version else { return false };
        let mut others = false;
        for address in pool {
            match inside::version(address, QUICK).await {
                Some(now) if now == *version => return false,
                Some(_) => others = true,
                None => {}
            }
        }
        others
    }
}

impl Default for Scans {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            kept: Mutex::default(),
            places: Semaphore::new(AT_ONCE),
            of_dossiers: Mutex::default(),
            unconfined: AtomicBool::new(false),
        }
    }
}

impl Scans {
    fn kept(&self, about: &About, now: u64) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(about).filter(|kept| kept.counts(now)).cloned()
    }

    fn keep(&self, about: About, verdict: Verdict, version: Option<String>, now: u64) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.counts(now));
        if kept.len() < KEPT {
            kept.insert(about, Kept { verdict, version, at: now });
        }
    }

    /// Waits for a place, in the order of asking; a dossier of many documents leaves places to others.
    async fn place(&self, dossier: DossierId) -> Result<Place<'_>, AcquireError> {
        let own = {
            let mut all = self.of_dossiers.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, places| Arc::strong_count(places) > 1);
            Arc::clone(all.entry(dossier).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE_OF_ONE))))
        };
        let own = own.acquire_owned().await?;
        Ok(Place { _own: own, _of_all: self.places.acquire().await? })
    }

    /// The examination of this document that is under way; else a new one, which is then the caller's to begin.
    fn join(&self, about: About) -> (watch::Receiver<Option<Ended>>, Option<watch::Sender<Option<Ended>>>) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // What ended is forgotten; what was begun and dropped without an end is begun anew.
        under_way.retain(|_, ended| ended.has_changed().is_ok());
        if let Some(ended) = under_way.get(&about) {
            return (ended.clone(), None);
        }
        let (sender, ended) = watch::channel(None);
        under_way.insert(about, ended.clone());
        (ended, Some(sender))
    }
}

impl KeyManager {
    /// What the antivirus says of the document, asking it where that is not known; nothing where no scanner is configured.
    ///
    /// # Errors
    /// [`Denial::Infected`] without an exception for this officer; whatever stands in the way of a verdict.
    pub(crate) async fn scanned(
        &self,
        caller: Caller<'_>,
        request: &UnwrapRequest,
        permitted: &Arc<Permitted>,
    ) -> Result<Option<Scanned>, Denial> {
        let Some(settings) = self.settings().scanner.clone() else { return Ok(None) };
        let about = (request.proof.dossier, permitted.file.file_id, permitted.file.envelope_hash);
        if let Caller::Officer(officer) = caller
            && let Some(exception) = self.exception(&about, officer.account())
        {
            let Exception { signature, reason, until, .. } = exception;
            return Ok(Some(Scanned::Infected { signature, reason, until }));
        }
        let verdict = match self.scans().kept(&about, self.now()) {
            Some(kept) if !kept.is_outdated(&settings.antivirus).await => kept.verdict,
            _ => self.examined(caller, request, permitted, about, settings).await?,
        };
        match verdict {
            Verdict::Clean => Ok(Some(Scanned::Clean)),
            Verdict::Infected { name } => Err(Denial::Infected(name)),
        }
    }

    async fn examined(
        &self,
        caller: Caller<'_>,
        request: &UnwrapRequest,
        permitted: &Arc<Permitted>,
        about: About,
        settings: ScannerSettings,
    ) -> Ended {
        let token = request.reading.as_ref().ok_or(Denial::ReadingNeeded)?;
        let (mut ended, begun) = self.scans().join(about);
        if let Some(sender) = begun {
            let draft = self.record_of_file(caller, Action::SCAN_INTENT, request);
            let examination = Examination {
                manager: self.clone(),
                permitted: Arc::clone(permitted),
                token: token.0.clone(),
                draft: draft.detail("key", permitted.key.statement.key_id.to_string()),
                about,
                settings,
            };
            // A task of its own: whoever closes the page leaves an examination that ends, with its record.
            tokio::spawn(async move { drop(sender.send(Some(examination.run().await))) });
        }
        match tokio::time::timeout(WAIT, ended.wait_for(Option::is_some)).await {
            Ok(Ok(ended)) => ended.clone().unwrap_or(Err(Denial::ScannerFailed)),
            Ok(Err(_)) => Err(Denial::ScannerFailed),
            Err(_) => Err(Denial::ScanUnderWay),
        }
    }

    /// Whether an antivirus of those that are configured answers; nothing where none is.
    pub(crate) async fn scanner_answers(&self) -> Option<bool> {
        let pool = self.settings().scanner.as_ref()?.antivirus.clone();
        let patience = Patience { connect: QUICK, ..Patience::default() };
        let antivirus = Antivirus::new(pool, patience).ok()?;
        Some(antivirus.ready().await.is_ok())
    }

    /// Whether the last process that examined a document was confined; nothing where none is configured.
    pub(crate) fn scanner_is_confined(&self) -> Option<bool> {
        self.settings().scanner.as_ref()?;
        Some(!self.scans().unconfined.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn about(byte: u8) -> About {
        let dossier = DossierId::random();
        (dossier, FileId::of_dossier(&dossier.to_string()), Hash::new([byte; 32]))
    }

    #[test]
    fn a_verdict_counts_for_its_document_and_its_time_only() {
        let (scans, one) = (Scans::default(), about(1));
        let kept = |about: &About, now| scans.kept(about, now).map(|kept| kept.verdict);
        scans.keep(one, Verdict::Clean, None, 1000);
        assert_eq!(kept(&one, 1000 + KEPT_MS - 1), Some(Verdict::Clean));
        assert_eq!(kept(&one, 1000 + KEPT_MS), None);
        assert_eq!(kept(&(one.0, one.1, Hash::new([2; 32])), 1000), None);
        assert_eq!(kept(&about(1), 1000), None);
    }

    #[test]
    fn one_examination_serves_all_who_ask_and_a_dropped_one_is_begun_anew() {
        let (scans, one) = (Scans::default(), about(1));
        let (_, begun) = scans.join(one);
        assert!(begun.is_some());
        assert!(scans.join(one).1.is_none());
        drop(begun);
        assert!(scans.join(one).1.is_some());
    }

    #[tokio::test]
    async fn one_dossier_leaves_places_to_the_others() {
        let scans = Scans::default();
        let ((many, ..), (other, ..)) = (about(1), about(2));
        let (first, second) = (scans.place(many).await.unwrap(), scans.place(many).await.unwrap());
        let waits = async |dossier| {
            tokio::select! {
                biased;
                place = scans.place(dossier) => place.is_err(),
                () = std::future::ready(()) => true,
            }
        };
        assert!(waits(many).await, "a third of the same");
        let others = (scans.place(other).await.unwrap(), scans.place(other).await.unwrap());
        assert!(waits(about(3).0).await, "all are taken");
        drop((first, others));
        assert!(!waits(many).await, "one was given back");
        drop(second);
    }

    #[test]
    fn a_document_has_the_time_that_its_size_takes() {
        let settings = ScannerSettings::new(Vec::new(), Vec::new());
        assert_eq!(settings.patience_for(0), PATIENCE);
        assert_eq!(settings.patience_for(10 * PACE), PATIENCE + Duration::from_secs(10));
    }
}
