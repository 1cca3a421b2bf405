//! Reads on from a position: each new entry is proven to be in a log that extends what was read before.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_trace::{
    Bundle, LogEntry, TILE_WIDTH, Tile, TileReader, VerifiedCheckpoint, VerifierKey, consistency_proof,
    inclusion_proof, verify_inclusion,
};

use super::super::log;
use super::super::source::Source;
use super::position::Position;
use crate::command::fault;
use crate::failure::Failure;

/// Tiles that are kept for the entries that follow.
const KEPT_TILES: usize = 64;

pub(super) struct Follower {
    source: Source,
    key: VerifierKey,
    position: Option<Position>,
}

impl Follower {
    pub(super) fn new(source: Source, key: VerifierKey, position: Option<Position>) -> Self {
        Self { source, key, position }
    }

    /// The entry that is exported next.
    pub(super) fn next(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.next)
    }

    pub(super) fn origin(&self) -> &str {
        self.key.name()
    }

    /// Where nothing was exported yet, leaves out what the log has now.
    pub(super) fn begin_at_end(&mut self, kept: &Path) -> Result<(), Failure> {
        if self.position.is_some() {
            return Ok(());
        }
        let checkpoint = log::signed(&self.source.checkpoint()?, &self.key, &self.source.label)?;
        let position = Position { next: checkpoint.size(), checkpoint };
        position.save(kept)?;
        self.position = Some(position);
        Ok(())
    }

    /// Sends what is new, up to 256 entries at a time, and keeps the position each time that they were taken. `sent` counts them.
    pub(super) fn round(
        &mut self,
        send: impl Fn(&[LogEntry]) -> Result<(), Failure>,
        kept: &Path,
        sent: &mut u64,
    ) -> Result<(), Failure> {
        let checkpoint = log::signed(&self.source.checkpoint()?, &self.key, &self.source.label)?;
        let tiles = Tiles::new(&self.source);
        if let Some(position) = &self.position {
            log::not_shorter(&checkpoint, &position.checkpoint, &self.source)?;
            tiles.extends(&checkpoint, &position.checkpoint)?;
        }
        let origin: Arc<str> = self.key.name().into();
        let (first, size) = (self.next(), checkpoint.size());
        for bundle in
            (first / TILE_WIDTH..size.div_ceil(TILE_WIDTH)).filter_map(|index| Bundle::at(index, size))
        {
            let read = self.source.entries(&bundle)?;
            let new = (bundle.start()..).zip(read).filter(|(index, _)| *index >= first);
            let observed = now();
            let entries = new.map(|(index, bytes)| {
                let entry = LogEntry::read(&origin, index, size, &bytes, observed);
                tiles.holds(&checkpoint, &entry).map(|()| entry)
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let Some(last) = entries.last() else { continue };
            let next = last.index() + 1;
            send(&entries)?;
            let position = Position { next, checkpoint: checkpoint.clone() };
            position.save(kept)?;
            self.position = Some(position);
            *sent += entries.len() as u64;
        }
        Ok(())
    }
}

/// The tiles of a log as proofs are made from them: whatever they say, a proof of it verifies under the checkpoint or does not.
struct Tiles<'a> {
    source: &'a Source,
    kept: RefCell<HashMap<Tile, Vec<u8>>>,
    failed: Cell<Option<Failure>>,
}

impl<'a> Tiles<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, kept: RefCell::default(), failed: Cell::default() }
    }

    fn extends(&self, checkpoint: &VerifiedCheckpoint, older: &VerifiedCheckpoint) -> Result<(), Failure> {
        let reader = TileReader::new(checkpoint.size(), |tile| self.bytes(tile));
        let proof = consistency_proof(older.size(), checkpoint.size(), &reader);
        let proof = proof.map_err(|error| self.fault(error.code(), error.to_string()))?;
        checkpoint.extends(older, &proof).map_err(|error| fault::checkpoint(&error, &self.source.label))
    }

    fn holds(&self, checkpoint: &VerifiedCheckpoint, entry: &LogEntry) -> Result<(), Failure> {
        let (index, size) = (entry.index(), checkpoint.size());
        let reader = TileReader::new(size, |tile| self.bytes(tile));
        let proof = inclusion_proof(size, index, &reader);
        let proof = proof.map_err(|error| self.fault(error.code(), error.to_string()))?;
        verify_inclusion(&entry.leaf(), index, size, &proof, &checkpoint.root()).map_err(|error| {
            let words = format!(
                "{}: entry {index} is not in the log that the checkpoint signs: {error}",
                self.source.label
            );
            fault::log(error.code(), words)
        })
    }

    fn bytes(&self, tile: Tile) -> Option<Vec<u8>> {
        if let Some(bytes) = self.kept.borrow().get(&tile) {
            return Some(bytes.clone());
        }
        match self.source.tile(&tile) {
            Ok(bytes) => {
                let mut kept = self.kept.borrow_mut();
                if kept.len() >= KEPT_TILES {
                    kept.clear();
                }
                kept.insert(tile, bytes.clone());
                Some(bytes)
            }
            Err(failure) => {
                self.failed.set(Some(failure));
                None
            }
        }
    }

    /// Why there is no proof: the tile that could not be had, if that is why.
    fn fault(&self, code: &str, words: String) -> Failure {
        self.failed.take().unwrap_or_else(|| fault::log(code, words))
    }
}

/// Unix milliseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
