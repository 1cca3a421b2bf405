//! What a state keeps of it that its turn is over: a start without the standby would not see that there.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::{StandbyError, failed, synced};
use crate::journal::with_private_mode;

/// In the state's own folder; empty while its turn is its own.
const LOST: &str = "turn-over";

/// That file, open since before the process is confined.
#[derive(Debug)]
pub(super) struct Lost(File);

impl Lost {
    pub(super) fn of(state: &Path) -> Result<Self, StandbyError> {
        let path = state.join(LOST);
        let options = with_private_mode(File::options().write(true).create(true).truncate(false).clone());
        let file = options.open(&path).map_err(failed(&path, "opening it"))?;
        synced(&path)?;
        Ok(Self(file))
    }

    /// Keeps that the turn is over for good. The process ends by that, so that what fails here is told alone.
    pub(super) fn keep(&self) {
        if let Err(error) = self.0.write_all_at(b"1", 0).and_then(|()| self.0.sync_all()) {
            tracing::error!(%error, "the state cannot keep that its turn is over: do not start it without its standby");
        }
    }
}

/// Refuses a state that keeps that its turn is over.
pub(super) fn refuse(state: &Path) -> Result<(), StandbyError> {
    match state.join(LOST).metadata() {
        Ok(found) if found.len() > 0 => Err(StandbyError::Lost(state.to_owned())),
        Ok(_) | Err(_) => Ok(()),
    }
}
