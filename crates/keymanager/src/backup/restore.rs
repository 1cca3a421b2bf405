//! Making a key manager anew from a backup. What happened after the backup is asked of the platform's log, never forgotten in silence.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sceau_client::{Server, Trust};
use sceau_crypto::sharing::{self, Share};
use sceau_crypto::{KeyId, RecipientPrivateKey, XWingPrivateKey};
use sceau_element_api::documents::KeyUse;
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::{SoftwareKeystore, Unlock};
use sceau_store::Clock;
use sceau_trace::{Action, Hash, SignedCheckpoint};

use super::{BackupError, BackupNote, archive};
use crate::deliver::Delivery;
use crate::error::Error;
use crate::keyring::ManagedKey;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::settings::Settings;
use crate::watch::Missing;

/// How often, and how far apart, the log is looked at for a record that it was just given.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

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
}

/// A key manager that was made anew.
#[derive(Debug)]
pub struct Restored {
    /// What the platform's log holds of it that the backup lacks; none when it was not asked.
    pub missing: Option<Missing>,
    /// Keys that were stated after the backup: what is sealed to them cannot be opened.
    pub lost_keys: Vec<KeyId>,
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

    /// Compares with what the platform saw, and records.
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
        let mut lost_keys = Vec::new();
        let mut missing = None;
        if let Some(link) = manager.link().filter(|_| !terms.offline) {
            let before = accepted(compare(manager, &link).await?, terms)?;
            if before.statements > 0 {
                lost_keys.extend(manager.adopt_lost_keys(&link, &before).await?);
            }
            // Only now is it known that nothing newer was kept from us.
            let since = accepted(self.witnessed(manager, &link).await?, terms)?;
            if since.statements > 0 {
                lost_keys.extend(manager.adopt_lost_keys(&link, &since).await?);
            }
            let found = before.and(since);
            manager.take_back(&found).await?;
            missing = Some(found);
        }
        let draft = self.record(manager).granted();
        let draft = match &missing {
            None => draft.detail("compared", "no"),
            Some(missing) => draft
                .detail("compared", "yes")
                .detail("missing_records", missing.records.to_string())
                .detail("missing_statements", missing.statements.to_string())
                .detail("missing_decisions", missing.decisions.to_string()),
        };
        manager.journal().append(draft).await?;
        Ok(Restored { missing, lost_keys })
    }

    fn record(&self, manager: &KeyManager) -> RecordDraft {
        let draft = manager.own_record(Action::BACKUP_RESTORE);
        draft.detail("backup", self.note.backup.to_string()).detail("made", self.note.made.to_string())
    }

    /// Has the element log a record that nobody could have foreseen, and reads the log until it is there: an old log does not hold it, and a new
    /// one holds everything before it. What the log held besides is counted.
    async fn witnessed(&self, manager: &KeyManager, link: &Link) -> Result<Missing, Error> {
        let unwitnessed = |why: &str| Error::from(BackupError::Unwitnessed(why.to_owned()));
        let nonce = sceau_crypto::random::<16>();
        let intent = self.record(manager).detail("nonce", hex::encode(nonce));
        let position = manager.journal().append(intent).await?;
        let (ring, now) = (manager.keyring(), manager.now());
        let signs = |key: &ManagedKey| !key.destroyed && key.statement.is_valid_at(now);
        if !ring.current(KeyUse::Sign).is_some_and(signs) {
            // What would sign it was replaced, or has expired: the root states another, as it would at the next tick.
            let _alone = manager.alone().await;
            manager.tend_keys(link).await?;
        }
        match manager.send_one(position).await {
            Ok(()) => {}
            Err(Delivery::Refused(code)) => return Err(unwitnessed(&code)),
            Err(Delivery::Later(why)) => return Err(BackupError::NotCompared(why).into()),
            Err(Delivery::Broken(error)) => return Err(error),
        }
        let mut since = Missing::default();
        for _ in 0..TRIES {
            since = since.and(compare(manager, link).await?);
            if manager.is_logged(position).await? {
                return Ok(since);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(unwitnessed("its newest checkpoint is older"))
    }

    fn staging(&self, folder: &Path) -> PathBuf {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        folder.with_file_name(format!(".{name}.restoring-{}", self.note.backup))
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

async fn compare(manager: &KeyManager, link: &Link) -> Result<Missing, Error> {
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
