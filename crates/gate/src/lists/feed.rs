//! The lists of one source: those in use, and whether others may take their place.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sceau_pki::{Certificate, ListRefusal, RevocationList, RevocationLists};

use super::{cache::Cache, source::Source};
use crate::observe::FeedTally;

/// A source, and what is in use of it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) source: Source,
    /// Who may have signed its lists: the authorities that the guards know which ask it.
    authorities: Vec<Certificate>,
    /// Octets.
    largest: usize,
    used: Mutex<Vec<Arc<RevocationList>>>,
    /// How often they changed.
    epoch: AtomicU64,
    pub(crate) tally: Arc<FeedTally>,
}

/// What came of an offer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Lists changed.
    New,
    /// They are those in use.
    Same,
}

/// Why a file is of no use at the start.
#[derive(Debug)]
pub(crate) enum Unusable {
    File(std::io::Error),
    List(Rejection),
}

/// Why lists that were offered are not used. Those in use stay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// They are larger than `largest` in `[lists]`.
    #[error("it is larger than `largest` in [lists]")]
    TooLarge,
    /// They tell changes of others (RFC 5280 §5.2.4), or speak for some certificates or reasons only.
    #[error("{0}")]
    Partial(sceau_pki::Error),
    /// They cannot be read.
    #[error("{0}")]
    Unreadable(sceau_pki::Error),
    /// No authority of this name is among the anchors and intermediates.
    #[error("its issuer is none of the anchors and intermediates: {0}")]
    UnknownIssuer(String),
    /// The authority of this name did not sign it.
    #[error("its signature is false")]
    FalseSignature,
    /// It begins later than now.
    #[error("it was made in the future: check the clocks")]
    Future,
    /// Its number or its time is lower than that of the one in use.
    #[error("it is older than the one in use, by its number or its time")]
    Older,
}

impl From<sceau_pki::Error> for Rejection {
    fn from(cause: sceau_pki::Error) -> Self {
        match cause {
            sceau_pki::Error::NotARevocationList { refusal: ListRefusal::Partial, .. } => {
                Self::Partial(cause)
            }
            cause => Self::Unreadable(cause),
        }
    }
}

impl Rejection {
    /// The stable code, for the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "list_too_large",
            Self::Partial(_) => "list_partial",
            Self::Unreadable(_) => "list_unreadable",
            Self::UnknownIssuer(_) => "list_unknown_issuer",
            Self::FalseSignature => "list_false_signature",
            Self::Future => "list_future",
            Self::Older => "list_older",
        }
    }
}

impl Feed {
    pub(crate) fn new(source: Source, authorities: Vec<Certificate>, largest: usize) -> Self {
        let (used, epoch, tally) = (Mutex::default(), AtomicU64::new(0), Arc::default());
        Self { source, authorities, largest, used, epoch, tally }
    }

    /// Who counts there.
    pub(crate) fn counting(self, tally: Arc<FeedTally>) -> Self {
        Self { tally, ..self }
    }

    /// Those in use.
    pub(crate) fn lists(&self) -> RevocationLists {
        self.used().iter().cloned().collect()
    }

    /// A number that grows with each change of the lists in use, after it.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Takes what can be used of what is at hand when a gate starts or reads its file again, the newest staying: what another feed of the same
    /// source used, what the disk kept, what the file holds.
    ///
    /// # Errors
    /// Of a file that cannot be used, where nothing else can either.
    pub(crate) fn load(&self, before: Option<&Self>, cache: &Cache, now: u64) -> Result<(), Unusable> {
        for list in before.map(Self::lists).unwrap_or_default().iter() {
            drop(self.take(&std::iter::once(Arc::clone(list)).collect(), now));
        }
        if let Some(kept) = cache.read(&self.source) {
            drop(self.offer(&kept, now));
        }
        let Source::File(path) = &self.source else { return Ok(()) };
        let loaded = self.read(path).map_err(Unusable::File);
        let loaded = loaded.and_then(|bytes| self.offer(&bytes, now).map_err(Unusable::List));
        if self.used().is_empty() { loaded.map(|_| ()) } else { Ok(()) }
    }

    /// A file, or as much of it as shows that it is too large.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut octets = Vec::new();
        let most = u64::try_from(self.largest).unwrap_or(u64::MAX).saturating_add(1);
        File::open(path)?.take(most).read_to_end(&mut octets)?;
        Ok(octets)
    }

    /// When the first of them ends (Unix milliseconds); none where there is none.
    pub(crate) fn next_update(&self) -> Option<u64> {
        self.lists().next_update()
    }

    /// Takes lists (PEM or DER) at `now` (Unix milliseconds) where each of them is signed by an authority that is known, does not lie in the
    /// future, and is not older than the one of its kind in use. One of another kind stays: who may write here may not thereby silence it.
    ///
    /// # Errors
    /// [`Rejection`]: nothing changes.
    pub(crate) fn offer(&self, bytes: &[u8], now: u64) -> Result<Taken, Rejection> {
        if bytes.len() > self.largest {
            return Err(Rejection::TooLarge);
        }
        let offered = RevocationLists::read(bytes, &self.source.to_string())?;
        self.take(&offered, now)
    }

    /// As [`Self::offer`], of lists that were read before.
    pub(crate) fn take(&self, offered: &RevocationLists, now: u64) -> Result<Taken, Rejection> {
        offered.iter().try_for_each(|list| self.permit(list, now))?;
        let mut used = self.used();
        let mut next = used.clone();
        let mut taken = Taken::Same;
        for list in offered.iter() {
            match next.iter_mut().find(|other| list.is_of_the_same(other)) {
                Some(other) => {
                    list.replaces(other).map_err(|_| Rejection::Older)?;
                    if other.fingerprint() != list.fingerprint() {
                        taken = Taken::New;
                        *other = Arc::clone(list);
                    }
                }
                None => {
                    taken = Taken::New;
                    next.push(Arc::clone(list));
                }
            }
        }
        *used = next;
        if taken == Taken::New {
            self.epoch.fetch_add(1, Ordering::Release);
        }
        Ok(taken)
    }

    fn permit(&self, list: &RevocationList, now: u64) -> Result<(), Rejection> {
        let mut issuers = self.authorities.iter().filter(|it| it.subject() == list.issuer()).peekable();
        if issuers.peek().is_none() {
            return Err(Rejection::UnknownIssuer(list.issuer().to_string()));
        }
        if !issuers.any(|issuer| list.is_signed_by(&issuer.public_key_info())) {
            return Err(Rejection::FalseSignature);
        }
        if list.this_update() > now { Err(Rejection::Future) } else { Ok(()) }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Vec<Arc<RevocationList>>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
