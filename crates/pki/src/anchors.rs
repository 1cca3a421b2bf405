//! Whom we trust to issue: configuration, never code.

use std::sync::Arc;

use rustls::{DistinguishedName, RootCertStore, pki_types::TrustAnchor};
use x509_parser::{certificate::X509Certificate, extensions::X509Extension};

use crate::{certificate::Certificate, error::Error, judge::Refusal};

/// A set of trusted authorities, at least one. The embedded CA is one choice, an organisation's own another.
#[derive(Clone, Debug)]
pub struct Anchors {
    certificates: Vec<Certificate>,
    roots: Arc<RootCertStore>,
    /// Subjects of authorities below them, which some clients look for by name.
    below: Vec<DistinguishedName>,
}

impl Anchors {
    /// Trusts exactly these.
    ///
    /// # Errors
    /// [`Error::NoAnchor`]; [`Error::NotAnAuthority`] for a certificate that may not issue others, so that a
    /// server's own certificate is not taken for its CA by mistake; [`Error::NotAnAnchor`] for one that cannot be trusted as what it is.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Result<Self, Error> {
        let certificates: Vec<_> = certificates.into_iter().collect();
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            let not_an_authority = || Error::NotAnAuthority { subject: certificate.subject().to_string() };
            let parsed = certificate.parsed()?;
            let signs =
                parsed.key_usage().ok().is_some_and(|usage| usage.is_none_or(|it| it.value.key_cert_sign()));
            if !parsed.is_ca() || !signs {
                return Err(not_an_authority());
            }
            if let Some(why) = fault(certificate, &parsed) {
                return Err(Error::NotAnAnchor { subject: certificate.subject().to_string(), why });
            }
            roots.add(certificate.der().clone()).map_err(|_| not_an_authority())?;
        }
        if certificates.is_empty() {
            return Err(Error::NoAnchor);
        }
        Ok(Self { certificates, roots: Arc::new(roots), below: Vec::new() })
    }

    /// Trusts every certificate of this PEM text; `what` names it in errors, for instance a path.
    ///
    /// # Errors
    /// [`Error::NotACertificate`] and those of [`Self::new`].
    pub fn from_pem(text: &str, what: &str) -> Result<Self, Error> {
        Self::new(Certificate::all_from_pem(text, what)?)
    }

    /// The trusted certificates.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// They as rustls wants them, for instance for a client.
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    /// Names these authorities below them too, when a client is asked: one that holds its leaf alone cannot tell that an anchor is above it
    /// (RFC 8446 §4.2.4).
    pub(crate) fn name(&mut self, below: &[Certificate]) {
        self.below.extend(below.iter().map(|it| DistinguishedName::from(it.subject().to_der())));
    }

    /// Their subjects, which a server names so that a client proposes the right certificates.
    pub(crate) fn hints(&self) -> Vec<DistinguishedName> {
        [self.roots.subjects(), self.below.clone()].concat()
    }

    /// What webpki does not look at in an anchor: its own dates, and how many authorities may stand `below` it. The anchor itself, where it permits.
    pub(crate) fn permit(
        &self,
        anchor: &TrustAnchor<'_>,
        below: usize,
        now: u64,
    ) -> Result<&Certificate, Refusal> {
        // An anchor may have been renewed under the same name and key: any of its certificates will do.
        let same = self.certificates.iter().zip(&self.roots.roots).filter(|(_, root)| {
            root.subject == anchor.subject && root.subject_public_key_info == anchor.subject_public_key_info
        });
        let verdicts = same.map(|(certificate, _)| permits(certificate, below, now).map(|()| certificate));
        verdicts.reduce(Result::or).unwrap_or(Err(Refusal::Untrusted))
    }
}

/// The critical extensions that an anchor may have, by the last number of `id-ce`: KeyUsage, SubjectAltName, BasicConstraints, NameConstraints,
/// CRLDistributionPoints, ExtKeyUsage; and those of policies, which bind no way but one that is asked for its policies (RFC 5280 §6.2 leaves them to us).
const UNDERSTOOD: [u64; 10] = [15, 17, 19, 30, 31, 37, 32, 33, 36, 54];

/// Why nobody should be believed for what this authority signs. The library takes of an anchor its name, its key and its constraints on names, and does not
/// look further.
fn fault(anchor: &Certificate, parsed: &X509Certificate<'_>) -> Option<&'static str> {
    if anchor.subject().is_empty() {
        return Some("an authority has a name (RFC 5280 §4.1.2.6)");
    }
    let is_understood = |extension: &X509Extension<'_>| match extension.oid.iter().map(Vec::from_iter) {
        Some(numbers) => matches!(numbers.as_slice(), [2, 5, 29, last] if UNDERSTOOD.contains(last)),
        None => false,
    };
    let strange = parsed.extensions().iter().any(|extension| extension.critical && !is_understood(extension));
    strange.then_some("it has a critical extension that is not understood here (RFC 5280 §4.2)")
}

fn permits(anchor: &Certificate, below: usize, now: u64) -> Result<(), Refusal> {
    let parsed = anchor.parsed().map_err(|_| Refusal::Malformed)?;
    let most = parsed.basic_constraints().ok().flatten().and_then(|found| found.value.path_len_constraint);
    if most.is_some_and(|most| below > most as usize) {
        Err(Refusal::Untrusted)
    } else if now < anchor.not_before() {
        Err(Refusal::NotYetValid)
    } else if now / 1000 > anchor.not_after() / 1000 {
        Err(Refusal::Expired)
    } else {
        Ok(())
    }
}
