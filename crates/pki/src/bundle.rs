//! Key, certificate and issuer in one file, as programs that call with a certificate take it; checked against one another before anybody is called.

use x509_parser::certificate::X509Certificate;
use zeroize::Zeroizing;

use crate::{
    certificate::Certificate,
    error::Error,
    held::CertificateKey,
    key::PrivateKey,
    profile::{ClientNaming, ProfileAuthority},
    signature,
};

/// Parts that fit together.
#[derive(Debug)]
pub struct Bundle {
    /// None where it is kept elsewhere, and stays there.
    key: Option<PrivateKey>,
    certificate: Certificate,
    intermediate: Certificate,
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Authenticating to a server.
    Client,
    /// Being a server.
    Server,
    /// Either.
    Any,
}

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleProblem {
    /// The key is another certificate's.
    #[error("the private key is not the certificate's: it was made for another request")]
    Key,
    /// Another authority issued it.
    #[error("the certificate was issued by {issuer}, and the intermediate is {intermediate}")]
    Issuer {
        /// Who issued it.
        issuer: String,
        /// The intermediate's subject.
        intermediate: String,
    },
    /// The intermediate has the issuer's name, and did not sign it.
    #[error(
        "the certificate was not signed by the intermediate, although the name is the same: fetch the intermediate again"
    )]
    Signature,
    /// The intermediate is no authority.
    #[error("the intermediate may not issue certificates: it is not an authority's certificate")]
    NotAnAuthority,
    /// It has expired.
    #[error("{0} has expired: ask for a new certificate")]
    Expired(&'static str),
    /// It is not valid yet.
    #[error("{0} is not valid yet: compare the clocks, or wait")]
    NotYetValid(&'static str),
    /// It is not for this.
    #[error("the certificate is not made for {0}: ask for one of the right type")]
    Purpose(&'static str),
    /// It has another common name.
    #[error("the certificate's common name is {found:?} and must be {wanted:?}")]
    CommonName {
        /// What it has.
        found: String,
        /// What the profile asks for.
        wanted: String,
    },
    /// It has no organizational unit.
    #[error(
        "the certificate has no organizational unit (OU), by which its holder is known together with the common name"
    )]
    NoUnit,
    /// The profile names another authority.
    #[error("the certificate was issued by {issuer}, and this profile takes those of {wanted} only")]
    OtherAuthority {
        /// Who issued it.
        issuer: String,
        /// Who the profile says.
        wanted: String,
    },
}

impl BundleProblem {
    /// The stable code of this problem.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key => "bundle_key",
            Self::Issuer { .. } => "bundle_issuer",
            Self::Signature => "bundle_signature",
            Self::NotAnAuthority => "bundle_not_an_authority",
            Self::Expired(_) => "bundle_expired",
            Self::NotYetValid(_) => "bundle_not_yet_valid",
            Self::Purpose(_) => "bundle_purpose",
            Self::CommonName { .. } => "bundle_common_name",
            Self::NoUnit => "bundle_no_unit",
            Self::OtherAuthority { .. } => "bundle_other_authority",
        }
    }
}

impl Bundle {
    /// Puts them together at `now` (Unix milliseconds). What does not fit is told all at once, the deepest first.
    ///
    /// # Errors
    /// What does not fit, within the `Ok`; [`Error::Crypto`] when the library fails.
    pub fn check(
        key: PrivateKey,
        certificate: Certificate,
        intermediate: Certificate,
        purpose: Purpose,
        now: u64,
    ) -> Result<Result<Self, Vec<BundleProblem>>, Error> {
        let checked = Self::check_with_key_elsewhere(&key, certificate, intermediate, purpose, now)?;
        Ok(checked.map(|bundle| Self { key: Some(key), ..bundle }))
    }

