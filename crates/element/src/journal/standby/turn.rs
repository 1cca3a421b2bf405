//! Whose turn it is: a file in the standby's folder, that whoever serves writes its term into and reads before anybody is answered. Who takes over first gives it
//! another name, then ends the term in it. So whoever wrote its term before that finds it ended, and whoever wrote it after finds no such file: no order of the two
//! leaves both of them serving.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::super::recover::extent;
use super::lost::Lost;
use super::take_over::path_of;
use super::{JOURNAL, StandbyError, failed, synced};
use crate::journal::with_private_mode;

/// The file that makes a folder a standby's.
const TURN: &str = "standby";
/// What it is called once the folder is being taken over, for good.
pub(super) const ENDED: &str = "taken-over";
/// Octets of a term.
const TERM: usize = 32;
/// Where in the file, once it is over, the path is of what serves instead: after the term and its mark.
const INTO: u64 = TERM as u64 + 1;
/// In place of one that is over.
const OVER: [u8; TERM] = [b'0'; TERM];
/// After a term: the standby has not yet all that the state had when the term began.
const BEHIND: u8 = b'<';
/// It has.
const EVEN: u8 = b'=';

/// The turn of whoever serves.
#[derive(Debug)]
pub(super) struct Turn {
    folder: PathBuf,
    file: File,
    term: [u8; TERM],
    /// Where the state keeps that it is over.
    lost: Option<Lost>,
}

impl Turn {
    /// Begins a term, once `judge` has looked at what is there: whether the standby's journal is the state's, so that what the file said of it is so still.
    pub(super) fn begin(
        folder: &Path,
        judge: impl FnOnce() -> Result<bool, StandbyError>,
    ) -> Result<Self, StandbyError> {
        let (path, taken) = (folder.join(TURN), || StandbyError::TakenOver(folder.to_owned()));
        if folder.join(ENDED).exists() {
            return Err(taken());
        }
        // Where there is a journal, the file was there too, unless somebody took over.
        let mut options = File::options();
        options.read(true).write(true).create(!folder.join(JOURNAL).exists()).truncate(false);
        let file = match with_private_mode(options).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(taken()),
            opened => opened.map_err(failed(&path, "opening it"))?,
        };
        let mut found = Vec::new();
        (&file).take(TERM as u64 + 1).read_to_end(&mut found).map_err(failed(&path, "reading"))?;
        if found.starts_with(&OVER) {
            return Err(taken());
        }
        let mark = if judge()? && found.get(TERM) == Some(&EVEN) { EVEN } else { BEHIND };
        let mut term = [0; TERM];
        let drawn = sceau_crypto::random::<{ TERM / 2 }>().map(|octet| format!("{octet:02x}")).concat();
        term.copy_from_slice(drawn.as_bytes());
        let written =
            file.write_all_at(&[term.as_slice(), &[mark]].concat(), 0).and_then(|()| file.sync_all());
        written.map_err(failed(&path, "writing"))?;
        let turn = Self { folder: folder.to_owned(), file, term, lost: None };
        turn.is_ours_by_name().map(|()| turn)
    }

    /// The same, and the state keeps it once somebody took over.
    pub(super) fn kept_by(self, lost: Lost) -> Self {
        Self { lost: Some(lost), ..self }
    }

    /// It is another's by now. Where that one began a term as this one did, it has the same state, which keeps nothing of it.
    fn is_over(&self, for_good: bool) -> StandbyError {
        if let Some(lost) = self.lost.as_ref().filter(|_| for_good) {
            lost.keep();
        }
        StandbyError::TakenOver(self.folder.clone())
    }

    /// Says that the standby has all.
    pub(super) fn is_even(&self) -> Result<(), StandbyError> {
        let written = self.file.write_all_at(&[EVEN], TERM as u64).and_then(|()| self.file.sync_all());
        written.map_err(failed(&self.folder.join(TURN), "writing"))
    }

    /// Nobody had taken over. By what is open: a process that is confined opens nothing.
    pub(super) fn is_ours(&self) -> Result<(), StandbyError> {
        let path = self.folder.join(TURN);
        let mut found = [0; TERM];
        self.file.read_exact_at(&mut found, 0).map_err(failed(&path, "reading"))?;
        let links = rustix::fs::fstat(&self.file).map_err(|error| failed(&path, "reading")(error.into()))?;
        if found != self.term || links.st_nlink == 0 {
            return Err(self.is_over(found == OVER));
        }
        Ok(())
    }

    /// The same, and the file has its name still.
    pub(super) fn is_ours_by_name(&self) -> Result<(), StandbyError> {
        let path = self.folder.join(TURN);
        let identity = |it: std::fs::Metadata| (it.dev(), it.ino());
        let named = match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some(identity(found.map_err(failed(&path, "reading"))?)),
        };
        let open = self.file.metadata().map(identity).map_err(failed(&path, "reading"))?;
        if named != Some(open) {
            return Err(self.is_over(is_ended(&self.folder)));
        }
        self.is_ours()
    }
}

/// Whether whoever takes over ended the turn in the folder.
pub(super) fn is_ended(folder: &Path) -> bool {
    folder.join(ENDED).exists()
}

/// Whether the folder is a standby's, or one that is being taken over.
pub(super) fn is_standby(folder: &Path) -> bool {
    folder.join(TURN).exists() || folder.join(ENDED).exists()
}

