//! Why a caller is turned away, as it is said outside.

use sceau_pki::{Refusal, Unmet};

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The certificate does not prove who calls: 401.
    Certificate(Refusal),
    /// It does, and that client is none of ours: 403.
    UnknownClient,
    /// A client of ours, whose certificate does not say what is demanded besides: 403.
    Unmet(Unmet),
    /// A client of ours that calls from elsewhere: 403.
    Address,
}

impl From<Unmet> for Denial {
    fn from(unmet: Unmet) -> Self {
        Self::Unmet(unmet)
    }
}

impl Denial {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Certificate(refusal) => refusal.code(),
            Self::UnknownClient => "client_unknown",
            Self::Unmet(unmet) => unmet.code(),
            Self::Address => "address_not_allowed",
        }
    }

    /// For whoever reads the answer's header.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Certificate(refusal) => refusal.to_string(),
            Self::UnknownClient => "this common name and organizational unit are not known here".to_owned(),
            Self::Unmet(unmet) => format!("this client's certificate is not one that is taken here: {unmet}"),
            Self::Address => "this client may not call from this address".to_owned(),
        }
    }

    /// What nginx' `$ssl_client_verify` says in this case, which existing callers read.
    pub(crate) fn verify(&self) -> &'static str {
        match self {
            Self::UnknownClient | Self::Unmet(_) | Self::Address => "SUCCESS",
            Self::Certificate(refusal) => match refusal {
                Refusal::Missing => "NONE",
                Refusal::Untrusted | Refusal::WrongIssuer => "FAILED:unable to get local issuer certificate",
                Refusal::BadSignature => "FAILED:certificate signature failure",
                Refusal::Expired => "FAILED:certificate has expired",
                Refusal::NotYetValid => "FAILED:certificate is not yet valid",
                Refusal::Revoked => "FAILED:certificate revoked",
                Refusal::RevocationUnknown => "FAILED:unable to get certificate CRL",
                Refusal::TooDeep => "FAILED:certificate chain too long",
                Refusal::WrongPurpose => "FAILED:unsuitable certificate purpose",
                Refusal::UnknownCriticalExtension => "FAILED:unhandled critical extension",
                _ => "FAILED:certificate rejected",
            },
        }
    }
}
