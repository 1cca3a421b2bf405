//! A standby: a state folder on another machine, mounted here, that has each batch before anybody is answered. Whoever takes it over ends the turn of whoever serves
//! in a file that is read after each batch was written there, so that of two that would serve one acknowledges nothing more. It serves from another folder, whose name
//! the one before does not know: what that one still writes or destroys is nobody's.

mod keystore;
mod lost;
mod take_over;
mod turn;

pub(crate) use take_over::take_over;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use sceau_hsm::KeyLabel;

use self::lost::Lost;
use self::turn::Turn;
use super::recover::Extent;
use super::{sync_folder, with_private_mode};

const JOURNAL: &str = "journal";
/// How much of the end of two journals is compared. Frames are chained, so that those which end alike are alike.
const COMPARED: u64 = 4 << 20;

/// Why a standby cannot be used, or a state not be served. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StandbyError {
    /// The system failed.
    #[error("the standby {path}: {action} failed: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A key cannot be copied.
    #[error("the standby's keystore cannot be kept: {0}")]
    Keystore(#[from] sceau_hsm::Error),
    /// There is no such folder, or it is not private.
    #[error(
        "the standby {0} is not there, or others may enter it: is it mounted, and was it made with mode 0700 for this user? It is not made here, so that a mount that is \
         missing is noticed"
    )]
    Absent(PathBuf),
    /// Another one serves from it, or did.
    #[error(
        "the standby {0} was taken over: it has what was acknowledged since, and this state must not serve any more. Keep this folder, and begin a new standby \
         in another one (docs/deploy/standby.md)"
    )]
    TakenOver(PathBuf),
    /// The state keeps that this came about.
    #[error(
        "the standby of {0} was taken over: another state has what was acknowledged since, and this one must not serve any more, with a standby or without. Keep this folder \
         (docs/deploy/standby.md)"
    )]
    Lost(PathBuf),
    /// It has something else.
    #[error(
        "the standby {0} has entries that this state has not: this state is an older copy, or another one. Do not start it; take the standby over instead. Only where \
         another process of this same state may have written there (its machine was restored or moved while the old one was not off) it is the standby that is wrong: \
         then begin a new one in another folder (docs/deploy/standby.md)"
    )]
    Ahead(PathBuf),
    /// Another process writes to its journal.
    #[error(
        "the standby {0} is written to by another process: its journal is not this one's any more. See that no other element has it as its standby, and begin a new \
         standby in another folder (docs/deploy/standby.md)"
    )]
    Disturbed(PathBuf),
    /// It lacks what its element had.
    #[error(
        "the standby {folder} is behind: its element had begun to bring it what it lacks, and had not ended. It has {has}; what was recorded after that is on the first \
         machine alone. Start the element there until it serves; where it is lost, sceau-element take-over --behind --state {folder} --into FOLDER goes on without \
         (docs/deploy/standby.md)"
    )]
    Behind {
        /// The folder.
        folder: PathBuf,
        /// What it has.
        has: Extent,
    },
    /// It became so while it was taken over.
    #[error(
        "the standby {folder} is behind: its element began to bring it what it lacks while it was taken over. It has {has}. That element's turn is over, and it does not \
         start any more: say take-over again, with --behind and the same --into, which goes on without what came after (docs/deploy/standby.md)"
    )]
    LeftBehind {
        /// The folder.
        folder: PathBuf,
        /// What it has.
        has: Extent,
    },
    /// There is nothing to take over.
    #[error("{0} has no journal, or is no standby: there is nothing to take over in it")]
    Nothing(PathBuf),
    /// What it is taken over into has something else.
    #[error(
        "{0} is not empty: a standby is taken over into a folder of its own. Where it was taken over into this one before, it is done: serve from it"
    )]
    Occupied(PathBuf),
    /// It was begun with another folder.
    #[error(
        "the standby {folder} is being taken over, or was, into {into}: two that serve would be two logs. Go on with that folder"
    )]
    Elsewhere {
        /// The standby.
        folder: PathBuf,
        /// The folder.
        into: PathBuf,
    },
    /// It follows another element, or is not wholly taken over.
    #[error(
        "{0} is the standby of an element that may be serving, or what such a one is being taken over into: see that the element does not serve, then sceau-element \
         take-over --state STANDBY --into FOLDER, and serve from FOLDER (docs/deploy/standby.md)"
    )]
    Follows(PathBuf),
}

impl StandbyError {
    /// Whether another one serves: starting anew changes nothing.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        matches!(self, Self::TakenOver(_) | Self::Lost(_))
    }
}

/// A standby whose turn is this process's.
#[derive(Debug)]
pub struct Claimed {
    folder: PathBuf,
    state: PathBuf,
    turn: Turn,
}

impl Claimed {
    /// The standby in `folder` of the state in `state`, from now on this process's. Before anything is decided: a state that was taken over does nothing more.
    ///
    /// # Errors
    /// [`StandbyError`].
    pub fn claim(folder: &Path, state: &Path) -> Result<Self, StandbyError> {
        let there = folder.metadata().ok().filter(std::fs::Metadata::is_dir);
        if there.is_none_or(|it| std::os::unix::fs::PermissionsExt::mode(&it.permissions()) & 0o077 != 0) {
            return Err(StandbyError::Absent(folder.to_owned()));
        }
        let (journal, own) = (folder.join(JOURNAL), state.join(JOURNAL));
        let lost = Lost::of(state)?;
        let begun = Turn::begin(folder, || {
            if !journal.exists() {
                return Ok(false);
            }
            if !is_start_of(&journal, &own)? {
                return Err(StandbyError::Ahead(folder.to_owned()));
            }
            let length = |path: &Path| path.metadata().map(|it| it.len()).map_err(failed(path, "reading"));
            Ok(length(&journal)? == length(&own)?)
        });
        if begun.is_err() && turn::is_ended(folder) {
            lost.keep();
        }
        let turn = begun?.kept_by(lost);
        Ok(Self { folder: folder.to_owned(), state: state.to_owned(), turn })
    }

