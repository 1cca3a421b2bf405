//! What can be wrong with a backup or with its shares.

use std::path::PathBuf;

use sceau_crypto::sharing::{SetId, ShareError};

/// Why a backup is not made, not opened or not restored. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Never over another file.
    #[error("{0} is there already: choose another name")]
    Exists(PathBuf),
    /// The keys are not in files of this key manager.
    #[error("the keys are kept by a device or a service of its own: back them up with its own means")]
    KeysElsewhere,
    /// Not a backup, or damaged before its envelope.
    #[error("{0} is no backup of a key manager, or its first lines are damaged")]
    NotABackup(PathBuf),
    /// Damaged or altered.
    #[error("the backup is damaged or was altered: {0}")]
    Damaged(String),
    /// A share is not right.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// A share is of another backup than the file.
    #[error("share {number} is of the backup {found}; this one is {wanted}")]
    ShareOfAnother {
        /// Which share.
        number: u8,
        /// Its backup.
        found: SetId,
        /// This backup.
        wanted: SetId,
    },
    /// A share reads well and is not the one that was made.
    #[error("share {0} is not the one that was made for this backup: it was altered")]
    ShareAltered(u8),
    /// A custodian's passphrase is asked for.
    #[error("share {0} is sealed: give its custodian's passphrase")]
    ShareSealed(u8),
    /// Only into an empty folder.
    #[error("{0} is not empty: a key manager is restored into a new folder only")]
    NotEmpty(PathBuf),
    /// Rolling back in silence is refused.
    #[error(
        "the platform's log goes on after this copy: {records} records of this key manager, {statements} key statements and {decisions} \
         decisions are in it that it lacks. Look for a later backup or the lost folder; with --accept-loss the key manager \
         goes on without them"
    )]
    Behind {
        /// Records of ours that the backup lacks.
        records: u64,
        /// Key statements.
        statements: u64,
        /// Decisions.
        decisions: u64,
    },
    /// Two at once.
    #[error("this key manager still answers at {0}: stop it first, two at once contradict each other")]
    StillRuns(String),
    /// The platform shows an old log, or none that our newest record is in.
    #[error(
        "the platform does not prove that the log it shows is whole: the record that this key manager gave it a moment ago is not in it ({0}). What          happened after the backup may be hidden: ask the platform's administrator, or compare the log's size with another organisation's key manager;          with --offline the key manager goes on without"
    )]
    Unwitnessed(String),
    /// What the platform knows cannot be asked.
    #[error(
        "the platform cannot be asked what happened after this backup ({0}): try again when it answers, or go on with --offline; the key \
         manager then raises an alarm when it reads the log"
    )]
    NotCompared(String),
    /// The system refused.
    #[error("{what}: {cause}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's word.
        cause: std::io::Error,
    },
}

impl BackupError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists(_) => "backup_exists",
            Self::KeysElsewhere => "backup_keys_elsewhere",
            Self::NotABackup(_) => "backup_not_one",
            Self::Damaged(_) => "backup_damaged",
            Self::Share(error) => error.code(),
            Self::ShareOfAnother { .. } => "share_of_another_backup",
            Self::ShareAltered(_) => "share_altered",
            Self::ShareSealed(_) => "share_sealed",
            Self::NotEmpty(_) => "restore_folder_not_empty",
            Self::Behind { .. } => "restore_behind",
            Self::StillRuns(_) => "restore_still_runs",
            Self::Unwitnessed(_) => "restore_unwitnessed",
            Self::NotCompared(_) => "restore_not_compared",
            Self::Io { .. } => "io_failed",
        }
    }

    pub(super) fn io(what: &str, cause: std::io::Error) -> Self {
        Self::Io { what: what.to_owned(), cause }
    }
}
