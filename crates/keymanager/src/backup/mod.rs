//! Backups: everything that makes this key manager, in one sealed file whose key is in the hands of several custodians.
//!
//! The file is a line of what it is, a note for people, and an envelope `sceau-1` that is sealed to an X-Wing key made for it alone. The 32 bytes of
//! that key are split: any `threshold` of the custodians' shares open the backup, fewer tell nothing. No private key of the organisation and no
//! share touches the disk here in clear; shares are handed to the caller.
//!
//! It is taken between two writes: whoever changes keys, people or decisions waits, and no transaction is under way while the files are read.

pub(crate) mod archive;
mod error;
mod restore;
mod shares;

pub use error::BackupError;
pub use restore::{Backup, Credentials, Rehearsed, Restored, Terms, UnlockedBackup};
pub use shares::{open_share, share_text};

use std::path::{Path, PathBuf};

use sceau_crypto::sharing::{self, SetId, Share};
use sceau_crypto::{Secret, XWingPrivateKey};
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::Unlock;
use sceau_store::params;
use sceau_trace::{Action, Hash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::manager::KeyManager;
use crate::schema::statements;

/// What is asked of a backup.
#[derive(Debug, Clone)]
pub struct NewBackup {
    /// How many custodians open it.
    pub threshold: u8,
    /// How many there are.
    pub custodians: u8,
    /// The file with what the organisation decided, if there is one: it is kept in the backup.
    pub policy: Option<PathBuf>,
}

/// What a backup says of itself to whoever has the file, without a share. The same bytes are inside, authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupNote {
    /// 1.
    pub v: u32,
    /// Its id, which each of its shares names.
    pub backup: SetId,
    /// When it was made, in Unix milliseconds.
    pub made: u64,
    /// The organisation's name.
    pub organisation_name: String,
    /// Its id on the platform; none while it is not connected.
    pub organisation: Option<String>,
    /// Where its people open documents.
    pub address: String,
    /// Fingerprint of the root in force.
    pub root_fingerprint: String,
    /// The key of the key manager's own trace (C2SP vkey).
    pub log_key: String,
    /// The checkpoint of that trace, a signed note.
    pub checkpoint: String,
    /// How many records it covers.
    pub records: u64,
    /// How many shares open it.
    pub threshold: u8,
    /// How many were made.
    pub custodians: u8,
    /// What may be known of each share, in their order: tells an altered one.
    pub shares: Vec<Hash>,
}

/// A backup that was made.
#[derive(Debug)]
pub struct MadeBackup {
    /// What it says of itself.
    pub note: BackupNote,
    /// One for each custodian. Each goes to another person.
    pub shares: Vec<Share>,
}

/// When the last backup was made, and who opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastBackup {
    /// Its id.
    pub backup: String,
    /// When, in Unix milliseconds.
    pub made: u64,
    /// How many custodians open it.
    pub threshold: u8,
    /// How many there are.
    pub custodians: u8,
}

impl KeyManager {
    /// Backs everything up into the new file `to`, while the key manager runs or before it serves. The intent is recorded first, and is in the
    /// backup; the outcome after.
    ///
    /// # Errors
    /// [`Error::Backup`]: impossible numbers, a file that is there, keys that are in no file; what the system says.
    pub async fn back_up(&self, new: &NewBackup, to: &Path) -> Result<MadeBackup, Error> {
        if to.exists() {
            return Err(BackupError::Exists(to.to_owned()).into());
        }
        if self.keys().backing_up().is_none() {
            return Err(BackupError::KeysElsewhere.into());
        }
        let (set, seed) = (SetId::random(), Secret::random());
        let shares = sharing::split(&seed, set, new.threshold, new.custodians).map_err(BackupError::Share)?;
        let private = XWingPrivateKey::from_seed(seed).map_err(sceau_hsm::Error::from)?;
        let _quiet = (self.alone().await, self.changing_people().await, self.deciding().await);
        let _still = self.watching().await;
        self.journal().append(self.record_of_backup(new, set)).await?;
        let note = self.note(new, set, &shares)?;
        let written = self.write_backup(new, &note, &private, to).await;
        let mut append = self.journal().begin().await?;
        match &written {
            Ok(()) => {
                append.record(self.record_of_backup(new, set).granted()).await?;
                let values =
                    params![set.to_string(), note.made, u64::from(new.threshold), u64::from(new.custodians)];
                append.transaction().execute(statements::INSERT_BACKUP, values).await?;
            }
            Err(error) => {
                append.record(self.record_of_backup(new, set).refused(error.code())).await?;
            }
        }
        append.commit().await?;
        written.map(|()| MadeBackup { note, shares })
    }

