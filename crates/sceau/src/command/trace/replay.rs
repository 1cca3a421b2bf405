//! A whole log, computed anew from its entries: the tree, the authenticated map, and what to say of them.

use sceau_trace::{
    AttestedRows, Bundle, Checkpoint, LogTree, Outcome, Record, TILE_WIDTH, Tile, leaf_hash, root_at,
};

use super::source::Source;
use crate::command::fault;
use crate::command::progress::Progress;
use crate::failure::Failure;

/// What came out of the entries.
#[derive(Default)]
pub(super) struct Replay {
    pub(super) tree: LogTree,
    rows: AttestedRows,
    /// Entries that are no records of a version that we know.
    pub(super) unknown: u64,
    /// The first entry that attests a row which does not follow its version before, and the row's kind.
    rolled_back: Option<(u64, String)>,
    /// Times of the first and the last record.
    pub(super) times: Option<(u64, u64)>,
}

impl Replay {
    /// Reads the first `size` entries.
    pub(super) fn of(source: &Source, size: u64) -> Result<Self, Failure> {
        let mut replay = Self::default();
        let progress = Progress::count("Entries", size, false);
        for bundle in (0..size.div_ceil(TILE_WIDTH)).filter_map(|index| Bundle::at(index, size)) {
            for entry in source.entries(&bundle)? {
                replay.take(&entry);
            }
            progress.at(replay.tree.size());
        }
        Ok(replay)
    }

    /// Checks that the checkpoint is of these entries: root of the tree, and of the map where it has one.
    pub(super) fn check(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        let root = root_at(checkpoint.size(), &self.tree).ok();
        if root != Some(checkpoint.root()) {
            let words = "the entries lead to another root than the signed one: entries were changed, added or left out";
            return Err(fault::log("proof.root_mismatch", words));
        }
        if let Some((index, kind)) = &self.rolled_back {
            let words = format!("entry {index} attests a {kind} that does not follow its version before");
            return Err(fault::log("map.rolled_back", words));
        }
        // Records of a later version may change the map in ways that we do not know.
        if self.unknown == 0 && checkpoint.map_root().is_some_and(|root| root != self.rows.root()) {
            let words =
                "the records lead to another state than the signed one: the log signs what it does not hold";
            return Err(fault::log("map.root_mismatch", words));
        }
        Ok(())
    }

    /// Checks that the tiles that proofs are made from say the same as the entries.
    pub(super) fn check_tiles(&self, source: &Source) -> Result<(), Failure> {
        let tiles = Tile::written(0, self.tree.size());
        let progress = Progress::count("Tiles", tiles.len() as u64, false);
        for (done, tile) in tiles.iter().enumerate() {
            if tile.bytes(&self.tree).ok() != Some(source.tile(tile)?) {
                let words = format!("{}: {tile} does not match the entries", source.label);
                return Err(fault::log("tile.mismatch", words));
            }
            progress.at(done as u64);
        }
        Ok(())
    }

    fn take(&mut self, entry: &[u8]) {
        let index = self.tree.append(leaf_hash(entry));
        let Ok(record) = Record::parse(entry) else {
            self.unknown += 1;
            return;
        };
        let first = self.times.map_or(record.time(), |(first, _)| first);
        self.times = Some((first, record.time()));
        self.attest(index, &record);
    }

    /// Each attested row follows the one before it, or the log contradicts itself.
    fn attest(&mut self, index: u64, record: &Record) {
        let Some(attested) = record.attested().filter(|_| record.outcome() == Outcome::Granted) else {
            return;
        };
        if self.rows.take(attested).is_err() {
            self.rolled_back.get_or_insert_with(|| (index, attested.kind.clone()));
        }
    }
}
