//! The file of a backup: two lines, then an envelope around a tar archive. Nothing of it is on disk in clear: both ends are pipes.
//!
//! ```text
//! sceau-backup-1
//! {"v":1,"backup":"…", …}          the note
//! envelope sceau-1 of a tar:       backup.json (the note again), keystore.credential (32 bytes), policy.toml,
//!                                  data/… (the key manager's folder; data/keystore/keystore.json opens with the credential)
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, PipeWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use sceau_crypto::envelope::Metadata;
use sceau_crypto::stream::{StreamOptions, open_stream, seal_stream};
use sceau_crypto::{RecipientKey, RecipientPrivateKey, Secret};
use tar::{Archive, Builder, EntryType, Header};
use zeroize::Zeroizing;

use super::{BackupError, BackupNote};

const MAGIC: &str = "sceau-backup-1\n";
const NOTE: &str = "backup.json";
const CREDENTIAL: &str = "keystore.credential";
const POLICY: &str = "policy.toml";
const DATA: &str = "data";
const KEYSTORE_FILE: &str = "keystore/keystore.json";
/// The longest note, in bytes.
const MAX_NOTE: u64 = 1 << 20;

/// What goes into a backup.
pub(super) struct Content {
    pub(super) folder: PathBuf,
    pub(super) note: Vec<u8>,
    pub(super) credential: Secret<32>,
    pub(super) keystore_file: Vec<u8>,
    pub(super) policy: Option<PathBuf>,
}

/// What came out of one. The files are in the folder that was named, if one was.
pub(crate) struct Unpacked {
    pub(super) credential: Secret<32>,
    pub(super) keystore_file: Vec<u8>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Seals the content into the new file `to`, which appears whole or not at all.
pub(super) fn write(content: &Content, recipient: &RecipientKey, to: &Path) -> Result<(), BackupError> {
    let aside = to.with_extension("new");
    // Not one that is there: it may be somebody's, or lead elsewhere.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside);
    let file = file.map_err(|cause| BackupError::io("making the file beside the backup", cause))?;
    let written = write_aside(content, recipient, &file);
    let placed = written.and_then(|()| {
        let placing = |cause| BackupError::io("placing the backup", cause);
        // Not a rename: that would go over a file that came meanwhile.
        fs::hard_link(&aside, to).map_err(placing)?;
        let folder = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(placing)
    });
    drop(fs::remove_file(&aside));
    placed
}

fn write_aside(content: &Content, recipient: &RecipientKey, mut out: &File) -> Result<(), BackupError> {
    let failed = |cause| BackupError::io("writing the backup", cause);
    out.write_all(&[MAGIC.as_bytes(), &content.note, b"\n"].concat()).map_err(failed)?;
    let (reader, writer) = io::pipe().map_err(failed)?;
    let metadata = Metadata::new("key-manager.tar", "application/x-tar")
        .map_err(|error| failed(io::Error::other(error)))?;
    let sealed = std::thread::scope(|scope| {
        let packing = scope.spawn(|| pack(content, writer));
        let sealed =
            seal_stream(reader, out, std::slice::from_ref(recipient), metadata, StreamOptions::new());
        let packed = packing.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
        packed.and(sealed.map(drop).map_err(io::Error::other))
    });
    sealed.and_then(|()| out.sync_all()).map_err(failed)
}

fn pack(content: &Content, writer: PipeWriter) -> io::Result<()> {
    let mut tar = Builder::new(writer);
    tar.mode(tar::HeaderMode::Deterministic);
    add(&mut tar, NOTE, &content.note)?;
    add(&mut tar, CREDENTIAL, content.credential.expose())?;
    if let Some(policy) = &content.policy {
        add(&mut tar, POLICY, &fs::read(policy)?)?;
    }
    add(&mut tar, &format!("{DATA}/{KEYSTORE_FILE}"), &content.keystore_file)?;
    add_folder(&mut tar, &content.folder, Path::new(""))?;
    tar.into_inner()?.flush()
}

fn add(tar: &mut Builder<PipeWriter>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, name, bytes)
}

fn add_folder(tar: &mut Builder<PipeWriter>, folder: &Path, within: &Path) -> io::Result<()> {
    let mut entries = fs::read_dir(folder.join(within))?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (within.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            add_folder(tar, folder, &path)?;
        } else if kind.is_file() && belongs(&path) {
            let mut file = File::open(entry.path())?;
            tar.append_file(Path::new(DATA).join(&path), &mut file)?;
        } else if !kind.is_file() && belongs(&path) {
            let words = format!("{} is neither a file nor a folder, and cannot be backed up", path.display());
            return Err(io::Error::other(words));
        }
    }
    Ok(())
}

/// Not what a running process holds, what a crash left, and what opens with the original's passphrase.
fn belongs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let passing = ["-shm", ".new", ".destroyed"].iter().any(|end| name.ends_with(end)) || name == "lock";
    !passing && path != Path::new(KEYSTORE_FILE)
}

