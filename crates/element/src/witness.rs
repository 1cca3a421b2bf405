//! The floor: the element does not start behind, or beside, what its witnesses remember.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sceau_trace::{
    CheckpointError, HashReader, Policy, PolicySyntax, SignedCheckpoint, VerifierKey, root_at,
};

/// The line that stands between two notes of a witness file.
const SEPARATOR: &str = "---";
/// The longest witness file, in bytes.
const LONGEST: u64 = 1024 * 1024;

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
    /// The policy cannot be read.
    #[error("the policy {path} cannot be read ({source}): correct --witness-policy")]
    PolicyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no policy.
    #[error("{path} is no policy ({source}): correct --witness-policy (docs/witnesses.md)")]
    PolicySyntax {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        source: PolicySyntax,
    },
    /// It is of other logs.
    #[error("the policy {path} names other logs than this one, {log}: correct --witness-policy")]
    PolicyOfOthers {
        /// The file.
        path: PathBuf,
        /// This log's key.
        log: String,
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

/// What the element is given of witnesses: the file with their checkpoints, which need not be believed, and who must have cosigned one of them for it to be.
#[derive(Debug)]
pub struct Witnesses {
    path: PathBuf,
    policy: Option<Policy>,
}

impl Witnesses {
    /// Those of this log, whose key this is.
    ///
    /// # Errors
    /// A policy that cannot be read, is none, or is of other logs.
    pub fn of(path: &Path, policy: Option<&Path>, key: &VerifierKey) -> Result<Self, WitnessError> {
        let policy = policy.map(|policy| policy_of(policy, key)).transpose()?;
        Ok(Self { path: path.to_owned(), policy })
    }

    /// Checks a recovered log of `size` entries against the file: signed checkpoints of this log, one or more, with a line `---` between two. All of them are its
    /// floor. Returns how many entries those remember at the most that meet the policy: so many are of no copy's own. Without a policy, none.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn check_floor(
        &self,
        key: &VerifierKey,
        size: u64,
        tree: &dyn HashReader,
    ) -> Result<u64, WitnessError> {
        let (path, mut most) = (&self.path, 0);
        let text = read(path).map_err(|source| WitnessError::File { path: path.clone(), source })?;
        for (position, note) in notes(&text).enumerate() {
            let number = position + 1;
            let foreign = |source| WitnessError::Foreign { path: path.clone(), number, source };
            let seen = SignedCheckpoint::parse(&note).and_then(|note| note.verify(key)).map_err(foreign)?;
            if seen.size() > size {
                return Err(WitnessError::Behind {
                    path: path.clone(),
                    number,
                    own: size,
                    seen: seen.size(),
                });
            }
            let own = root_at(seen.size(), tree);
            if own.ok() != Some(seen.root()) {
                return Err(WitnessError::Forked { path: path.clone(), number, seen: seen.size() });
            }
            match self.policy.as_ref().map(|policy| policy.judge(&seen)) {
                Some(Ok(_)) => most = most.max(seen.size()),
                Some(Err(error)) => {
                    tracing::warn!(
                        number,
                        "a checkpoint of --witness-file does not meet --witness-policy, and no key is destroyed on its word: {error}"
                    );
                }
                None => {}
            }
        }
        Ok(most)
    }
}

fn policy_of(path: &Path, key: &VerifierKey) -> Result<Policy, WitnessError> {
    let path = path.to_owned();
    let text = match read(&path) {
        Ok(text) => text,
        Err(source) => return Err(WitnessError::PolicyFile { path, source }),
    };
    match Policy::parse(&text) {
        Err(source) => Err(WitnessError::PolicySyntax { path, source }),
        Ok(policy) if !policy.speaks_of(key) => {
            Err(WitnessError::PolicyOfOthers { path, log: key.to_string() })
        }
        Ok(policy) => Ok(policy),
    }
}

/// Reads the file, which another writes than the element: a pipe, a device, a link or a file without end keeps no start waiting.
fn read(path: &Path) -> io::Result<String> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = flags.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB"));
    }
    Ok(text)
}

fn notes(text: &str) -> impl Iterator<Item = String> + '_ {
    let separator = format!("\n{SEPARATOR}\n");
    let notes: Vec<String> = text.split(&separator).map(|note| format!("{}\n", note.trim_end())).collect();
    notes.into_iter().filter(|note| !note.trim().is_empty())
}
