//! Why TLS to a server fails: what it shows is not believed, or what we show.

use std::io;

use rustls::{AlertDescription, CertificateError};

/// Whose certificate is at fault, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsTrouble {
    Expired,
    NotYetValid,
    Untrusted,
    OtherName,
    Revoked,
    RevocationUnknown,
    Unacceptable,
    /// It wants a certificate of ours.
    OwnWanted,
    /// It refuses the one that it saw.
    OwnRefused,
    /// It ends the handshake for another reason, or speaks no TLS.
    Refused,
}

impl TlsTrouble {
    /// What an error of a connection, or of a request over it, has at its root.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::read(error));
            }
            // The source of an error of the system is not the one that it holds, but that one's.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            cause = held.map(|held| held as _).or_else(|| error.source());
        }
        None
    }

    fn read(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired | AlertDescription::NoCertificate => Self::OwnWanted,
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied => Self::OwnRefused,
                _ => Self::Refused,
            },
            _ => Self::Refused,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            CertificateError::Revoked => Self::Revoked,
            CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => Self::RevocationUnknown,
            _ => Self::Unacceptable,
        }
    }
}
