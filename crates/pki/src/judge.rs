//! Whether a presented client certificate is acceptable, and if not why. Pure: chain and time are passed in.

use rustls::pki_types::CertificateDer;

use crate::{
    anchors::Anchors,
    certificate::{Certificate, Fingerprint},
    chain::ChainJudge,
    error::Error,
    name::Name,
    revocation::RevocationLists,
    role::{CertificateRole, RoleNames},
};

/// The outcome of [`ClientJudge::judge`].
pub type Verdict = Result<VerifiedClient, Refusal>;

/// The holder of a client certificate that was accepted at a given moment. Only a [`ClientJudge`] makes it.
///
/// TLS proved possession of the key when the connection was made; acceptance is for the moment it was
/// judged, so judge again at each request: certificates expire while connections stay open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedClient {
    identity: ClientIdentity,
    role: CertificateRole,
}

impl VerifiedClient {
    /// Who it is.
    pub fn identity(&self) -> &ClientIdentity {
        &self.identity
    }

    /// What the certificate lets its holder do.
    pub fn role(&self) -> CertificateRole {
        self.role
    }

    /// SHA-256 of the certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.identity.fingerprint
    }

    /// Passes only a holder of exactly this role.
    ///
    /// # Errors
    /// [`Refusal::WrongRole`].
    pub fn with_role(self, wanted: CertificateRole) -> Verdict {
        if self.role == wanted { Ok(self) } else { Err(Refusal::WrongRole { wanted, held: self.role }) }
    }
}

/// What a client certificate says of its holder. Read, not necessarily believed: see [`VerifiedClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// Its subject.
    pub subject: Name,
    /// Its issuer.
    pub issuer: Name,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// Unix milliseconds.
    pub not_after: u64,
}

impl ClientIdentity {
    /// Reads what a certificate says, without judging it: for a page that explains a refusal.
    ///
    /// # Errors
    /// [`Error::NotACertificate`].
    pub fn read(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        Ok(Self::of(&Certificate::from_der(certificate, "the client's certificate")?))
    }

    pub(crate) fn of(certificate: &Certificate) -> Self {
        Self {
            fingerprint: certificate.fingerprint(),
            subject: certificate.subject().clone(),
            issuer: certificate.issuer().clone(),
            serial: certificate.serial(),
            not_after: certificate.not_after(),
        }
    }
}

/// Why a client is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No certificate was presented.
    #[error("no certificate was presented: import yours into the browser and choose it when asked")]
    Missing,
    /// The certificate is not readable X.509.
    #[error("the certificate presented is not readable")]
    Malformed,
    /// No trusted authority issued it, or an issuer along the chain may not issue.
    #[error("the certificate was not issued by an authority that is trusted here")]
    Untrusted,
    /// A signature along the chain is false.
    #[error("the certificate's signature is false")]
    BadSignature,
    /// It has expired, or an issuer of it has.
    #[error("the certificate has expired: ask for a new one")]
    Expired,
    /// It is not valid yet, or an issuer of it is not.
    #[error("the certificate is not valid yet: check the clocks")]
    NotYetValid,
    /// Its issuer took it back, or an issuer of it was taken back.
    #[error("the certificate was revoked by its issuer")]
    Revoked,
    /// Lists or responders are asked here, and none that is current speaks for it or for an issuer of it.
    #[error("neither a current revocation list nor a responder says whether the certificate was taken back")]
    RevocationUnknown,
    /// A trusted authority issued it, but not the one that issues clients here.
    #[error("the certificate was issued by another authority than the one that issues clients here")]
    WrongIssuer,
    /// More authorities stand between it and an anchor than are taken here.
    #[error("more authorities stand between the certificate and one that is trusted than are taken here")]
    TooDeep,
    /// It is not made for authenticating a client.
    #[error("the certificate is not made for authenticating a client")]
    WrongPurpose,
    /// It carries a critical extension that nobody here understands.
    #[error("the certificate has a critical extension that is not understood here")]
    UnknownCriticalExtension,
    /// It carries another role than the one needed.
    #[error("the certificate does not carry the role that is needed here")]
    WrongRole {
        /// The role that was needed.
        wanted: CertificateRole,
        /// The role that it carries.
        held: CertificateRole,
    },
    /// It names no role that is known here, or several.
    #[error("the certificate carries no role that is known here, or several")]
    NoRole,
    /// An authority vouches for it, and its holder is none of those that are let in here.
    #[error("this common name and organizational unit are not known here")]
    UnknownClient,
    /// It fails in another way.
    #[error("the certificate was refused")]
    Unacceptable,
}

impl Refusal {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "certificate_missing",
            Self::Malformed => "certificate_malformed",
            Self::Untrusted => "certificate_untrusted",
            Self::BadSignature => "certificate_bad_signature",
            Self::Expired => "certificate_expired",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::Revoked => "certificate_revoked",
            Self::RevocationUnknown => "certificate_revocation_unknown",
            Self::WrongIssuer => "certificate_wrong_issuer",
            Self::TooDeep => "certificate_chain_too_long",
            Self::WrongPurpose => "certificate_wrong_purpose",
            Self::UnknownCriticalExtension => "certificate_unknown_critical_extension",
            Self::WrongRole { .. } => "certificate_wrong_role",
            Self::NoRole => "certificate_no_role",
            Self::UnknownClient => "client_unknown",
            Self::Unacceptable => "certificate_unacceptable",
        }
    }
}

/// Judges client certificates against anchors and role names.
#[derive(Clone, Debug)]
pub struct ClientJudge {
    chain: ChainJudge,
    roles: RoleNames,
}

impl ClientJudge {
    /// A judge who trusts these anchors, knows these role names ([`RoleNames::default`] with the embedded CA) and asks no list.
    pub fn new(anchors: Anchors, roles: RoleNames) -> Self {
        Self { chain: ChainJudge::new(anchors), roles }
    }

    /// Who asks these lists: see [`ChainJudge::asking`].
    #[must_use]
    pub fn asking(self, lists: RevocationLists) -> Self {
        Self { chain: self.chain.asking(lists), ..self }
    }

    /// Who also knows these authorities: see [`ChainJudge::with_intermediates`].
    #[must_use]
    pub fn with_intermediates(self, known: &[Certificate]) -> Self {
        Self { chain: self.chain.with_intermediates(known), ..self }
    }

    /// The anchors trusted.
    pub fn anchors(&self) -> &Anchors {
        self.chain.anchors()
    }

    /// As [`ChainJudge::judge`], and by the role that the certificate carries.
    ///
    /// # Errors
    /// As [`ChainJudge::judge`]; [`Refusal::NoRole`].
    pub fn judge(&self, chain: Option<&[CertificateDer<'_>]>, now: u64) -> Verdict {
        let identity = self.chain.judge(chain, now)?;
        let role = self.roles.role_of(&identity.subject).ok_or(Refusal::NoRole)?;
        Ok(VerifiedClient { identity, role })
    }
}
