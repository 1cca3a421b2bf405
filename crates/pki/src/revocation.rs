//! Lists of certificates that their issuers took back (RFC 5280 §5), as files hold them.

use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};
use x509_parser::{prelude::FromDer, revocation_list::CertificateRevocationList};

use crate::error::Error;

/// Revocation lists, each of one issuer. Their signatures are verified when a certificate is judged, under the issuer's key.
#[derive(Clone, Debug, Default)]
pub struct RevocationLists(Vec<CertificateRevocationListDer<'static>>);

impl RevocationLists {
    /// Reads the lists of a file: one in DER, or any number in PEM. `what` names it in errors, for instance a path.
    ///
    /// # Errors
    /// [`Error::NotARevocationList`] where one cannot be read, or there is none.
    pub fn read(bytes: &[u8], what: &str) -> Result<Self, Error> {
        let unreadable = || Error::NotARevocationList { what: what.to_owned() };
        let lists = if bytes.first() == Some(&0x30) {
            vec![CertificateRevocationListDer::from(bytes.to_vec())]
        } else {
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(bytes).collect();
            lists.map_err(|_| unreadable())?
        };
        let whole = |der: &CertificateRevocationListDer<'_>| {
            CertificateRevocationList::from_der(der.as_ref()).is_ok_and(|(rest, _)| rest.is_empty())
        };
        if lists.is_empty() || !lists.iter().all(whole) {
            return Err(unreadable());
        }
        Ok(Self(lists))
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

    /// When the first of them is to be replaced by its successor (`nextUpdate`), in Unix milliseconds; none where one says no time.
    pub fn next_update(&self) -> Option<u64> {
        let one = |der: &CertificateRevocationListDer<'_>| {
            let (_, list) = CertificateRevocationList::from_der(der.as_ref()).ok()?;
            u64::try_from(list.next_update()?.timestamp()).ok()?.checked_mul(1000)
        };
        self.0.iter().map(one).min().flatten()
    }

    pub(crate) fn to_rustls(&self) -> Vec<CertificateRevocationListDer<'static>> {
        self.0.clone()
    }
}
