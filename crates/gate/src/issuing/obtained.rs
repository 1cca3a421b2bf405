//! A certificate that the gate gets by itself: for which names, from whom, the one in use, and where the next stands.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use sceau_pki::{Anchors, Fingerprint, judge_issued};
use tokio::sync::Notify;

use super::{
    acme::Challenges,
    pace,
    source::{Answered, Failure, Source},
    standing::Standing,
    store::{Current, Store},
    trouble::Trouble,
};
use crate::{
    clock::{now, written},
    error::Error,
    observe::{Codes, Dated},
};

/// What listeners of the same names and the same issuer have in common.
#[derive(Debug)]
pub(crate) struct Obtained {
    /// `acme.letsencrypt` or `ca.house`.
    pub(crate) issuer: String,
    pub(crate) names: Vec<String>,
    /// Of everything that the file says of it.
    pub(super) origin: Fingerprint,
    source: Source,
    anchors: Option<Anchors>,
    store: Store,
    current: RwLock<Option<Arc<Current>>>,
    standing: Mutex<Standing>,
    /// `issued`, and the codes of failures.
    pub(crate) outcomes: Codes,
    /// Somebody wants another try.
    pub(super) again: Notify,
}

/// What a file says of one.
pub(super) struct Said {
    pub(super) issuer: String,
    pub(super) names: Vec<String>,
    pub(super) origin: Fingerprint,
    pub(super) source: Source,
    pub(super) anchors: Option<Anchors>,
}

impl Obtained {
    /// As it was left in its store.
    pub(super) fn new(said: Said, store: Store) -> Self {
        let Said { issuer, names, origin, source, anchors } = said;
        let current = RwLock::new(store.current().map(Arc::new));
        let (standing, outcomes, again) = (Mutex::new(store.standing()), Codes::default(), Notify::new());
        Self { issuer, names, origin, source, anchors, store, current, standing, outcomes, again }
    }

    /// Destroys what a gate that was killed was writing to its store.
    pub(crate) fn clear(&self) -> std::io::Result<()> {
        self.store.clear()
    }

    /// The one in use.
    pub(crate) fn current(&self) -> Option<Arc<Current>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.locked().clone()
    }

    /// Looks whether what is asked and kept could be written, and writes nothing.
    ///
    /// # Errors
    /// [`Error::File`].
    pub(crate) fn rehearse(&self) -> Result<(), Error> {
        self.source.rehearse().and_then(|()| self.store.rehearse()).map_err(|(path, cause)| Error::File {
            setting: self.issuer.clone(),
            path: path.display().to_string(),
            cause,
        })
    }

    /// Its chain, as a setting at `place` names it.
    pub(crate) fn dated(&self, place: &str) -> Vec<Dated> {
        let Some(current) = self.current() else { return Vec::new() };
        let chain = std::iter::once(current.certificate()).chain(&current.issuers);
        chain.map(|certificate| Dated::of(place, certificate)).collect()
    }

    /// For whoever looks at the configuration.
    pub(crate) fn told(&self) -> serde_json::Value {
        let (current, standing) = (self.current(), self.standing());
        serde_json::json!({
            "issuer": self.issuer,
            "names": self.names,
            "kept": self.path(),
            "ends": current.map(|current| written(current.certificate().not_after())),
            "renewal": standing.renew_at.map(written),
            "failures": standing.failures,
            "code": standing.code,
        })
    }

    /// Where the certificate is kept, with its key.
    fn path(&self) -> PathBuf {
        self.store.certificate_path()
    }

    /// What an authority may look at, where it is asked by ACME.
    pub(crate) fn challenges(&self) -> Option<&Challenges> {
        self.source.challenges()
    }

    /// Where challenges of plain HTTP are answered.
    pub(crate) fn http(&self) -> Option<std::net::SocketAddr> {
        self.source.http()
    }

    /// Whether only one may ask at a time.
    pub(super) fn takes_turns(&self) -> bool {
        matches!(self.source, Source::Acme(_))
    }

    /// When to ask next (Unix milliseconds): another issuer than that of the certificate in use is asked at once.
    pub(super) fn due(&self) -> u64 {
        let standing = self.locked();
        standing.due(self.current().is_some() && standing.from == self.source.written())
    }

    pub(super) fn hurry(&self) {
        self.locked().hurry();
    }

    /// Follows what the authority proposes (RFC 9773); gives how long to wait before it is asked for that again, in milliseconds.
    pub(super) async fn take_advice(&self) -> u64 {
        const DAY: u64 = 24 * super::HOUR;
        let (Source::Acme(acme), Some(current)) = (&self.source, self.current()) else { return DAY };
        let Some((window, again)) = Box::pin(acme.advice(&self.store, &current)).await else { return DAY };
        let mut standing = self.locked();
        let end = current.certificate().not_after();
        // A moment that was drawn in this window stays, or each question would draw another.
        if !standing.renew_at.is_some_and(|at| (window.0..=window.1).contains(&at)) {
            standing.renew_at = Some(pace::within(window, end, pace::chance()));
        }
        standing.is_advised = true;
        drop(self.store.note(&standing));
        again.clamp(super::HOUR, DAY)
    }

    /// Asks for a certificate, checks it, and takes it into use; the one before is, until then.
    pub(super) async fn renew(&self) -> Result<(), Failure> {
        // First: whoever ends amid it does not ask again at once, and nobody asks who could not keep the answer.
        let replaces = {
            let mut standing = self.locked();
            standing.begin(now());
            self.store.note(&standing)?;
            standing.is_advised && standing.from == self.source.written()
        };
        let before = self.current().filter(|_| replaces);
        let answered = self.source.issue(&self.store, &self.names, before.as_deref()).await?;
        let Answered { key, chain } = answered;
        let public = key.public_key_info().map_err(Trouble::from)?;
        judge_issued(&chain, &public, &self.names, self.anchors.as_ref(), now()).map_err(Trouble::from)?;
        let current = self.store.keep(&key.to_pem(), &chain)?;
        let renew_from = pace::soonest(current.certificate().not_after(), now());
        let renew_at = pace::renewal(current.certificate(), pace::chance());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(current));
        let mut standing = self.locked();
        standing.succeeded(&self.source.written(), (renew_from, renew_at), now());
        drop(self.store.note(&standing));
        Ok(())
    }

    pub(super) fn failed(&self, failure: &Failure) -> Standing {
        let mut standing = self.locked();
        standing.failed(&failure.trouble, failure.held, now(), pace::chance());
        drop(self.store.note(&standing));
        standing.clone()
    }

    fn locked(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