    /// The same without the key in it, which is kept elsewhere.
    ///
    /// # Errors
    /// Those, and [`Error::Elsewhere`] where the key's holder does not tell its public part.
    pub fn check_with_key_elsewhere(
        key: &dyn CertificateKey,
        certificate: Certificate,
        intermediate: Certificate,
        purpose: Purpose,
        now: u64,
    ) -> Result<Result<Self, Vec<BundleProblem>>, Error> {
        let mut problems = Vec::new();
        let (leaf, issuer) = (certificate.parsed()?, intermediate.parsed()?);
        if leaf.public_key().raw != key.public_key_info()? {
            problems.push(BundleProblem::Key);
        }
        problems.extend(issued(&certificate, &intermediate)?);
        if !issuer.is_ca() {
            problems.push(BundleProblem::NotAnAuthority);
        }
        problems.extend(dates("the certificate", &certificate, now));
        problems.extend(dates("the intermediate", &intermediate, now));
        problems.extend(purposes(&leaf, purpose));
        drop((leaf, issuer));
        Ok(if problems.is_empty() {
            Ok(Self { key: None, certificate, intermediate })
        } else {
            Err(problems)
        })
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Key (unless it is kept elsewhere), certificate, intermediate, in this order, in PEM. Wiped when dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let parts = [
            self.key.as_ref().map(PrivateKey::to_pem).unwrap_or_default(),
            Zeroizing::new(self.certificate.to_pem()),
            Zeroizing::new(self.intermediate.to_pem()),
        ];
        let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| text.push_str(part));
        text
    }
}

/// What a certificate has that a profile's naming does not ask for.
pub fn naming_problems(
    certificate: &Certificate,
    naming: &ClientNaming,
    issuer: &ProfileAuthority,
) -> Vec<BundleProblem> {
    let mut problems = Vec::new();
    let found = certificate.subject().common_name().unwrap_or_default().into_owned();
    if found != naming.common_name {
        problems.push(BundleProblem::CommonName { found, wanted: naming.common_name.clone() });
    }
    if certificate.subject().organizational_units().next().is_none() {
        problems.push(BundleProblem::NoUnit);
    }
    if !issuer.names(certificate.issuer()) {
        let (issuer, wanted) = (certificate.issuer().to_string(), issuer.described());
        problems.push(BundleProblem::OtherAuthority { issuer, wanted });
    }
    problems
}

fn issued(certificate: &Certificate, intermediate: &Certificate) -> Result<Option<BundleProblem>, Error> {
    if certificate.issuer() != intermediate.subject() {
        let (issuer, intermediate) = (certificate.issuer().to_string(), intermediate.subject().to_string());
        return Ok(Some(BundleProblem::Issuer { issuer, intermediate }));
    }
    let signed = signature::certificate_is_by(certificate, intermediate)?;
    Ok((!signed).then_some(BundleProblem::Signature))
}

fn dates(which: &'static str, certificate: &Certificate, now: u64) -> Option<BundleProblem> {
    if now / 1000 > certificate.not_after() / 1000 {
        Some(BundleProblem::Expired(which))
    } else if now < certificate.not_before() {
        Some(BundleProblem::NotYetValid(which))
    } else {
        None
    }
}

fn purposes(leaf: &X509Certificate<'_>, purpose: Purpose) -> Option<BundleProblem> {
    let purposes = leaf.extended_key_usage().ok().flatten();
    let (client, server) =
        purposes.map_or((false, false), |found| (found.value.client_auth, found.value.server_auth));
    let usage = leaf.key_usage().ok().flatten();
    let signs = usage.is_none_or(|usage| usage.value.digital_signature());
    match purpose {
        _ if leaf.is_ca() => Some(BundleProblem::Purpose("a client or a server, but for an authority")),
        Purpose::Client if !(client && signs) => Some(BundleProblem::Purpose("authenticating a client")),
        Purpose::Server if !server => Some(BundleProblem::Purpose("a server")),
        Purpose::Any if !(client || server) => Some(BundleProblem::Purpose("a client or a server")),
        _ => None,
    }
}
