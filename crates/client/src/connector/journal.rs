//! What a connector has done, in a file of its own: one JSON line for each step, appended and synced before the next step is taken.
//!
//! A last line without its end was never acknowledged to anybody: it is cut off. Damage anywhere else is not a torn write, and the journal
//! is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::folder::sync_folder;
use super::receiver::Delivery;

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
    file: File,
    standing: Standing,
}

/// What is received, and what is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last position of the feed that was received.
    pub position: u64,
    /// Entries that are not finished, by position.
    pub open: BTreeMap<u64, Delivery>,
    /// Folders that are complete and may not have been renamed, by entry.
    pub handing: BTreeMap<String, String>,
    /// Entries that were put aside, with the reason.
    pub aside: BTreeMap<u64, (Delivery, Aside)>,
    /// What was decided, by folder and content.
    pub decided: BTreeSet<(String, String)>,
}

impl Journal {
    /// Opens the journal of a folder, made if it is not there; nobody else may have it open.
    ///
    /// # Errors
    /// What the system says; [`ErrorKind::InvalidData`] when a line in the middle is none; [`ErrorKind::WouldBlock`] when another process has it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("journal");
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        file.try_lock()
            .map_err(|_| Error::new(ErrorKind::WouldBlock, "another connector has this journal open"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut standing = Standing::default();
        for line in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                standing.take(serde_json::from_slice(line).map_err(|error| {
                    Error::new(ErrorKind::InvalidData, format!("{}: {error}", path.display()))
                })?);
            }
        }
        file.set_len(whole as u64)?;
        file.seek(SeekFrom::End(0))?;
        file.sync_all()?;
        sync_folder(folder)?;
        Ok(Self { file, standing })
    }

    /// What it says.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Appends steps; when this returns they are on disk.
    pub(super) fn append(&mut self, steps: &[Step]) -> Result<(), Error> {
        let mut lines = Vec::new();
        for step in steps {
            serde_json::to_writer(&mut lines, step)?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines)?;
        self.file.sync_data()?;
        for step in steps {
            self.standing.take(step.clone());
        }
        Ok(())
    }

    /// Has everything that was put aside tried again; returns how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn retry_all(&mut self) -> Result<usize, Error> {
        let steps: Vec<Step> = self
            .standing
            .aside
            .values()
            .map(|(delivery, _)| Step::Again { id: delivery.id.clone() })
            .collect();
        self.append(&steps)?;
        Ok(steps.len())
    }
}

impl Standing {
    fn take(&mut self, step: Step) {
        match step {
            Step::Received { delivery } => {
                if delivery.position > self.position {
                    self.position = delivery.position;
                    self.open.insert(delivery.position, delivery);
                }
            }
            Step::Handing { id, folder } => {
                self.handing.insert(id, folder);
            }
            Step::Done { id } => {
                self.open.retain(|_, delivery| delivery.id != id);
                self.handing.remove(&id);
            }
            Step::Aside(aside) => {
                let found = self.open.iter().find(|(_, delivery)| delivery.id == aside.id);
                if let Some((position, delivery)) = found.map(|(at, delivery)| (*at, delivery.clone())) {
                    self.open.remove(&position);
                    self.aside.insert(position, (delivery, aside));
                }
            }
            Step::Again { id } => {
                let found = self.aside.iter().find(|(_, (delivery, _))| delivery.id == id);
                if let Some(position) = found.map(|(position, _)| *position)
                    && let Some((delivery, _)) = self.aside.remove(&position)
                {
                    self.open.insert(position, delivery);
                }
            }
            Step::Decided { folder, found } => {
                self.decided.insert((folder, found));
            }
        }
    }
}
