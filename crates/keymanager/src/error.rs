//! What can go wrong in a key manager, and who is at fault. Why a *request* is refused is [`crate::Denial`]'s to say.

use std::path::PathBuf;

/// An error of this room. The message says what to do; [`Error::code`] is stable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is a key manager in this folder already.
    #[error("there is already a key manager in {0}")]
    AlreadyInitialised(PathBuf),
    /// There is none.
    #[error("there is no key manager in {0}: make one with `sceau keymanager init`")]
    NotInitialised(PathBuf),
    /// A name or address that cannot be one.
    #[error("{field}: {rule}")]
    Setup {
        /// What is at fault.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The key manager knows no platform yet.
    #[error("the key manager is not connected to a platform: connect it first")]
    NotConnected,
    /// The platform enrolled another root for this organisation.
    #[error(
        "the platform shows the root {found} for this organisation, and ours is {ours}: its administrator must enrol the right one"
    )]
    OtherRoot {
        /// Ours.
        ours: String,
        /// The platform's.
        found: String,
    },
    /// The platform's acknowledgement does not hold under the pinned log key.
    #[error("the platform's acknowledgement of a key is not proven: {0}")]
    Acknowledgement(String),
    /// The platform does not answer, or refuses.
    #[error(transparent)]
    Platform(#[from] sceau_client::ClientError),
    /// The platform's log contradicts what it said before. Keep both checkpoints: they are the proof.
    #[error("the platform's log contradicts itself: {0}")]
    Log(String),
    /// The platform does not show its log whole.
    #[error(
        "the platform's log could not be compared with the key manager's own trace: {0}; no key leaves before it was"
    )]
    NotCompared(String),
    /// Our own trace is not what its signed checkpoint says.
    #[error(
        "the key manager's own trace was altered or is incomplete: restore the folder from a backup ({0})"
    )]
    Journal(String),
    /// What is kept sealed was altered or rolled back.
    #[error("{0} was altered or rolled back: restore the folder from a backup")]
    Tampered(&'static str),
    /// An address that everyone could reach.
    #[error("{0} is not an internal address: a key manager listens on loopback or a private network only")]
    PublicAddress(std::net::IpAddr),
    /// A key that may not be destroyed now.
    #[error("the key is not destroyed: {0}")]
    KeyNeeded(&'static str),
    /// There is no such key here.
    #[error("there is no such key here")]
    UnknownKey,
    /// The platform acknowledged no recipient key that is valid now.
    #[error(
        "there is no recipient key in use that the platform acknowledged: wait until the key manager has published one"
    )]
    NoCurrentKey,
    /// No signing key was acknowledged by the platform yet.
    #[error("the platform has acknowledged no signing key yet")]
    NoSigningKey,
    /// A backup or its shares.
    #[error(transparent)]
    Backup(#[from] crate::backup::BackupError),
    /// The database.
    #[error(transparent)]
    Store(#[from] sceau_store::StoreError),
    /// The keystore.
    #[error(transparent)]
    Keys(#[from] sceau_hsm::Error),
    /// Certificates.
    #[error(transparent)]
    Pki(#[from] sceau_pki::Error),
    /// A record that may not be logged.
    #[error(transparent)]
    Record(#[from] sceau_trace::RecordError),
    /// A checkpoint or proof.
    #[error(transparent)]
    Checkpoint(#[from] sceau_trace::CheckpointError),
    /// A document that breaks its own rules.
    #[error(transparent)]
    Document(#[from] sceau_element_api::documents::DocumentError),
    /// The system refused.
    #[error("{what}: {cause}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's word.
        cause: std::io::Error,
    },
}

impl From<sceau_crypto::sharing::ShareError> for Error {
    fn from(error: sceau_crypto::sharing::ShareError) -> Self {
        Self::Backup(error.into())
    }
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyInitialised(_) => "already_initialised",
            Self::NotInitialised(_) => "not_initialised",
            Self::Setup { .. } => "setup_invalid",
            Self::NotConnected => "platform_not_connected",
            Self::OtherRoot { .. } => "platform_other_root",
            Self::Acknowledgement(_) => "acknowledgement_unproven",
            Self::Platform(_) => "platform_unreachable",
            Self::Log(_) => "platform_log_inconsistent",
            Self::NotCompared(_) => "log_not_compared",
            Self::Journal(_) => "journal_damaged",
            Self::Tampered(_) => "state_tampered",
            Self::PublicAddress(_) => "public_address",
            Self::KeyNeeded(_) => "key_needed",
            Self::UnknownKey => "unknown_key",
            Self::NoCurrentKey => "no_current_key",
            Self::NoSigningKey => "no_signing_key",
            Self::Backup(error) => error.code(),
            Self::Store(_) => "store_failed",
            Self::Keys(error) => error.code(),
            Self::Pki(error) => error.code(),
            Self::Record(_) => "record_invalid",
            Self::Checkpoint(_) => "checkpoint_invalid",
            Self::Document(_) => "document_invalid",
            Self::Io { .. } => "io_failed",
        }
    }
}
