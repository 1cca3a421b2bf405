//! The journal: one file, appended to and never rewritten, a frame for each batch. What is in it is what happened.

mod frame;
mod recover;
mod standby;

pub(crate) use recover::is_missing;
pub use recover::{Extent, Recovered, recover};
pub use standby::{Claimed, Following, StandbyError};
pub(crate) use standby::{refuse_standby, take_over};

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sceau_hsm::KeyLabel;
use sceau_trace::Hash;

use crate::event::SealedEvent;
use frame::{HEADER, Header};

/// The first bytes of every journal; the chain of frames starts from their hash.
const MAGIC: &[u8] = b"sceau-journal-2\n";
/// Those of a journal whose log showed ids in clear.
const EARLIER: &[u8] = b"sceau-journal-1\n";

/// Where an event is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Offset of its first byte.
    pub offset: u64,
    /// Its length, in bytes.
    pub length: u32,
}

/// Why a journal cannot be used. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The system failed.
    #[error("{path}: {action} failed: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It is not a journal.
    #[error("{0} is not a journal of this program: point --state to the right folder")]
    Foreign(PathBuf),
    /// It is one of a version whose log is not this one's.
    #[error(
        "{0} was begun by an earlier version, whose log showed ids in clear: this version does not continue it; keep the folder \
         as an archive and begin a new state"
    )]
    Earlier(PathBuf),
    /// Damage in the middle: frames after it are whole, so that it is no interrupted write.
    #[error(
        "{path} is damaged at byte {offset}, and whole frames follow: do not delete anything; restore the state folder from a \
         copy at least as recent as the witnesses' checkpoints, or examine the disk"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        offset: u64,
    },
    /// A frame is whole but does not follow from those before it.
    #[error(
        "{path}: the frame at byte {offset} does not follow: {reason}; restore the state folder from a copy"
    )]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// The standby has not the batch, or may be served by another.
    #[error(transparent)]
    Standby(#[from] StandbyError),
    /// A batch that no frame can hold.
    #[error("a batch exceeds what a frame holds")]
    TooLarge,
}

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    batch: u64,
    chain: Hash,
    /// The frame being put together; kept, so that its memory is used again.
    buffer: Vec<u8>,
    /// Who has each batch too before it is acknowledged.
    standby: Option<Following>,
}

impl JournalError {
    /// Whether another one serves from the standby: starting anew changes nothing.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(self, Self::Standby(error) if error.is_taken_over())
    }
}

impl Journal {
    /// Starts a journal in a new file; the file and its name are durable when this returns.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        if path.exists() {
            return Err(failed(path, "creating it")(io::ErrorKind::AlreadyExists.into()));
        }
        // Under another name until it is whole: a crash in between must not leave a journal without its first bytes.
        let draft = path.with_extension("new");
        let options = File::options().write(true).create(true).truncate(true).clone();
        let mut file = with_private_mode(options).open(&draft).map_err(failed(&draft, "creating it"))?;
        file.write_all(MAGIC).and_then(|()| file.sync_all()).map_err(failed(&draft, "writing"))?;
        std::fs::rename(&draft, path).map_err(failed(path, "naming it"))?;
        sync_folder(path).map_err(failed(path, "syncing"))?;
        let file = File::options().read(true).append(true).open(path).map_err(failed(path, "opening it"))?;
        Ok(Self::at(path, file, MAGIC.len() as u64, 0, sceau_trace::sha256(MAGIC)))
    }

    fn at(path: &Path, file: File, end: u64, batch: u64, chain: Hash) -> Self {
        Self { path: path.to_owned(), file, end, batch, chain, buffer: Vec::new(), standby: None }
    }

    /// The same, with each batch at a standby that has caught up, too.
    #[must_use]
    pub(crate) fn followed_by(self, standby: Following) -> Self {
        Self { standby: Some(standby), ..self }
    }

    /// A key was made, which the next batch needs: brings it to the standby.
    ///
    /// # Errors
    /// When it cannot have it, or was taken over.
    pub(crate) fn bring_key(&self, label: &KeyLabel) -> Result<(), JournalError> {
        Ok(self.standby.as_ref().map_or(Ok(()), |standby| standby.bring_key(label))?)
    }

    /// Keys were destroyed, and the journal says so: destroys them at the standby.
    ///
    /// # Errors
    /// When it cannot, or was taken over.
    pub(crate) fn take_keys_away(&self) -> Result<(), JournalError> {
        Ok(self.standby.as_ref().map_or(Ok(()), Following::take_keys_away)?)
    }

    /// A second handle of the file, to read events with.
    ///
    /// # Errors
    /// When the system has no more.
    pub(crate) fn entries(&self) -> Result<Entries, JournalError> {
        Ok(Entries { path: self.path.clone(), file: self.reader()? })
    }

    /// A second handle of the file, to read entries with.
    ///
    /// # Errors
    /// When the system has no more.
    pub fn reader(&self) -> Result<File, JournalError> {
        self.file.try_clone().map_err(failed(&self.path, "opening it again"))
    }

    /// Appends a batch and its signed checkpoint as one frame, and returns where each event is. When this returns the
    /// batch is on disk. After an error the file's state is unknown and the process must stop.
    ///
    /// # Errors
    /// When the system fails.
    pub fn commit(&mut self, events: &[SealedEvent], checkpoint: &str) -> Result<Vec<Place>, JournalError> {
        self.buffer.clear();
        self.buffer.resize(HEADER, 0);
        let places = frame::encode_body(&mut self.buffer, events, checkpoint);
        let body = self.buffer.get(HEADER..).unwrap_or_default();
        let header = Header::new(self.batch, body, &self.chain).ok_or(JournalError::TooLarge)?;
        if let Some(place) = self.buffer.first_chunk_mut::<HEADER>() {
            *place = header.to_bytes();
        }
        self.file.write_all(&self.buffer).map_err(failed(&self.path, "writing"))?;
        self.file.sync_data().map_err(failed(&self.path, "syncing"))?;
        if let Some(standby) = &mut self.standby {
            standby.append(&self.buffer)?;
        }
        let start = self.end;
        self.end += self.buffer.len() as u64;
        self.batch += 1;
        self.chain = header.chain;
        Ok(places.into_iter().map(|event| place(start, &event)).collect())
    }
}

/// Reads events at their places.
pub(crate) struct Entries {
    path: PathBuf,
    file: File,
}

impl Entries {
    /// The bytes of an event.
    ///
    /// # Errors
    /// When the system fails.
    pub(crate) fn read(&self, place: Place) -> Result<Vec<u8>, JournalError> {
        let mut bytes = vec![0; place.length as usize];
        let read = std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut bytes, place.offset);
        read.map(|()| bytes).map_err(failed(&self.path, "reading"))
    }
}

fn place(frame: u64, event: &std::ops::Range<usize>) -> Place {
    Place { offset: frame + event.start as u64, length: u32::try_from(event.len()).unwrap_or(u32::MAX) }
}

fn with_private_mode(mut options: std::fs::OpenOptions) -> std::fs::OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the file's name durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all())
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::File { path, action, source }
}
