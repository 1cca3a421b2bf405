//! `sceau keymanager restore` and `take-up`: a key manager from a backup, or from an older folder that was put back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sceau_crypto::sharing::Share;
use sceau_hsm::Passphrase;
use sceau_hsm::durable::check_secret;
use sceau_keymanager::{
    Backup, BackupError, BackupNote, Credentials, Error, Restored, Terms, UnlockedBackup, open_share,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::SharePassphrases;
use crate::command::passphrase;
use crate::failure::Failure;
use crate::say;
use crate::serve::keymanager::{KeyManagerState, clock};

/// The longest file with a share, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A key manager to make anew.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreOptions {
    #[command(flatten)]
    state: KeyManagerState,
    /// The backup
    #[arg(long)]
    backup: PathBuf,
    /// File with a custodian's share; once for each. Without it they are typed on the terminal
    #[arg(long = "share")]
    shares: Vec<PathBuf>,
    #[command(flatten)]
    passphrases: SharePassphrases,
    /// Verify backup and shares, and write nothing
    #[arg(long)]
    rehearse: bool,
    /// Go on without what the platform's log shows that the backup lacks
    #[arg(long)]
    accept_loss: bool,
    /// Do not ask the platform what happened after the backup
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    credentials: KeptCredentials,
}

/// A folder that was put back by hand.
#[derive(Debug, clap::Args)]
pub(crate) struct TakeUpOptions {
    #[command(flatten)]
    state: KeyManagerState,
    /// Go on without what the platform's log shows that the folder lacks
    #[arg(long)]
    accept_loss: bool,
    #[command(flatten)]
    credentials: KeptCredentials,
}

/// What an older copy brings back.
#[derive(Debug, clap::Args)]
struct KeptCredentials {
    /// Keep the secret ids of AppRoles: those too that were revoked since work again. Without it, all are revoked
    #[arg(long)]
    keep_credentials: bool,
}

/// Makes a key manager anew, or rehearses it.
pub(crate) async fn restore(options: RestoreOptions) -> Result<(), Failure> {
    let RestoreOptions { state, backup, shares, passphrases, rehearse, accept_loss, offline, credentials } =
        options;
    // The new passphrase first: nobody should fetch shares in vain.
    let unlock = if rehearse { None } else { Some(state.unlock()?) };
    let backup = Backup::read(&backup)?;
    let note = backup.note().clone();
    eprintln!(
        "Backup {} of {}, root {}, {} records; {} of {} shares open it.",
        note.backup,
        note.organisation_name,
        note.root_fingerprint,
        note.records,
        note.threshold,
        note.custodians
    );
    let mut passphrases = passphrases.read()?;
    let shares = if shares.is_empty() {
        typed_shares(&note, &mut passphrases)?
    } else {
        shares.iter().map(|file| read_share(file, &mut passphrases)).collect::<Result<_, _>>()?
    };
    let unlocked = backup.unlock(&shares)?;
    let Some(unlock) = unlock else { return rehearsed(&note, &unlocked) };
    let terms = Terms { accept_loss, offline, keep_credentials: credentials.keep_credentials };
    let restored = unlocked.restore(&state.data, &unlock, terms, clock()).await?;
    let shown = json!({
        "restored": note.backup.to_string(), "data": state.data, "root_fingerprint": note.root_fingerprint,
    });
    say_restored(shown, &restored)
}

/// Goes on with a folder that is older than what the platform's log shows of it.
pub(crate) async fn take_up(options: TakeUpOptions) -> Result<(), Failure> {
    let TakeUpOptions { state, accept_loss, credentials } = options;
    let key_manager = state.open().await?;
    let keep_credentials = credentials.keep_credentials;
    let restored = key_manager.take_up(Terms { accept_loss, offline: false, keep_credentials }).await?;
    say_restored(json!({"taken_up": true, "data": state.data}), &restored)
}

fn rehearsed(note: &BackupNote, unlocked: &UnlockedBackup) -> Result<(), Failure> {
    let found = unlocked.rehearse()?;
    say::json(&json!({
        "rehearsed": note.backup.to_string(), "made": note.made, "files": found.files, "bytes": found.bytes,
    }))
}

fn say_restored(mut shown: Value, restored: &Restored) -> Result<(), Failure> {
    let missing = restored.missing.as_ref().map(|missing| {
        json!({"records": missing.records, "statements": missing.statements, "decisions": missing.decisions})
    });
    let lost: Vec<String> = restored.lost_keys.iter().map(ToString::to_string).collect();
    if !lost.is_empty() {
        eprintln!("What depositors sealed to these keys cannot be opened: ask them to deposit again.");
    }
    let Credentials { secret_ids_revoked, secret_ids_kept, bindings, connectors } = restored.credentials;
    if secret_ids_revoked > 0 {
        eprintln!(
            "{secret_ids_revoked} secret ids of AppRoles were revoked: make new ones for the clients that shall go on."
        );
    }
    if secret_ids_kept > 0 {
        eprintln!(
            "{secret_ids_kept} secret ids of AppRoles work as they did in this copy, those too that were revoked since."
        );
    }
    if bindings + connectors > 0 {
        eprintln!(
            "{bindings} certificates of people and {connectors} of connectors are let in as this copy says: go through them on the page \
             of the administration before anybody else does."
        );
    }
    let more = json!({
        "compared": restored.missing.is_some(), "missing": missing, "lost_keys": lost, "credentials": restored.credentials,
    });
    if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
        shown.extend(more);
    }
    say::json(&shown)
}
fn read_share(path: &Path, passphrases: &mut BTreeMap<u8, Passphrase>) -> Result<Share, Failure> {
    check_secret(path)?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    file.map_err(|cause| Failure::file("read", path, &cause))?;
    let share = open_share(&text, |number| Ok(passphrases.remove(&number)));
    share.map_err(|error| Failure::from(error).and(&format!("it is in {}", path.display())))
}

/// Typed without being shown, until there are enough.
fn typed_shares(
    note: &BackupNote,
    passphrases: &mut BTreeMap<u8, Passphrase>,
) -> Result<Vec<Share>, Failure> {
    let mut shares = Vec::new();
    while shares.len() < usize::from(note.threshold) {
        let question = format!("Share {} of {}: ", shares.len() + 1, note.threshold);
        let text = passphrase::typed(&question, "shares", "--share")?;
        match open_share(&text, |number| Ok(passphrases.remove(&number))) {
            Ok(share) => shares.push(share),
            Err(Error::Backup(BackupError::ShareSealed(number))) => {
                let typed =
                    passphrase::typed(&format!("Passphrase of share {number}: "), "passphrase", "--share")?;
                let typed = Passphrase::new(&typed)?;
                shares.push(open_share(&text, |_| Ok(Some(typed)))?);
            }
            // Whoever mistyped tries again: the others' shares are not asked for twice.
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(shares)
}
