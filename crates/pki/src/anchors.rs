//! Whom we trust to issue: configuration, never code.

use std::sync::Arc;

use rustls::{DistinguishedName, RootCertStore, pki_types::TrustAnchor};

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
    /// server's own certificate is not taken for its CA by mistake.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Result<Self, Error> {
        let certificates: Vec<_> = certificates.into_iter().collect();
        let mut roots = RootCertStore::empty();
        for certificate in &certificates {
            let not_an_authority = || Error::NotAnAuthority { subject: certificate.subject().to_string() };
            if !certificate.parsed()?.is_ca() {
                return Err(not_an_authority());
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