/// The note of a backup, and its reader, which stands at the envelope.
pub(super) fn read_note(path: &Path) -> Result<(BackupNote, Vec<u8>, BufReader<File>), BackupError> {
    let not_one = || BackupError::NotABackup(path.to_owned());
    let opening = |cause| BackupError::io(&format!("reading {}", path.display()), cause);
    let mut file = BufReader::new(File::open(path).map_err(opening)?);
    let mut magic = vec![0; MAGIC.len()];
    file.read_exact(&mut magic).map_err(|_| not_one())?;
    let mut line = Vec::new();
    (&mut file).take(MAX_NOTE).read_until(b'\n', &mut line).map_err(opening)?;
    if magic != MAGIC.as_bytes() || line.pop() != Some(b'\n') {
        return Err(not_one());
    }
    let note = BackupNote::parse(&line).ok_or_else(not_one)?;
    Ok((note, line, file))
}

/// Opens the envelope and goes through all that is in it; puts the files into `into`, an empty folder, if one is named. They are whole when this
/// returns, and to be thrown away when it fails.
pub(super) fn read(
    path: &Path,
    key: &RecipientPrivateKey,
    into: Option<&Path>,
) -> Result<Unpacked, BackupError> {
    let (_, note, file) = read_note(path)?;
    let damaged = |error: &dyn std::error::Error| BackupError::Damaged(error.to_string());
    let (reader, writer) = io::pipe().map_err(|cause| BackupError::io("reading the backup", cause))?;
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| open_stream(file, writer, key, StreamOptions::new()));
        let unpacked = unpack(reader, &note, into);
        let opened = opening.join().map_err(|_| BackupError::Damaged("it does not open".to_owned()))?;
        // What is wrong with the envelope explains what is wrong with the archive, but for a disk that is full.
        match (opened, unpacked) {
            (_, Err(error @ BackupError::Io { .. })) => Err(error),
            (Err(error), _) => Err(damaged(&error)),
            (Ok(_), unpacked) => unpacked,
        }
    })
}

pub(crate) fn unpack(
    mut reader: impl Read,
    note: &[u8],
    into: Option<&Path>,
) -> Result<Unpacked, BackupError> {
    let damaged = |why: &str| BackupError::Damaged(why.to_owned());
    let archived = |error: io::Error| BackupError::Damaged(error.to_string());
    let (mut inside, mut credential, mut keystore_file) = (None, None, None);
    let (mut files, mut bytes) = (0, 0);
    {
        let mut archive = Archive::new(&mut reader);
        for entry in archive.entries().map_err(archived)? {
            let mut entry = entry.map_err(archived)?;
            let name = entry.path().map_err(archived)?.into_owned();
            if entry.header().entry_type() != EntryType::Regular || !is_plain(&name) {
                return Err(damaged("it holds something else than files"));
            }
            bytes += entry.size();
            files += 1;
            if name == Path::new(NOTE) {
                inside = Some(whole(&mut entry)?.to_vec());
            } else if name == Path::new(CREDENTIAL) {
                let bytes = whole(&mut entry)?;
                credential = Secret::from_slice(&bytes).ok();
            } else {
                let keystore = Path::new(DATA).join(KEYSTORE_FILE);
                keep(&mut entry, &name, into, (name == keystore).then_some(&mut keystore_file))?;
            }
        }
    }
    // The envelope's end must be read: only its last part says that it is whole.
    io::copy(&mut reader, &mut io::sink()).map_err(archived)?;
    if inside.as_deref() != Some(note) {
        return Err(damaged("its first lines are not those that were sealed in it"));
    }
    let credential = credential.ok_or_else(|| damaged("the keystore's credential is missing"))?;
    let keystore_file = keystore_file.ok_or_else(|| damaged("the keystore is missing"))?;
    Ok(Unpacked { credential, keystore_file, files, bytes })
}

fn keep(
    entry: &mut impl Read,
    name: &Path,
    into: Option<&Path>,
    also: Option<&mut Option<Vec<u8>>>,
) -> Result<(), BackupError> {
    let writing = |cause| BackupError::io("writing what is restored", cause);
    if let Some(also) = also {
        *also = Some(whole(entry)?.to_vec());
        let bytes = also.as_deref().unwrap_or_default();
        return match into {
            Some(into) => place(into, name, &mut &*bytes).map_err(writing),
            None => Ok(()),
        };
    }
    match into {
        Some(into) => place(into, name, entry).map_err(writing),
        None => io::copy(entry, &mut io::sink()).map(drop).map_err(|e| BackupError::Damaged(e.to_string())),
    }
}

/// `data/x` as `x`, and the policy beside it.
fn place(into: &Path, name: &Path, content: &mut impl Read) -> io::Result<()> {
    let path = into.join(name.strip_prefix(DATA).unwrap_or(name));
    if let Some(folder) = path.parent() {
        sceau_hsm::durable::secret_folder(folder).map_err(io::Error::other)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    io::copy(content, &mut file)?;
    file.sync_all()
}

fn whole(entry: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, BackupError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
    let read = entry.take(MAX_NOTE).read_to_end(&mut bytes);
    read.map_err(|error| BackupError::Damaged(error.to_string()))?;
    Ok(bytes)
}

/// Names without a way out of the folder.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}
