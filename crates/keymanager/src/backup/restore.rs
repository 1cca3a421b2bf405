//! Making a key manager anew from a backup. What happened after the backup is asked of the platform's log, never forgotten in silence.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sceau_client::{Server, Trust};
use sceau_crypto::sharing::{self, Share};
use sceau_crypto::{KeyId, RecipientPrivateKey, XWingPrivateKey};
use sceau_element_api::documents::KeyUse;
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{SoftwareKeystore, Unlock};
use sceau_store::{Clock, params};
use sceau_trace::{Action, Hash, SignedCheckpoint};
use serde::Serialize;

use super::{BackupError, BackupNote, archive};
use crate::error::Error;
use crate::keyring::ManagedKey;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::schema::statements;
use crate::settings::Settings;
use crate::standing::Unseen;
use crate::watch::Missing;

/// A backup, closed.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    note: BackupNote,
}

/// A backup with its key.
pub struct UnlockedBackup {
    path: PathBuf,
    note: BackupNote,
    key: RecipientPrivateKey,
}

/// What a rehearsal found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsed {
    /// Files in it.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// What is put up with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// The platform knows of things that the backup lacks, and they are lost.
    pub accept_loss: bool,
    /// The platform is not asked.
    pub offline: bool,
    /// Secret ids of AppRoles go on working, those too that were revoked since.
    pub keep_credentials: bool,
}

/// A key manager that was made anew.
#[derive(Debug)]
pub struct Restored {
    /// What the platform's log holds of it that the backup lacks; none when it was not asked.
    pub missing: Option<Missing>,
    /// Keys that were stated after the backup: what is sealed to them cannot be opened.
    pub lost_keys: Vec<KeyId>,
    /// What opens here again as it did then.
    pub credentials: Credentials,
}

/// Who may come in, as an older folder says: who was given more, or less, since is not known here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// Secret ids of AppRoles that were revoked with the making anew.
    pub secret_ids_revoked: u64,
    /// Secret ids that were kept.
    pub secret_ids_kept: u64,
    /// Certificates that are bound to people.
    pub bindings: u64,
    /// Certificates of connectors that have a grant.
    pub connectors: u64,
}

impl Backup {
    /// Reads what the file says of itself. It is believed once shares opened it.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`]; what the system says.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let (note, _, _) = archive::read_note(path)?;
        Ok(Self { path: path.to_owned(), note })
    }

    /// What it says.
    pub fn note(&self) -> &BackupNote {
        &self.note
    }

    /// Puts its key together.
    ///
    /// # Errors
    /// [`Error::Backup`], which names the share that does not belong or says how many are missing.
    pub fn unlock(self, shares: &[Share]) -> Result<UnlockedBackup, Error> {
        let Self { path, note } = self;
        for share in shares {
            let head = share.head();
            if head.set != note.backup {
                let (number, found, wanted) = (head.number, head.set, note.backup);
                return Err(BackupError::ShareOfAnother { number, found, wanted }.into());
            }
            let made = note.shares.get(usize::from(head.number) - 1);
            if made != Some(&Hash::new(share.fingerprint())) {
                return Err(BackupError::ShareAltered(head.number).into());
            }
        }
        let seed = sharing::combine(shares).map_err(BackupError::Share)?;
        let key = XWingPrivateKey::from_seed(seed).map_err(sceau_hsm::Error::from)?;
        Ok(UnlockedBackup { path, note, key: RecipientPrivateKey::XWing(key) })
    }
}

impl UnlockedBackup {
    /// Goes through the whole backup and writes nothing.
    ///
    /// # Errors
    /// [`BackupError::Damaged`].
    pub fn rehearse(&self) -> Result<Rehearsed, Error> {
        let unpacked = archive::read(&self.path, &self.key, None)?;
        let unlock = Unlock::Bytes(unpacked.credential);
        sceau_hsm::check_keystore_file(&unpacked.keystore_file, &unlock, &self.path)?;
        Ok(Rehearsed { files: unpacked.files, bytes: unpacked.bytes })
    }

