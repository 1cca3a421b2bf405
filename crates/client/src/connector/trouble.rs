//! What stops one dossier, or one request, and who may go on.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::ClientError;

/// Why a dossier could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It may work later: a server is away, the antivirus does not answer, the grant is not in force.
    #[error("{code}: {detail}")]
    Later {
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// It will not work by itself: put aside until a person says so.
    #[error("{code}: {detail}")]
    Aside {
        /// Stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// The journal cannot be kept: nothing may go on.
    #[error("the journal cannot be kept: {0}")]
    Journal(Error),
}

/// The key manager's word that too many keys were asked for of late.
const QUOTA: &str = "quota_exceeded";
/// Refusals of a key manager that are about the connector, or the key manager itself, and not about the dossier; and what all about a certificate begin with.
const OF_THE_CONNECTOR: [&str; 3] = ["connector_not_granted", "grant_not_in_force", "platform_not_connected"];
const OF_ITS_CERTIFICATE: &str = "certificate_";

fn is_of_the_connector(code: &str) -> bool {
    OF_THE_CONNECTOR.contains(&code) || code.starts_with(OF_ITS_CERTIFICATE)
}

impl Trouble {
    pub(super) fn later(code: &str, detail: impl Into<String>) -> Self {
        Self::Later { code: code.to_owned(), detail: detail.into() }
    }

    pub(super) fn aside(code: &str, detail: impl Into<String>) -> Self {
        Self::Aside { code: code.to_owned(), detail: detail.into() }
    }

    /// A full disk, or a folder that is away, mends; what no disk takes does not.
    pub(super) fn disk(path: &Path, cause: &Error) -> Self {
        let words = format!("{}: {cause}", path.display());
        match cause.kind() {
            ErrorKind::InvalidFilename | ErrorKind::InvalidInput | ErrorKind::FileTooLarge => {
                Self::aside("cannot_be_written", words)
            }
            _ => Self::later("disk", words),
        }
    }

    /// Whether another dossier would meet it too: until it passes, nothing is begun that would ask for keys in vain.
    pub(super) fn is_everyones(&self) -> bool {
        let common = [
            "unreachable",
            "disk",
            "antivirus",
            "receiver_unreachable",
            "receiver_away",
            "not_a_sceau_server",
            "invalid_client",
            "scanner_unavailable",
            "scanner_unconfined",
            "folder_outdated",
            "log_not_compared",
        ];
        match self {
            Self::Later { code, .. } => {
                common.contains(&code.as_str()) || code == QUOTA || is_of_the_connector(code)
            }
            Self::Aside { .. } | Self::Journal(_) => false,
        }
    }

    /// Its stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Later { code, .. } | Self::Aside { code, .. } => code,
            Self::Journal(_) => "journal",
        }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        let detail = error.to_string();
        let code = match &error {
            ClientError::Transport(_) => "unreachable",
            ClientError::Unproven(_) => "unproven",
            ClientError::Envelope(_) => "envelope",
            other => other.code().unwrap_or("answer"),
        };
        let of_us =
            is_of_the_connector(code) || matches!(&error, ClientError::Refused { status: 401 | 500.., .. });
        if error.is_passing() || of_us { Self::later(code, detail) } else { Self::aside(code, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_certificate_is_no_dossier_s_fault() {
        let refused = |code: &str| {
            let (code, detail) = (code.to_owned(), String::new());
            Trouble::from(ClientError::Refused { status: 403, code, detail })
        };
        for code in [
            "certificate_revoked",
            "certificate_revocation_unknown",
            "certificate_no_role",
            "grant_not_in_force",
        ] {
            assert!(matches!(refused(code), Trouble::Later { .. }) && refused(code).is_everyones(), "{code}");
        }
        for code in ["scheme_not_granted", "manifest_not_attested"] {
            assert!(matches!(refused(code), Trouble::Aside { .. }), "{code}");
        }
    }
}