    /// The last backup that was made of this key manager.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_backup(&self) -> Result<Option<LastBackup>, Error> {
        let Some(row) = self.database().fetch_optional(statements::LAST_BACKUP, params![]).await? else {
            return Ok(None);
        };
        let number = |name| Ok::<_, Error>(u8::try_from(row.get::<u64>(name)?).unwrap_or(u8::MAX));
        Ok(Some(LastBackup {
            backup: row.get("id")?,
            made: row.get("made")?,
            threshold: number("threshold")?,
            custodians: number("custodians")?,
        }))
    }

    /// That this backup was made, in a key manager that is made anew from it.
    pub(crate) async fn keep_backup(&self, note: &BackupNote) -> Result<(), Error> {
        let (threshold, custodians) = (u64::from(note.threshold), u64::from(note.custodians));
        let values = params![note.backup.to_string(), note.made, threshold, custodians];
        self.database().execute(statements::INSERT_BACKUP, values).await?;
        Ok(())
    }

    /// Nothing is written to the database while its files are read: the one writer is held.
    async fn write_backup(
        &self,
        new: &NewBackup,
        note: &BackupNote,
        private: &XWingPrivateKey,
        to: &Path,
    ) -> Result<(), Error> {
        let still = self.database().begin().await?;
        let credential = Secret::random();
        let portable = self.keys().backing_up().ok_or(BackupError::KeysElsewhere)?;
        let keystore_file = portable.keystore_file_for(&Unlock::Bytes(credential.duplicate()))?;
        let content = archive::Content {
            folder: self.folder().to_owned(),
            note: note.to_bytes(),
            credential,
            keystore_file,
            policy: new.policy.clone(),
        };
        let (recipient, to) = (private.recipient_key().clone(), to.to_owned());
        let written = tokio::task::spawn_blocking(move || archive::write(&content, &recipient, &to)).await;
        still.rollback().await?;
        written.map_err(|cause| BackupError::io("writing the backup", std::io::Error::other(cause)))??;
        Ok(())
    }

    fn note(&self, new: &NewBackup, set: SetId, shares: &[Share]) -> Result<BackupNote, Error> {
        let checkpoint = self.journal().checkpoint().ok_or(Error::Journal("it is empty".to_owned()))?;
        Ok(BackupNote {
            v: 1,
            backup: set,
            made: self.now(),
            organisation_name: self.organisation_name().to_owned(),
            organisation: self.link().map(|link| link.organisation.to_string()),
            address: self.address().to_owned(),
            root_fingerprint: self.root_fingerprint().to_string(),
            log_key: self.log_key().to_string(),
            checkpoint: checkpoint.note().to_string(),
            records: checkpoint.size(),
            threshold: new.threshold,
            custodians: new.custodians,
            shares: shares.iter().map(|share| Hash::new(share.fingerprint())).collect(),
        })
    }

    fn record_of_backup(&self, new: &NewBackup, set: SetId) -> RecordDraft {
        self.own_record(Action::BACKUP_MAKE)
            .detail("backup", set.to_string())
            .detail("threshold", new.threshold.to_string())
            .detail("custodians", new.custodians.to_string())
    }
}

impl BackupNote {
    /// Reads one line of JSON; nothing where it is no note of a version that is known here.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok().filter(|note: &Self| note.v == 1)
    }

    /// One line of JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Strings, numbers and lists of them.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
