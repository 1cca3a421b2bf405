//! `sceau keymanager backup` and `restore`: one sealed file, and its key in the hands of several custodians.

mod anew;

pub(crate) use anew::{RestoreOptions, TakeUpOptions, restore, take_up};

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sceau_crypto::sharing::{Share, ShareError};
use sceau_hsm::Passphrase;
use sceau_hsm::durable::secret_folder;
use sceau_keymanager::{BackupError, BackupNote, NewBackup, share_text};
use serde_json::json;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};
use crate::say;
use crate::serve::keymanager::KeyManagerState;

/// A backup to make.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupOptions {
    #[command(flatten)]
    state: KeyManagerState,
    /// How many people each get a share
    #[arg(long)]
    custodians: u8,
    /// How many of them open the backup
    #[arg(long)]
    threshold: u8,
    /// File to write, or a folder for it
    #[arg(long)]
    to: PathBuf,
    /// Folder for the shares, a file each; without it they are shown on the terminal one at a time
    #[arg(long)]
    shares: Option<PathBuf>,
    #[command(flatten)]
    passphrases: SharePassphrases,
}

/// Custodians' own passphrases.
#[derive(Debug, clap::Args)]
struct SharePassphrases {
    /// Number of a share, and a file with the passphrase that seals it: 2=FILE, readable by this user only
    #[arg(long = "share-passphrase-file", value_name = "NUMBER=FILE", value_parser = numbered)]
    files: Vec<(u8, PathBuf)>,
}

/// Makes a backup. The key manager must be stopped: only one process has its keystore open.
pub(crate) async fn back_up(options: BackupOptions) -> Result<(), Failure> {
    let BackupOptions { state, custodians, threshold, to, shares: folder, passphrases } = options;
    let passphrases = passphrases.read()?;
    if let Some(beyond) = passphrases.keys().find(|number| !(1..=custodians).contains(*number)) {
        let words = format!("there is no share {beyond}: {custodians} are made");
        return Err(Failure::new(Exit::Usage, "share_numbers", words));
    }
    match &folder {
        Some(folder) => secret_folder(folder)?,
        // Asked before anything is made: without a terminal nobody would see them.
        None => drop(terminal()?),
    }
    let key_manager = state.open().await?;
    let to = if to.is_dir() { to.join(format!("key-manager-{}.sceau-backup", moment())) } else { to };
    let new = NewBackup { threshold, custodians, policy: state.policy.clone() };
    let made = key_manager.back_up(&new, &to).await?;
    let handed = match &folder {
        Some(folder) => write_shares(folder, &made.note, &made.shares, passphrases),
        None => show_shares(&made.note, &made.shares, passphrases),
    };
    handed.map_err(|failure| failure.and("this backup cannot be opened: remove it and make another"))?;
    say::json(&json!({
        "backup": made.note.backup.to_string(), "file": to, "made": made.note.made,
        "organisation": made.note.organisation_name, "root_fingerprint": made.note.root_fingerprint,
        "records": made.note.records, "threshold": threshold, "custodians": custodians,
    }))
}

/// How the program ends for each of these.
pub(crate) fn exit(error: &BackupError) -> Exit {
    match error {
        BackupError::Exists(_) | BackupError::NotEmpty(_) | BackupError::KeysElsewhere => Exit::Usage,
        BackupError::ShareSealed(_) | BackupError::Share(ShareError::Numbers) => Exit::Usage,
        BackupError::Share(ShareError::Refused(_) | ShareError::TooFew { .. }) => Exit::Key,
        BackupError::ShareOfAnother { .. } => Exit::Key,
        BackupError::NotABackup(_) | BackupError::Damaged(_) => Exit::Input,
        BackupError::Share(_) | BackupError::ShareAltered(_) => Exit::Input,
        BackupError::Behind { .. } | BackupError::Unwitnessed(_) => Exit::Proof,
        _ => Exit::System,
    }
}

impl SharePassphrases {
    fn read(&self) -> Result<BTreeMap<u8, Passphrase>, Failure> {
        let each = |(number, file): &(u8, PathBuf)| Ok((*number, Passphrase::from_file(file)?));
        self.files.iter().map(each).collect()
    }
}

fn write_shares(
    folder: &Path,
    note: &BackupNote,
    shares: &[Share],
    mut passphrases: BTreeMap<u8, Passphrase>,
) -> Result<(), Failure> {
    for share in shares {
        let head = share.head();
        let text = share_text(note, &say::day(note.made), share, passphrases.remove(&head.number))?;
        let path = folder.join(format!("share-{}-of-{}-{}.txt", head.number, head.total, note.backup));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written =
            file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|cause| Failure::file("write", &path, &cause))?;
    }
    Ok(())
}

/// One person at a time looks at the screen, which is wiped for the next.
fn show_shares(
    note: &BackupNote,
    shares: &[Share],
    mut passphrases: BTreeMap<u8, Passphrase>,
) -> Result<(), Failure> {
    let mut terminal = terminal()?;
    for share in shares {
        let number = share.head().number;
        let text = share_text(note, &say::day(note.made), share, passphrases.remove(&number))?;
        // Who copied the one before is still there: nothing is shown until the next custodian says so.
        let ready = format!("\nCustodian {number}: press Enter once you alone see the screen. ");
        wait_for_enter(&mut terminal, &ready)?;
        let shown = Zeroizing::new(format!("\n{}\nCopied? Press Enter: the screen is wiped. ", &*text));
        wait_for_enter(&mut terminal, &shown)?;
        let wiped = terminal.write_all(b"\x1b[2J\x1b[3J\x1b[H");
        wiped.map_err(|cause| Failure::system("use the terminal", &cause))?;
    }
    Ok(())
}

/// To the end of the line, whatever was typed before it.
fn wait_for_enter(terminal: &mut File, question: &str) -> Result<(), Failure> {
    let failed = |cause: std::io::Error| Failure::system("use the terminal", &cause);
    terminal.write_all(question.as_bytes()).map_err(failed)?;
    let mut byte = [0];
    while terminal.read(&mut byte).map_err(failed)? == 1 && byte != [b'\n'] {}
    Ok(())
}

fn terminal() -> Result<File, Failure> {
    File::options().read(true).write(true).open("/dev/tty").map_err(|_| {
        let words = "there is no terminal to show the shares on: name a folder for them with --shares";
        Failure::new(Exit::Usage, "no_terminal", words)
    })
}

fn numbered(text: &str) -> Result<(u8, PathBuf), String> {
    let parsed =
        text.split_once('=').and_then(|(number, file)| Some((number.parse().ok()?, PathBuf::from(file))));
    parsed.ok_or_else(|| "NUMBER=FILE, as 2=/run/credentials/second".to_owned())
}

fn moment() -> String {
    let now = time::OffsetDateTime::now_utc();
    let form = time::macros::format_description!("[year]-[month]-[day]-[hour][minute][second]");
    now.format(form).unwrap_or_default()
}
