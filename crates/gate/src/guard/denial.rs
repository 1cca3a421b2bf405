//! Why a caller is turned away, as it is said outside.

use sceau_pki::{Refusal, Unmet};

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The certificate does not prove who calls: 401.
    Certificate(Refusal),
    /// It does, and that client is none of ours: 403.
    UnknownClient,
    /// A client of ours, under none of the policies that are demanded: 403.
    Policy,
    /// A client of ours, of none of the types that are demanded: 403.
    Type,
    /// A client of ours that calls from elsewhere: 403.
    Address,
}

impl From<Unmet> for Denial {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Policy => Self::Policy,
            Unmet::Type => Self::Type,
        }
    }
}

impl Denial {
    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Certificate(refusal) => refusal.code(),
            Self::UnknownClient => "client_unknown",
            Self::Policy => Unmet::Policy.code(),
            Self::Type => Unmet::Type.code(),
            Self::Address => "address_not_allowed",
        }
    }

    /// For whoever reads the answer's header.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Certificate(refusal) => refusal.to_string(),
            Self::UnknownClient => "this common name and organizational unit are not known here".to_owned(),
            Self::Policy => {
                "this client's certificate was issued under another policy than is taken here".to_owned()
            }
            Self::Type => "this client's certificate is of another type than is taken here".to_owned(),
            Self::Address => "this client may not call from this address".to_owned(),
        }
    }

    /// What nginx' `$ssl_client_verify` says in this case, which existing callers read.
    pub(crate) fn verify(&self) -> &'static str {
        match self {
            Self::UnknownClient | Self::Policy | Self::Type | Self::Address => "SUCCESS",
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
