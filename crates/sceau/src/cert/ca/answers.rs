//! What the authority's responder says, by what the authority remembers at that moment.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sceau_pki::{Authority, OcspFailure, OcspRequest, OcspResponder, OcspStatus};

use super::state::State;
use crate::cert::{DAY_MS, fault, now, token::AnyKey};
use crate::failure::Failure;

pub(super) const HOUR_MS: u64 = 3_600_000;
/// How long a responder's own certificate is valid, and from when on, before its end, another takes its place.
const DAYS: u32 = 7;
const LEFT: u64 = 4 * DAY_MS;

/// A responder, and what it knows.
pub(super) struct Answers {
    folder: PathBuf,
    authority: Authority<AnyKey>,
    /// How long an answer holds (milliseconds).
    hold: u64,
    known: Mutex<(Stamp, Arc<Known>)>,
    responder: Mutex<Arc<OcspResponder>>,
}

/// An answer.
pub(super) struct Made {
    pub(super) response: Vec<u8>,
    /// Unix milliseconds both.
    pub(super) from: u64,
    pub(super) until: u64,
}

/// What tells one state of the authority's memory from another.
type Stamp = Option<(i64, i64, u64, u64)>;

#[derive(Default)]
struct Known {
    revoked: HashMap<Vec<u8>, OcspStatus>,
    /// None: the authority began before it remembered what it issued.
    issued: Option<HashSet<Vec<u8>>>,
}

impl Known {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let state = State::read(folder)?;
        let status = |revoked: sceau_pki::Revoked| {
            (revoked.serial, OcspStatus::Revoked { at: revoked.at, reason: revoked.reason })
        };
        Ok(Self { revoked: state.revoked()?.into_iter().map(status).collect(), issued: state.issued() })
    }

    fn of(&self, serial: &[u8]) -> OcspStatus {
        let never = || self.issued.as_ref().is_some_and(|issued| !issued.contains(serial));
        let revoked = self.revoked.get(serial).copied();
        revoked.unwrap_or_else(|| if never() { OcspStatus::Unknown } else { OcspStatus::Good })
    }
}

impl Answers {
    pub(super) fn of(folder: &Path, authority: Authority<AnyKey>, hold: u64) -> Result<Self, Failure> {
        let stamp = stamp(folder);
        let known = Mutex::new((stamp, Arc::new(Known::read(folder)?)));
        let responder = authority.ocsp_responder(DAYS, now()).map_err(|error| fault::pki(&error))?;
        let responder = Mutex::new(Arc::new(responder));
        Ok(Self { folder: folder.to_owned(), authority, hold, known, responder })
    }

    /// Answers at `now` (Unix milliseconds). What it does not know for certain it does not say.
    pub(super) fn answer(&self, request: &OcspRequest, now: u64) -> Result<Made, OcspFailure> {
        let known = self.known().map_err(|failure| {
            crate::say::remark(&format!("sceau: {failure}"));
            OcspFailure::TryLater
        })?;
        let responder = self.responder(now)?;
        let until = now.saturating_add(self.hold).min(responder.not_after());
        let response = responder.answer(request, |serial| known.of(serial), now, until);
        let response = response.map_err(|_| OcspFailure::InternalError)?;
        Ok(Made { response, from: now, until })
    }

    fn known(&self) -> Result<Arc<Known>, Failure> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamp(&self.folder);
        if stamp.is_none() || stamp != known.0 {
            *known = (stamp, Arc::new(Known::read(&self.folder)?));
        }
        Ok(Arc::clone(&known.1))
    }

    fn responder(&self, now: u64) -> Result<Arc<OcspResponder>, OcspFailure> {
        let mut responder = self.responder.lock().unwrap_or_else(PoisonError::into_inner);
        let due = responder.not_after().saturating_sub(LEFT) < now;
        let ends_with_issuer = responder.not_after() >= self.authority.certificate().not_after();
        if due && !(ends_with_issuer && now < responder.not_after()) {
            let next = self.authority.ocsp_responder(DAYS, now).map_err(|_| OcspFailure::InternalError)?;
            *responder = Arc::new(next);
        }
        Ok(Arc::clone(&responder))
    }
}

fn stamp(folder: &Path) -> Stamp {
    let found = fs::metadata(super::state::path(folder)).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.ino(), found.len()))
}
