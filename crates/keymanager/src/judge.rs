//! Who judges client certificates: authorities and role names are those of the start, revocation lists those that lie in their files now.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use sceau_hsm::certificates;
use sceau_pki::{Anchors, ClientJudge, RoleNames};

use crate::error::Error;
use crate::settings::Settings;

/// Length and date of each file, by which a new one shows.
type Stamps = Vec<Option<(u64, SystemTime)>>;

/// The judge of this moment.
pub(crate) struct Judge {
    anchors: Anchors,
    names: RoleNames,
    lists: Vec<PathBuf>,
    current: RwLock<(Stamps, Arc<ClientJudge>)>,
}

impl Judge {
    /// Reads the lists that the settings name.
    pub(crate) fn open(anchors: Anchors, settings: &Settings) -> Result<Self, Error> {
        let (names, lists) = (settings.role_names.clone(), settings.client_crls.clone());
        let stamps = stamps(&lists);
        let judge = judge(&anchors, &names, &lists)?;
        Ok(Self { anchors, names, lists, current: RwLock::new((stamps, Arc::new(judge))) })
    }

    /// With the lists as they are now. One that cannot be read is no reason to forget the last one, which refuses everybody when it is over.
    pub(crate) fn now(&self) -> Arc<ClientJudge> {
        let stamps = stamps(&self.lists);
        {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if current.0 == stamps {
                return Arc::clone(&current.1);
            }
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        match judge(&self.anchors, &self.names, &self.lists) {
            Ok(judge) => current.1 = Arc::new(judge),
            Err(error) => {
                tracing::warn!(%error, "a revocation list cannot be read; the last one stays in force")
            }
        }
        current.0 = stamps;
        Arc::clone(&current.1)
    }
}

fn judge(anchors: &Anchors, names: &RoleNames, lists: &[PathBuf]) -> Result<ClientJudge, Error> {
    let judge = ClientJudge::new(anchors.clone(), names.clone());
    if lists.is_empty() {
        return Ok(judge);
    }
    Ok(judge.asking(certificates::read_revocation_lists(lists)?))
}

fn stamps(lists: &[PathBuf]) -> Stamps {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    lists.iter().map(stamp).collect()
}
