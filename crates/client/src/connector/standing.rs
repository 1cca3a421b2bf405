//! What the journal of a connector comes to.

use std::collections::{BTreeMap, BTreeSet};

use sceau_trace::Hash;

use super::feed::Delivery;
use super::journal::{Aside, Step};

/// What is received, and what is finished.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last position of the feed that was received.
    pub position: u64,
    /// Entries that are not finished, by position.
    pub open: BTreeMap<u64, Delivery>,
    /// Folders that are complete and may not have been renamed, by entry.
    pub handing: BTreeMap<String, String>,
    /// Manifests of which nothing is handed over any more.
    pub settled: BTreeSet<Hash>,
    /// Entries that were put aside, with the reason.
    pub aside: BTreeMap<u64, (Delivery, Aside)>,
    /// What was decided, by folder and content.
    pub decided: BTreeSet<(String, String)>,
    /// Where the entries that are open or aside are, by id.
    places: BTreeMap<String, u64>,
}

impl Standing {
    /// What the lines of a journal say, and how many bytes of it are whole lines.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, u64), serde_json::Error> {
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut standing = Self::default();
        for line in bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                standing.take(serde_json::from_slice(line)?);
            }
        }
        Ok((standing, whole as u64))
    }

    /// The fewest steps that say the same.
    pub(super) fn steps(&self) -> Vec<Step> {
        // In the feed's order: `Received` goes up.
        let mut received: Vec<&Delivery> = self.open.values().chain(self.put_aside()).collect();
        received.sort_by_key(|delivery| delivery.position);
        let received = received.into_iter().map(|delivery| Step::Received { delivery: delivery.clone() });
        let reasons = self.aside.values().map(|(_, aside)| Step::Aside(aside.clone()));
        let handing = self.handing.iter();
        let handing = handing.map(|(id, folder)| Step::Handing { id: id.clone(), folder: folder.clone() });
        let settled = self.settled.iter().map(|manifest| Step::Settled { manifest: *manifest });
        let decided = self.decided.iter();
        let decided =
            decided.map(|(folder, found)| Step::Decided { folder: folder.clone(), found: found.clone() });
        let through = Step::Through { position: self.position };
        received.chain([through]).chain(handing).chain(reasons).chain(settled).chain(decided).collect()
    }

    /// Whether an entry of this id is not finished.
    pub(super) fn has_entry(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// Whether something of a manifest is received, whatever became of it.
    pub(super) fn knows(&self, manifest: &Hash) -> bool {
        let mut received = self.open.values().chain(self.put_aside());
        self.settled.contains(manifest) || received.any(|it| it.is_sent() && it.manifest_hash == *manifest)
    }

    fn put_aside(&self) -> impl Iterator<Item = &Delivery> {
        self.aside.values().map(|(delivery, _)| delivery)
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Received { delivery } => {
                if delivery.position > self.position {
                    self.position = delivery.position;
                    if !self.has_entry(&delivery.id) {
                        self.places.insert(delivery.id.clone(), delivery.position);
                        self.open.insert(delivery.position, delivery);
                    }
                }
            }
            Step::Handing { id, folder } => {
                self.handing.insert(id, folder);
            }
            Step::Settled { manifest } => {
                self.settled.insert(manifest);
            }
            Step::Done { id } => {
                self.handing.remove(&id);
                let place = self.places.get(&id).copied();
                if place.is_some_and(|place| self.open.remove(&place).is_some()) {
                    self.places.remove(&id);
                }
            }
            Step::Aside(aside) => {
                if let Some(place) = self.places.get(&aside.id).copied()
                    && let Some(delivery) = self.open.remove(&place)
                {
                    self.aside.insert(place, (delivery, aside));
                }
            }
            Step::Again { id } => {
                if let Some(place) = self.places.get(&id).copied()
                    && let Some((delivery, _)) = self.aside.remove(&place)
                {
                    self.open.insert(place, delivery);
                }
            }
            Step::Decided { folder, found } => {
                self.decided.insert((folder, found));
            }
            Step::Gone { folder } => self.decided.retain(|(name, _)| *name != folder),
            Step::Through { position } => self.position = self.position.max(position),
        }
    }
}