    /// Makes the key manager anew in `folder`, which must be new or empty; from now on it opens by `unlock`.
    ///
    /// # Errors
    /// [`Error::Backup`]: the folder is not empty, the backup is damaged, behind the platform's log, not compared with it, or the key manager
    /// still runs. Nothing is left then.
    pub async fn restore(
        &self,
        folder: &Path,
        unlock: &Unlock,
        terms: Terms,
        clock: Arc<dyn Clock>,
    ) -> Result<Restored, Error> {
        if folder.exists() && std::fs::read_dir(folder).map_err(io)?.next().is_some() {
            return Err(BackupError::NotEmpty(folder.to_owned()).into());
        }
        let staging = self.staging(folder);
        // One that was cut short: it was never anybody's key manager.
        if staging.exists() {
            std::fs::remove_dir_all(&staging).map_err(io)?;
        }
        let restored = self.restore_aside(&staging, unlock, terms, clock).await;
        let placed = restored.and_then(|restored| {
            if folder.exists() {
                std::fs::remove_dir(folder).map_err(io)?;
            }
            std::fs::rename(&staging, folder).map_err(io)?;
            Ok(restored)
        });
        if placed.is_err() {
            drop(std::fs::remove_dir_all(&staging));
        }
        placed
    }

    async fn restore_aside(
        &self,
        staging: &Path,
        unlock: &Unlock,
        terms: Terms,
        clock: Arc<dyn Clock>,
    ) -> Result<Restored, Error> {
        sceau_hsm::durable::secret_folder(staging)?;
        let unpacked = archive::read(&self.path, &self.key, Some(staging))?;
        let keystore =
            SoftwareKeystore::open(&staging.join("keystore"), &Unlock::Bytes(unpacked.credential))?;
        keystore.change_unlock(unlock)?;
        drop(keystore);
        let manager = KeyManager::open(staging, unlock, Settings::default(), clock).await?;
        let restored = self.take_up(&manager, terms).await;
        manager.close().await;
        restored
    }

    /// That the trace is the backup's, then as any older folder.
    async fn take_up(&self, manager: &KeyManager, terms: Terms) -> Result<Restored, Error> {
        let same = manager.journal().checkpoint().map(|checkpoint| checkpoint.note().to_string());
        if same.as_ref() != Some(&self.note.checkpoint) {
            return Err(BackupError::Damaged("its trace is not the one that it names".to_owned()).into());
        }
        if still_runs(manager).await {
            return Err(BackupError::StillRuns(manager.address().to_owned()).into());
        }
        // Its outcome was recorded after it was taken.
        manager.keep_backup(&self.note).await?;
        let (backup, made) = (self.note.backup.to_string(), self.note.made.to_string());
        let record = manager.own_record(Action::BACKUP_RESTORE).detail("backup", backup).detail("made", made);
        manager.make_anew(record, terms).await
    }

    fn staging(&self, folder: &Path) -> PathBuf {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        folder.with_file_name(format!(".{name}.restoring-{}", self.note.backup))
    }
}

impl KeyManager {
    /// Goes on with this folder though it is an older one that was put back by hand: what happened since is asked of the platform's log, as for a
    /// backup. The key manager must not serve meanwhile.
    ///
    /// # Errors
    /// [`Error::NotConnected`]; [`Error::Backup`]: the log goes on after this folder, is not compared with it, or another copy still runs.
    pub async fn take_up(&self, terms: Terms) -> Result<Restored, Error> {
        if self.link().is_none() {
            return Err(Error::NotConnected);
        }
        if still_runs(self).await {
            return Err(BackupError::StillRuns(self.address().to_owned()).into());
        }
        // What was found in it before is counted as well.
        self.database().execute(statements::READ_AGAIN, params![]).await?;
        let record = self.own_record(Action::BACKUP_RESTORE).detail("folder", "in_place");
        self.make_anew(record, Terms { offline: false, ..terms }).await
    }

