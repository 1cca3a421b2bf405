//! What the journal of a connector comes to.

use std::collections::{BTreeMap, BTreeSet};

use sceau_element_api::DossierId;
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
    /// Manifests in whose place the platform showed another of the dossier, and where the log has that one.
    pub replaced: BTreeMap<Hash, u64>,
    /// Entries that were put aside, with the reason.
    pub aside: BTreeMap<u64, (Delivery, Aside)>,
    /// What was decided, by folder and content.
    pub decided: BTreeSet<(String, String)>,
    /// Where the log has the last decision on a dossier that came through the feed.
    pub heard: BTreeMap<DossierId, u64>,
    /// After which log index decisions are missed; none before the first look.
    pub heeding: Option<u64>,
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
        let heard = self.heard.iter();
        let heard =
            heard.map(|(dossier, log_index)| Step::Heard { dossier: *dossier, log_index: *log_index });
        let heeding = self.heeding.map(|after| Step::Heeding { after });
        let through = [Step::Through { position: self.position }];
        let replaced = self.replaced.iter();
        let replaced = replaced.map(|(manifest, by)| Step::Replaced { manifest: *manifest, by: *by });
        let done = settled.chain(replaced).chain(decided).chain(heard).chain(heeding);
        received.chain(through).chain(handing).chain(reasons).chain(done).collect()
    }

    /// Whether an entry of this id is not finished.
    pub(super) fn has_entry(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// Whether the manifest that the log has there came through the feed, or a later one of its dossier in its place.
    pub(super) fn knows(&self, manifest: &Hash, log_index: u64) -> bool {
        let replaced = self.replaced.get(manifest).is_some_and(|by| *by > log_index);
        replaced || self.settled.contains(manifest) || self.awaits(manifest)
    }

    /// Whether what a depositor sent with this manifest is received and not with the organisation's system yet.
    pub(super) fn awaits(&self, manifest: &Hash) -> bool {
        let mut received = self.open.values().chain(self.put_aside());
        received.any(|it| it.is_sent() && it.manifest_hash == *manifest)
    }

    /// Whether a decision came through the feed: the one that the log has there, a later one, or one whose entry is not finished.
    pub(super) fn heard_of(&self, dossier: DossierId, manifest: &Hash, log_index: u64) -> bool {
        let mut received = self.open.values().chain(self.put_aside());
        self.heard.get(&dossier).is_some_and(|heard| *heard >= log_index)
            || received.any(|it| !it.is_sent() && it.manifest_hash == *manifest)
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
            Step::Replaced { manifest, by } => {
                self.replaced.insert(manifest, by);
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
            Step::Heard { dossier, log_index } => {
                let heard = self.heard.entry(dossier).or_default();
                *heard = log_index.max(*heard);
            }
            Step::Heeding { after } => self.heeding = Some(after),
            Step::Through { position } => self.position = self.position.max(position),
        }
    }
}
