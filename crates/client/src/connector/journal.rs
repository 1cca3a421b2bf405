//! What a connector has done, in a file of its own: one JSON line for each step, appended and synced before the next step is taken.
//!
//! A last line without its end was never acknowledged to anybody: it is cut off. Damage anywhere else is not a torn write, and the journal
//! is refused. A journal that has grown to twice what it says is written anew as what it says, beside, and takes its own place by a rename.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sceau_element_api::DossierId;
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::feed::Delivery;
use super::folder::sync_folder;
use super::standing::Standing;
use crate::lock::Lock;

/// Names in the folder of the journal.
const JOURNAL: &str = "journal";
const ANEW: &str = "journal.new";
/// A journal is not written anew below this size, in bytes.
const SMALL: u64 = 1 << 20;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    /// The entry was received: from now on it is ours to finish.
    Received {
        /// The entry.
        delivery: Delivery,
    },
    /// A folder is complete aside, and will be renamed.
    Handing {
        /// Of which entry.
        id: String,
        /// Name of the folder.
        folder: String,
    },
    /// What a depositor sent is with the organisation's system: another entry about the same manifest is not handed over.
    Settled {
        /// The hash of the manifest, which names its dossier.
        manifest: Hash,
    },
    /// What a depositor sent was not handed over: the platform shows another manifest of the dossier in its place.
    Replaced {
        /// The hash of the manifest that was sent.
        manifest: Hash,
        /// Where the log has the one that was shown.
        by: u64,
    },
    /// The entry is finished.
    Done {
        /// Which.
        id: String,
    },
    /// The entry is put aside, until a person says that it be tried again.
    Aside(Aside),
    /// A person said so.
    Again {
        /// Which.
        id: String,
    },
    /// What was found to be decided in a folder is finished, whatever became of it.
    Decided {
        /// Name of the folder.
        folder: String,
        /// SHA-256 of what was found, hexadecimal.
        found: String,
    },
    /// What was decided in the folder counts no more: it is gone, or a person said that what was refused there be tried again.
    Gone {
        /// Its name.
        folder: String,
    },
    /// A decision on a dossier came through the feed, proven.
    Heard {
        /// The dossier.
        dossier: DossierId,
        /// Where the log has it.
        log_index: u64,
    },
    /// From where in the log decisions are missed that the feed does not give: what was decided before this connector first looked is not.
    Heeding {
        /// Log index.
        after: u64,
    },
    /// The first line of a journal that was written anew: up to where the feed was received.
    Through {
        /// The position.
        position: u64,
    },
}

/// An entry that was put aside, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// The entry.
    pub id: String,
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// The journal, and what it says.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Locked as long as this has the journal; not the journal itself, whose file is replaced.
    _lock: Lock,
    file: File,
    /// Bytes of the file, and those at which it is written anew.
    size: u64,
    limit: u64,
    standing: Standing,
}

impl Journal {
    /// Opens the journal of a folder, made if it is not there; nobody else may have it open.
    ///
    /// # Errors
    /// What the system says; [`ErrorKind::InvalidData`] when a line in the middle is none; [`ErrorKind::WouldBlock`] when another process has it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let options = |create| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(create).truncate(false).mode(0o600);
            options
        };
        let lock = Lock::take(&folder.join("lock"))?
            .ok_or_else(|| Error::new(ErrorKind::WouldBlock, "another connector has this journal open"))?;
        // Of a stop in the middle: the journal itself is still what counts.
        match std::fs::remove_file(folder.join(ANEW)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let path = folder.join(JOURNAL);
        let mut file = options(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let (standing, whole) = Standing::read(&bytes)
            .map_err(|error| Error::new(ErrorKind::InvalidData, format!("{}: {error}", path.display())))?;
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        sync_folder(folder)?;
        let mut journal =
            Self { folder: folder.to_owned(), _lock: lock, file, size: whole, limit: SMALL, standing };
        journal.shorten()?;
        Ok(journal)
    }

    /// What it says.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Appends steps; when this returns they are on disk.
    pub(super) fn append(&mut self, steps: &[Step]) -> Result<(), Error> {
        let bytes = lines(steps)?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.size += bytes.len() as u64;
        for step in steps {
            self.standing.take(step.clone());
        }
        self.shorten()
    }

    /// Has everything that was put aside tried again; returns how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn retry_all(&mut self) -> Result<usize, Error> {
        let aside = self.standing.aside.values();
        let steps: Vec<Step> = aside.map(|(delivery, _)| Step::Again { id: delivery.id.clone() }).collect();
        self.append(&steps)?;
        Ok(steps.len())
    }

    /// Writes the journal anew where it has grown past its limit.
    fn shorten(&mut self) -> Result<(), Error> {
        if self.size <= self.limit {
            return Ok(());
        }
        let bytes = lines(&self.standing.steps())?;
        let path = self.folder.join(ANEW);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&path, self.folder.join(JOURNAL))?;
        sync_folder(&self.folder)?;
        self.file = file;
        self.size = bytes.len() as u64;
        self.limit = SMALL.max(2 * self.size);
        Ok(())
    }
}