/// Ends the term of whoever served, for good, and writes down `into` which folder it is taken over. Nothing is changed where there is no journal, where the standby is
/// behind at the first look, or where it was taken over into another folder.
pub(super) fn end(folder: &Path, even_behind: bool, into: &Path) -> Result<(), StandbyError> {
    let (turn, ended, journal) = (folder.join(TURN), folder.join(ENDED), folder.join(JOURNAL));
    let is_behind = |path: &Path| {
        let found = std::fs::read(path).map_err(failed(path, "looking whether it is one"))?;
        Ok::<_, StandbyError>(!even_behind && found.get(TERM) != Some(&EVEN))
    };
    let has = || extent(&journal);
    match ended_for(folder)? {
        Some(before) if before != into => {
            return Err(StandbyError::Elsewhere { folder: folder.to_owned(), into: before });
        }
        _ if !is_standby(folder) || !journal.exists() => {
            return Err(StandbyError::Nothing(folder.to_owned()));
        }
        _ => {}
    }
    if !ended.exists() {
        if is_behind(&turn)? {
            return Err(StandbyError::Behind { folder: folder.to_owned(), has: has() });
        }
        std::fs::rename(&turn, &ended).map_err(failed(&turn, "renaming it"))?;
        synced(&ended)?;
    }
    let file = File::options().write(true).open(&ended).map_err(failed(&ended, "opening it"))?;
    let written = file.write_all_at(&OVER, 0).and_then(|()| file.sync_all());
    written.map_err(failed(&ended, "writing"))?;
    // Who served may have begun a term after the first look.
    if is_behind(&ended)? {
        return Err(StandbyError::LeftBehind { folder: folder.to_owned(), has: has() });
    }
    let written = file.write_all_at(into.as_os_str().as_bytes(), INTO).and_then(|()| file.sync_all());
    written.map_err(failed(&ended, "writing"))
}

/// Into which folder it is being taken over, or was; none where that has not begun.
pub(super) fn ended_for(folder: &Path) -> Result<Option<PathBuf>, StandbyError> {
    let ended = folder.join(ENDED);
    match std::fs::read(&ended) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => {
            let found = found.map_err(failed(&ended, "reading"))?;
            Ok(found.get(TERM + 1..).filter(|into| !into.is_empty()).map(path_of))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        drop(Turn::begin(folder.path(), || Ok(false)).unwrap());
        std::fs::write(folder.path().join(JOURNAL), b"a journal").unwrap();
        folder
    }

    const INTO_THIS: &str = "/elsewhere";

    fn is_taken<T>(result: Result<T, StandbyError>) -> bool {
        matches!(result, Err(StandbyError::TakenOver(_)))
    }

    #[test]
    fn no_term_begins_while_a_standby_is_taken_over_nor_after() {
        let folder = folder();
        let path = folder.path();
        let before = Turn::begin(path, || Ok(false)).unwrap();
        // It is taken over after whoever starts looked, and before it writes its term.
        assert!(is_taken(Turn::begin(path, || end(path, true, INTO_THIS.as_ref()).map(|()| false))));
        assert!(is_taken(before.is_ours()), "the term that was is over");
        assert!(is_taken(Turn::begin(path, || Ok(false))), "it is under way, or was interrupted");
        end(path, true, INTO_THIS.as_ref()).unwrap();
        assert!(is_taken(before.is_ours()), "taken up again");
        assert_eq!(ended_for(path).unwrap().unwrap(), Path::new(INTO_THIS));
        std::fs::remove_file(path.join(ENDED)).unwrap();
        assert!(is_taken(Turn::begin(path, || Ok(false))), "nobody begins where somebody took over");
    }

    #[test]
    fn a_term_is_over_whatever_its_file_has_once_that_has_no_name() {
        let folder = folder();
        let turn = Turn::begin(folder.path(), || Ok(false)).unwrap();
        let (named, other) = (folder.path().join(TURN), folder.path().join("other"));
        std::fs::rename(&named, &other).unwrap();
        std::fs::copy(&other, &named).unwrap();
        turn.is_ours().unwrap();
        assert!(is_taken(turn.is_ours_by_name()), "another file of that name");
        std::fs::remove_file(other).unwrap();
        assert!(is_taken(turn.is_ours()));
    }

    #[test]
    fn what_is_behind_is_taken_over_where_that_is_said_alone() {
        let folder = folder();
        let path = folder.path();
        let end = |even_behind| end(path, even_behind, INTO_THIS.as_ref());
        assert!(matches!(end(false), Err(StandbyError::Behind { .. })));
        let turn = Turn::begin(path, || Ok(false)).unwrap();
        turn.is_even().unwrap();
        drop(Turn::begin(path, || Ok(true)).unwrap());
        assert!(is_standby(path) && !path.join(ENDED).exists(), "a refusal changes nothing");
        end(false).unwrap();
    }

    #[test]
    fn what_is_behind_only_once_its_turn_ended_is_said_to_be_so() {
        let folder = folder();
        let path = folder.path();
        // A start wrote its term, of a standby that is behind, between the two looks.
        std::fs::rename(path.join(TURN), path.join(ENDED)).unwrap();
        let end = |even_behind| end(path, even_behind, INTO_THIS.as_ref());
        assert!(matches!(end(false), Err(StandbyError::LeftBehind { .. })));
        assert_eq!(ended_for(path).unwrap(), None);
        end(true).unwrap();
    }

    #[test]
    fn where_there_is_no_journal_nothing_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        drop(Turn::begin(folder.path(), || Ok(false)).unwrap());
        let ended = end(folder.path(), true, INTO_THIS.as_ref());
        assert!(matches!(ended, Err(StandbyError::Nothing(_))));
        assert!(folder.path().join(TURN).exists());
    }
}
