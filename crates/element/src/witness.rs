//! The floor: the element does not start behind, or beside, what its witnesses remember.

use std::path::{Path, PathBuf};

use sceau_trace::{CheckpointError, HashReader, SignedCheckpoint, VerifierKey, root_at};

/// The line that stands between two notes of a witness file.
const SEPARATOR: &str = "---";

/// Why the element does not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WitnessError {
    /// The file cannot be read.
    #[error(
        "the witnesses' checkpoints {path} cannot be read ({source}): correct --witness-file, or leave it out knowingly"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A note in it is not a checkpoint of this log.
    #[error(
        "checkpoint {number} of {path} is not one of this log ({source}): is it the right state folder, keystore and --origin?"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Which note, from 1.
        number: usize,
        /// Why.
        source: CheckpointError,
    },
    /// The log is shorter than what a witness saw.
    #[error(
        "this state has {own} entries, but a witness (checkpoint {number} of {path}) saw {seen}: it is an old copy. Do not start \
         from it: what was acknowledged since would be lost. Bring the latest state folder back; there is \
         no way yet to go on without it (docs/operate.md, Back up)"
    )]
    Behind {
        /// The file.
        path: PathBuf,
        /// Which note, from 1.
        number: usize,
        /// Entries here.
        own: u64,
        /// Entries that the witness saw.
        seen: u64,
    },
    /// The log is another one than what a witness saw.
    #[error(
        "the first {seen} entries of this state are not those that a witness saw (checkpoint {number} of {path}): the log was \
         forked or altered. Keep both, start neither, and compare them with the witness's copy"
    )]
    Forked {
        /// The file.
        path: PathBuf,
        /// Which note, from 1.
        number: usize,
        /// Entries that the witness saw.
        seen: u64,
    },
}

/// Checks a recovered log of `size` entries against the witnesses' file: signed checkpoints of this log, one or more,
/// with a line `---` between two. Returns how many entries they remember at the most: so many are of no copy's own.
///
/// # Errors
/// [`WitnessError`].
pub fn check_floor(
    path: &Path,
    key: &VerifierKey,
    size: u64,
    tree: &dyn HashReader,
) -> Result<u64, WitnessError> {
    let mut most = 0;
    let text = std::fs::read_to_string(path)
        .map_err(|source| WitnessError::File { path: path.to_owned(), source })?;
    for (position, note) in notes(&text).enumerate() {
        let number = position + 1;
        let foreign = |source| WitnessError::Foreign { path: path.to_owned(), number, source };
        let seen = SignedCheckpoint::parse(&note).and_then(|note| note.verify(key)).map_err(foreign)?;
        if seen.size() > size {
            return Err(WitnessError::Behind { path: path.to_owned(), number, own: size, seen: seen.size() });
        }
        let own = root_at(seen.size(), tree);
        if own.ok() != Some(seen.root()) {
            return Err(WitnessError::Forked { path: path.to_owned(), number, seen: seen.size() });
        }
        most = most.max(seen.size());
    }
    Ok(most)
}

fn notes(text: &str) -> impl Iterator<Item = String> + '_ {
    let separator = format!("\n{SEPARATOR}\n");
    let notes: Vec<String> = text.split(&separator).map(|note| format!("{}\n", note.trim_end())).collect();
    notes.into_iter().filter(|note| !note.trim().is_empty())
}
