//! Lists of certificates that their issuers took back (RFC 5280 §5).

mod list;
mod serials;
mod used;

use std::sync::Arc;

use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};

use crate::{error::Error, name::Name};

pub use list::{ListRefusal, Older, RevocationList};
pub use used::{Taken, Unwelcome, UsedLists};

/// The lists that a judge asks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists(Vec<Arc<RevocationList>>);

/// A certificate whose issuer's lists are asked.
pub(crate) struct Asked<'a> {
    pub(crate) issuer: &'a Name,
    /// The DER of the issuer's SubjectPublicKeyInfo.
    pub(crate) issuer_key: &'a [u8],
    pub(crate) serial: &'a [u8],
    pub(crate) is_authority: bool,
    /// The URIs of its distribution points.
    pub(crate) places: &'a [&'a str],
}

/// What lists say of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Until its list's successor is due (Unix milliseconds).
    Good {
        until: u64,
    },
    Revoked,
    /// No list that holds now speaks of it; the last one that did ended then, where there was one.
    Unknown {
        ended: Option<u64>,
    },
}

impl RevocationLists {
    /// Reads the lists of a file: one in DER, or any number in PEM. `what` names it in errors, for instance a path.
    ///
    /// # Errors
    /// [`Error::NotARevocationList`] where one cannot be used, or there is none.
    pub fn read(bytes: &[u8], what: &str) -> Result<Self, Error> {
        let unusable = |refusal: ListRefusal| Error::NotARevocationList { what: what.to_owned(), refusal };
        let lists = if bytes.first() == Some(&0x30) {
            vec![CertificateRevocationListDer::from(bytes.to_vec())]
        } else {
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
            lists.map_err(|_| unusable(ListRefusal::Malformed))?
        };
        if lists.is_empty() {
            return Err(unusable(ListRefusal::Malformed));
        }
        let lists: Result<Vec<_>, _> =
            lists.iter().map(|der| RevocationList::read(der).map(Arc::new)).collect();
        lists.map(Self).map_err(unusable)
    }

    /// Those of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the first of them is to be replaced by its successor (`nextUpdate`), in Unix milliseconds; none where there is no list.
    pub fn next_update(&self) -> Option<u64> {
        self.0.iter().map(|list| list.next_update()).min()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RevocationList>> {
        self.0.iter()
    }

    /// Whoever was taken back stays so: a list that ended, but not one that is still to come, is believed where it names a certificate.
    pub(crate) fn status(&self, asked: &Asked<'_>, now: u64) -> Status {
        let mut last = None;
        let speaking = self.0.iter().filter(|list| {
            list.issuer() == asked.issuer
                && list.covers(asked.is_authority, asked.places)
                && list.this_update() <= now
                && list.is_signed_by(asked.issuer_key)
        });
        for list in speaking {
            if list.names(asked.serial) {
                return Status::Revoked;
            }
            last = last.max(Some(list.next_update()));
        }
        match last {
            Some(until) if now < until => Status::Good { until },
            ended => Status::Unknown { ended },
        }
    }
}

impl FromIterator<Arc<RevocationList>> for RevocationLists {
    fn from_iter<T: IntoIterator<Item = Arc<RevocationList>>>(lists: T) -> Self {
        Self(lists.into_iter().collect())
    }
}
