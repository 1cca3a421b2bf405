//! What was published, as it is kept: an id for each version, and who took it when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Letter, MobSettings};
use crate::transit::NamedKey;

/// The publications, by version.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Publication {
    versions: BTreeMap<u32, Published>,
}

/// One version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Published {
    /// As MOB keeps it with each document: a random UUID, another for each version.
    pub(super) id: String,
    /// The funders that it was queued for, and when MOB took it.
    pub(super) funders: BTreeMap<String, Option<u64>>,
    /// What MOB answered last where it refused: recorded once.
    #[serde(default)]
    pub(super) refused: Option<u16>,
}

impl Publication {
    pub(super) fn of(&self, version: u32) -> Option<&Published> {
        self.versions.get(&version)
    }

    pub(super) fn of_mut(&mut self, version: u32) -> Option<&mut Published> {
        self.versions.get_mut(&version)
    }

    /// Queues the latest version for the funders that it was not queued for, and says for which.
    pub(super) fn queue(&mut self, key: &NamedKey, settings: &MobSettings) -> Vec<Letter> {
        let version = key.latest;
        let published = self.versions.entry(version).or_default();
        if published.id.is_empty() {
            published.id = uuid::Uuid::new_v4().to_string();
        }
        let fresh: Vec<String> =
            settings.funders.iter().filter(|id| !published.funders.contains_key(*id)).cloned().collect();
        for funder in &fresh {
            published.funders.insert(funder.clone(), None);
        }
        fresh.into_iter().map(|funder| Letter { version, funder }).collect()
    }
}

/// Until when documents may need a version that was made then.
pub(super) fn needed_until(settings: &MobSettings, made: u64) -> u64 {
    settings.expiry(made).saturating_add(settings.retention_ms)
}
