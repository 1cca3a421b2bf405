//! The lists of one source: those in use, and whether others may take their place.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use sceau_pki::{Certificate, ListRefusal, RevocationLists, Taken, Unwelcome, UsedLists};

use super::{cache::Cache, source::Source};
use crate::observe::FeedTally;

/// A source, and what is in use of it.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) source: Source,
    /// Octets.
    largest: usize,
    /// Signed by authorities that the guards know which ask it. Requests wait for it: it is held for no longer than a look takes.
    used: Mutex<UsedLists>,
    /// Held by whoever offers lists, one at a time: the signature of a long one takes its time.
    offering: Mutex<()>,
    /// How often they changed.
    epoch: AtomicU64,
    /// Those of a plan that was, or is being, read after its own: what still comes to this one is theirs too.
    heirs: Mutex<Vec<Weak<Self>>>,
    pub(crate) tally: Arc<FeedTally>,
}

/// Why a file is of no use at the start.
#[derive(Debug)]
pub(crate) enum Unusable {
    File(std::io::Error),
    List(Rejection),
}

/// Why a list that was offered is not used. The one in use stays.
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
    /// It may not take the place of the one in use.
    #[error("{0}")]
    Unwelcome(#[from] Unwelcome),
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
            Self::Unwelcome(unwelcome) => unwelcome.code(),
        }
    }
}

impl Feed {
    pub(crate) fn new(source: Source, authorities: Vec<Certificate>, largest: usize) -> Self {
        let used = Mutex::new(UsedLists::of(authorities));
        let (offering, epoch, heirs, tally) = Default::default();
        Self { source, largest, used, offering, epoch, heirs, tally }
    }

    /// Who counts there.
    pub(crate) fn counting(self, tally: Arc<FeedTally>) -> Self {
        Self { tally, ..self }
    }

    /// Those in use.
    pub(crate) fn lists(&self) -> RevocationLists {
        self.used().lists().clone()
    }

    /// A number that grows with each change of the lists in use, after it.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Takes what can be used of what is at hand when a gate starts or reads its file again, the newest staying: what other feeds of the same
    /// source used, what the disk kept, what the file holds.
    ///
    /// # Errors
    /// Of a file that cannot be used, where nothing else can either.
    pub(crate) fn load<'a>(
        self: &Arc<Self>,
        before: impl IntoIterator<Item = &'a Arc<Self>>,
        cache: &Cache,
        now: u64,
    ) -> Result<(), Unusable> {
        before.into_iter().for_each(|before| self.inherit(before, now));
        if let Some(kept) = cache.read(&self.source) {
            drop(self.offer(&kept, now));
        }
        let Source::File(path) = &self.source else { return Ok(()) };
        let loaded = self.read(path).map_err(Unusable::File);
        let loaded = loaded.and_then(|bytes| self.offer(&bytes, now).map_err(Unusable::List));
        if self.used().lists().is_empty() { loaded.map(|_| ()) } else { Ok(()) }
    }

    /// Takes what can be used of what another feed of the same source uses, and of what that one takes from now on: it is fed until this one serves, and a list
    /// that comes meanwhile would be lost.
    pub(crate) fn inherit(self: &Arc<Self>, before: &Self, now: u64) {
        {
            let mut heirs = before.heirs.lock().unwrap_or_else(PoisonError::into_inner);
            let own = Arc::downgrade(self);
            heirs.retain(|heir| heir.strong_count() > 0 && !heir.ptr_eq(&own));
            heirs.push(own);
        }
        // After that: what comes in between comes twice, not never.
        self.take_each(&before.lists(), now);
    }

    /// Takes what can be used of these, whatever the others.
    fn take_each(&self, lists: &RevocationLists, now: u64) {
        for list in lists.iter() {
            drop(self.take(&std::iter::once(Arc::clone(list)).collect(), now));
        }
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

    /// Takes lists (PEM or DER) at `now` (Unix milliseconds): see [`UsedLists::take`].
    ///
    /// # Errors
    /// [`Rejection`], of the first that may not be used: the one of its kind in use stays, and the others that were offered are taken.
    pub(crate) fn offer(&self, bytes: &[u8], now: u64) -> Result<Taken, Rejection> {
        self.take(&self.parse(bytes)?, now)
    }

    /// Reads lists that are offered (PEM or DER), which believes nothing of them.
    ///
    /// # Errors
    /// [`Rejection`].
    pub(crate) fn parse(&self, bytes: &[u8]) -> Result<RevocationLists, Rejection> {
        if bytes.len() > self.largest {
            return Err(Rejection::TooLarge);
        }
        Ok(RevocationLists::read(bytes, &self.source.to_string())?)
    }

    /// As [`Self::offer`], of lists that were read before. One that may not be used keeps no other out that was offered with it.
    pub(crate) fn take(&self, offered: &RevocationLists, now: u64) -> Result<Taken, Rejection> {
        let (taken, refused) = {
            let _alone = self.offering.lock().unwrap_or_else(PoisonError::into_inner);
            let mut next = self.used().clone();
            let (taken, refused) = match next.take(offered, now) {
                Ok(taken) => (taken, None),
                Err(cause) => (take_good(&mut next, offered, now), Some(cause)),
            };
            if taken == Taken::New {
                *self.used() = next;
                self.epoch.fetch_add(1, Ordering::Release);
            }
            (taken, refused)
        };
        if taken == Taken::New {
            self.heirs().for_each(|heir| heir.take_each(offered, now));
        }
        refused.map_or(Ok(taken), |cause| Err(cause.into()))
    }

    fn heirs(&self) -> impl Iterator<Item = Arc<Self>> {
        let heirs = self.heirs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        heirs.into_iter().filter_map(|heir| heir.upgrade())
    }

    fn used(&self) -> MutexGuard<'_, UsedLists> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes those that may be used, of several of which one may not.
fn take_good(used: &mut UsedLists, offered: &RevocationLists, now: u64) -> Taken {
    if offered.iter().count() < 2 {
        return Taken::Same;
    }
    let mut new =
        |list: &Arc<_>| used.take(&std::iter::once(Arc::clone(list)).collect(), now) == Ok(Taken::New);
    if offered.iter().filter(|list| new(list)).count() > 0 { Taken::New } else { Taken::Same }
}