pub(super) fn lines(steps: &[Step]) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    for step in steps {
        serde_json::to_writer(&mut lines, step)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::super::feed::tests::entry;
    use super::*;

    fn finished(journal: &mut Journal, positions: std::ops::Range<u64>) {
        let steps = positions.flat_map(|position| {
            let delivery = entry(position);
            let (id, folder) = (delivery.id.clone(), delivery.name());
            let manifest = delivery.manifest_hash;
            let handing = Step::Handing { id: id.clone(), folder };
            [Step::Received { delivery }, handing, Step::Settled { manifest }, Step::Done { id }]
        });
        journal.append(&steps.collect::<Vec<_>>()).unwrap();
    }

    #[test]
    fn it_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        let (mut largest, mut shortened) = (0, 0);
        for position in (1..4_000).step_by(50) {
            let before = journal.size;
            finished(&mut journal, position..(position + 50).min(4_001));
            largest = largest.max(journal.size);
            shortened += u32::from(journal.size < before);
        }
        let aside = entry(4_001);
        let reason = Aside { id: aside.id.clone(), code: "infected".to_owned(), detail: "x".to_owned() };
        let open = entry(4_002);
        let received = [aside, open.clone()].map(|delivery| Step::Received { delivery });
        journal.append(&received).unwrap();
        journal
            .append(&[Step::Aside(reason), Step::Handing { id: open.id, folder: "f".to_owned() }])
            .unwrap();
        journal.append(&[Step::Replaced { manifest: entry(4_003).manifest_hash, by: 9 }]).unwrap();
        let heard = [7, 5].map(|log_index| Step::Heard { dossier: DossierId::random(), log_index });
        journal.append(&heard).unwrap();
        let decided = Step::Decided { folder: "f".to_owned(), found: "00".to_owned() };
        journal.append(&[decided, Step::Heeding { after: 3 }]).unwrap();
        let said = journal.standing.clone();
        assert!(shortened >= 1, "it was written anew");
        assert!(largest < 2 * SMALL, "{largest}: 4,000 dossiers are about 3 MB of steps");
        journal.limit = 0;
        journal.shorten().unwrap();
        assert_eq!(journal.size, std::fs::metadata(folder.path().join(JOURNAL)).unwrap().len());
        drop(journal);
        let again = Journal::open(folder.path()).unwrap();
        assert_eq!(again.standing, said);
        assert_eq!((again.standing.position, again.standing.settled.len()), (4_002, 4_000));
    }

    #[test]
    fn a_stop_while_it_is_written_anew_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        finished(&mut journal, 1..2);
        let said = journal.standing.clone();
        drop(journal);
        std::fs::write(folder.path().join(ANEW), b"{\"step\":\"through\",\"posi").unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap().standing, said);
        assert!(!folder.path().join(ANEW).exists());
    }

    #[test]
    fn a_torn_line_is_cut_and_any_other_damage_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(JOURNAL);
        let mut journal = Journal::open(folder.path()).unwrap();
        finished(&mut journal, 1..2);
        let said = journal.standing.clone();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"step\":\"done\",\"id\":\"e"].concat()).unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap().standing, said);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        std::fs::write(&path, &whole[1..]).unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn one_process_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let _journal = Journal::open(folder.path()).unwrap();
        assert_eq!(Journal::open(folder.path()).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