    /// Compares with what the platform saw, takes from people what was taken from them since, and records.
    async fn make_anew(&self, record: RecordDraft, terms: Terms) -> Result<Restored, Error> {
        let (mut lost_keys, mut missing) = (Vec::new(), None);
        if let Some(link) = self.link().filter(|_| !terms.offline) {
            let before = accepted(surveyed(self, &link).await?, terms)?;
            if before.statements > 0 {
                lost_keys.extend(self.adopt_lost_keys(&link, &before).await?);
            }
            // Only now is it known that nothing newer was kept from us.
            let since = accepted(self.newest_shown(&link, record.clone()).await?, terms)?;
            if since.statements > 0 {
                lost_keys.extend(self.adopt_lost_keys(&link, &since).await?);
            }
            let found = before.and(since);
            self.take_back(&found).await?;
            missing = Some(found);
        }
        let credentials = self.judge_credentials(terms).await?;
        let draft = record.granted().detail("secret_ids_revoked", credentials.secret_ids_revoked.to_string());
        let draft = match &missing {
            None => draft.detail("compared", "no"),
            Some(missing) => draft
                .detail("compared", "yes")
                .detail("missing_records", missing.records.to_string())
                .detail("missing_statements", missing.statements.to_string())
                .detail("missing_decisions", missing.decisions.to_string()),
        };
        let mut append = self.journal().begin().await?;
        append.record(draft).await?;
        if missing.is_some() {
            let all = params![i64::MAX.unsigned_abs()];
            append.transaction().execute(statements::FORGET_NOT_OURS, all).await?;
        }
        append.commit().await?;
        Ok(Restored { missing, lost_keys, credentials })
    }

    /// Revokes what nobody could tell from what was revoked since, and counts what the administrator must look at.
    async fn judge_credentials(&self, terms: Terms) -> Result<Credentials, Error> {
        let (secret_ids_revoked, secret_ids_kept) = match terms.keep_credentials {
            true => (0, self.count_secret_ids().await?),
            false => (self.revoke_all_secret_ids().await?, 0),
        };
        self.end_exceptions().await?;
        let lists = self.lists();
        Ok(Credentials {
            secret_ids_revoked,
            secret_ids_kept,
            bindings: lists.bindings.len() as u64,
            connectors: lists.connectors.len() as u64,
        })
    }

    /// Has the element log a record that nobody could have foreseen, and reads the log until it is there: an old log does not hold it, and a new
    /// one holds everything before it. What the log held besides is counted.
    async fn newest_shown(&self, link: &Link, record: RecordDraft) -> Result<Missing, Error> {
        let unwitnessed = |why: String| Error::from(BackupError::Unwitnessed(why));
        let nonce = sceau_crypto::random::<16>();
        let position = self.journal().append(record.detail("nonce", hex::encode(nonce))).await?;
        let (ring, now) = (self.keyring(), self.now());
        let signs = |key: &ManagedKey| !key.destroyed && key.statement.is_valid_at(now);
        if !ring.current(KeyUse::Sign).is_some_and(signs) {
            // What would sign it was replaced, or has expired: the root states another, as it would at the next tick.
            let _alone = self.alone().await;
            self.tend_keys(link).await?;
        }
        let mut since = Missing::default();
        let seen = match self.send_one(position).await {
            Ok(()) => self.see_logged(link, position, Some(&mut since)).await,
            Err(delivery) => Err(Unseen::from(delivery)),
        };
        match seen {
            Ok(()) => Ok(since),
            Err(Unseen::Withheld(why)) => Err(unwitnessed(why)),
            Err(Unseen::Away(why)) => Err(BackupError::NotCompared(why).into()),
            Err(Unseen::Broken(error)) => Err(error),
        }
    }
}

/// What the backup lacks, unless it is put up with.
fn accepted(found: Missing, terms: Terms) -> Result<Missing, BackupError> {
    if found.any() && !terms.accept_loss {
        let Missing { records, statements, decisions, .. } = found;
        return Err(BackupError::Behind { records, statements, decisions });
    }
    Ok(found)
}

async fn surveyed(manager: &KeyManager, link: &Link) -> Result<Missing, Error> {
    let alone = manager.watching().await;
    match manager.survey(link, &alone).await {
        Err(Error::Platform(error)) => Err(BackupError::NotCompared(error.to_string()).into()),
        found => found,
    }
}

/// Whether a key manager with this log key answers at the address that this one will have.
async fn still_runs(manager: &KeyManager) -> bool {
    let trust = Trust { anchors_pem: Some(manager.authority_pem().into_bytes()), ..Trust::default() };
    let Ok(server) = Server::new(manager.address(), &trust) else { return false };
    let Ok(note) = server.get_bytes("/trace/checkpoint").await else { return false };
    let Ok(note) = std::str::from_utf8(&note) else { return false };
    SignedCheckpoint::parse(note).and_then(|note| note.verify(manager.log_key())).is_ok()
}

fn io(cause: io::Error) -> Error {
    BackupError::io("restoring", cause).into()
}

impl std::fmt::Debug for UnlockedBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnlockedBackup({})", self.note.backup)
    }
}