    /// Brings it all that the state has: new keys first, since the journal needs them; keys that were destroyed go last.
    ///
    /// # Errors
    /// [`StandbyError`].
    pub fn catch_up(self) -> Result<Following, StandbyError> {
        let Self { folder, state, turn } = self;
        turn.is_ours_by_name()?;
        keystore::bring_all(&state, &folder)?;
        let (own, path) = (state.join(JOURNAL), folder.join(JOURNAL));
        let options = with_private_mode(File::options().append(true).create(true).clone());
        let mut journal = options.open(&path).map_err(failed(&path, "opening it"))?;
        // Once it is open, and before anything is written: whoever takes over ends the turn before the name is another journal's.
        turn.is_ours_by_name()?;
        let there = journal.metadata().map_err(failed(&path, "reading"))?.len();
        // A process that was fenced may have written a frame since the term began.
        if !is_start_of(&path, &own)? {
            return Err(StandbyError::Disturbed(folder));
        }
        let mut source = File::open(&own).map_err(failed(&own, "opening it"))?;
        source.seek(SeekFrom::Start(there)).map_err(failed(&own, "reading"))?;
        let end = there + io::copy(&mut source, &mut journal).map_err(failed(&path, "writing"))?;
        journal.sync_all().map_err(failed(&path, "syncing"))?;
        synced(&path)?;
        let following = Following { folder, state, turn, journal, end };
        following.is_undisturbed()?;
        // The copy takes minutes, in which it may have been taken over.
        following.turn.is_ours_by_name()?;
        keystore::take_all_away(&following.state, &following.folder)?;
        following.turn.is_even()?;
        following.turn.is_ours_by_name()?;
        Ok(following)
    }
}

/// A standby that has all that the state has.
#[derive(Debug)]
pub struct Following {
    folder: PathBuf,
    state: PathBuf,
    turn: Turn,
    journal: File,
    /// How long its journal is.
    end: u64,
}

impl Following {
    /// Writes a frame there too; it is on the other machine when this returns, and nobody had taken over.
    pub(super) fn append(&mut self, frame: &[u8]) -> Result<(), StandbyError> {
        let path = self.folder.join(JOURNAL);
        self.journal.write_all(frame).map_err(failed(&path, "writing"))?;
        self.journal.sync_data().map_err(failed(&path, "syncing"))?;
        self.end += frame.len() as u64;
        self.turn.is_ours()?;
        self.is_undisturbed()
    }

    /// Nobody else wrote to its journal: what this process wrote is where it ends. By what is open: a process that is confined opens nothing.
    fn is_undisturbed(&self) -> Result<(), StandbyError> {
        let path = self.folder.join(JOURNAL);
        let found =
            rustix::fs::fstat(&self.journal).map_err(|error| failed(&path, "reading")(error.into()))?;
        if u64::try_from(found.st_size) == Ok(self.end) {
            Ok(())
        } else {
            Err(StandbyError::Disturbed(self.folder.clone()))
        }
    }

    /// Brings it a key that was made since.
    pub(super) fn bring_key(&self, label: &KeyLabel) -> Result<(), StandbyError> {
        self.turn.is_ours_by_name()?;
        keystore::bring_one(&self.state, &self.folder, label)
    }

    /// Destroys there what was destroyed here since, and the journal says so; what else was made since is brought.
    pub(super) fn take_keys_away(&self) -> Result<(), StandbyError> {
        self.turn.is_ours_by_name()?;
        keystore::bring_all(&self.state, &self.folder)?;
        self.turn.is_ours_by_name()?;
        keystore::take_all_away(&self.state, &self.folder)
    }
}

/// Refuses a state that is another element's standby, or whose own was taken over.
///
/// # Errors
/// [`StandbyError::Follows`]; [`StandbyError::Lost`].
pub(crate) fn refuse_standby(state: &Path) -> Result<(), StandbyError> {
    lost::refuse(state)?;
    if turn::is_standby(state) { Err(StandbyError::Follows(state.to_owned())) } else { Ok(()) }
}

/// Whether a journal is the first part of another, or all of it.
fn is_start_of(part: &Path, whole: &Path) -> Result<bool, StandbyError> {
    let open = |path: &Path| File::open(path).map_err(failed(path, "opening it"));
    let length =
        |file: &File, path: &Path| file.metadata().map(|it| it.len()).map_err(failed(path, "reading"));
    if !whole.exists() {
        return Ok(false);
    }
    let (first, second) = (open(part)?, open(whole)?);
    let end = length(&first, part)?;
    if length(&second, whole)? < end {
        return Ok(false);
    }
    let from = end.saturating_sub(COMPARED);
    let rest = |mut file: File, path: &Path| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(failed(path, "reading"))?;
        file.take(end - from).read_to_end(&mut bytes).map_err(failed(path, "reading"))?;
        Ok::<_, StandbyError>(bytes)
    };
    Ok(rest(first, part)? == rest(second, whole)?)
}

/// Makes the file's name durable.
fn synced(path: &Path) -> Result<(), StandbyError> {
    sync_folder(path).map_err(failed(path, "syncing"))
}

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> StandbyError {
    let path = path.to_owned();
    move |source| StandbyError::File { path, action, source }
}
