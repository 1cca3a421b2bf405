//! How far an export is: which entry is next, and the checkpoint under which those before were verified.

use std::io::Write as _;
use std::path::Path;

use sceau_trace::{VerifiedCheckpoint, VerifierKey};
use serde::{Deserialize, Serialize};

use super::super::log;
use crate::command::input;
use crate::command::output::{Access, Output};
use crate::failure::{Exit, Failure};

#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) next: u64,
    pub(super) checkpoint: VerifiedCheckpoint,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    v: u32,
    next: u64,
    checkpoint: String,
}

impl Position {
    /// What was kept; nothing where nothing was exported yet.
    pub(super) fn read(path: &Path, key: &VerifierKey) -> Result<Option<Self>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let label = path.display().to_string();
        let bytes = input::read_small(path, 1 << 20, "an export's position")?;
        let kept: Option<Kept> = serde_json::from_slice(&bytes).ok().filter(|kept: &Kept| kept.v == 1);
        let kept = kept.ok_or_else(|| {
            let words = format!(
                "{label}: not the position of an export; name another file, or take it away to begin anew"
            );
            Failure::new(Exit::Input, "position_malformed", words)
        })?;
        let checkpoint = log::signed(&kept.checkpoint, key, &label)?;
        if kept.next > checkpoint.size() {
            return Err(Failure::new(
                Exit::Input,
                "position_malformed",
                format!("{label}: beyond its own checkpoint"),
            ));
        }
        Ok(Some(Self { next: kept.next, checkpoint }))
    }

    /// Durable once this returns.
    pub(super) fn save(&self, path: &Path) -> Result<(), Failure> {
        let kept = Kept { v: 1, next: self.next, checkpoint: self.checkpoint.note().to_string() };
        let mut output = Output::file(path, Access::Shared, true)?;
        let written = serde_json::to_vec(&kept)
            .map_err(std::io::Error::other)
            .and_then(|bytes| output.write_all(&bytes));
        written.map_err(|cause| Failure::file("write", path, &cause))?;
        output.commit()
    }
}
