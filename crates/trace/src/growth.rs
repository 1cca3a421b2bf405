//! The proof that a log only grew, made of its tiles by who fetches these one by one.

use std::cell::Cell;
use std::collections::HashMap;

use crate::{Hash, ProofError, Tile, TileReader, consistency_proof};

/// Tiles that one proof takes at the most: two at each level, and some.
const MOST_TILES: usize = 64;

/// A proof (RFC 6962 §2.1.2) on its way. Its tiles are whatever their server says: the proof is worth something once it verifies under a checkpoint.
#[derive(Debug)]
pub struct Growth {
    from: u64,
    to: u64,
    tiles: HashMap<Tile, Vec<u8>>,
}

/// How far a proof is.
#[derive(Debug, PartialEq, Eq)]
pub enum GrowthStep {
    /// It is made.
    Proven(Vec<Hash>),
    /// This tile is needed next.
    Wants(Tile),
}

impl Growth {
    /// That a log of `from` entries became one of `to`.
    pub fn between(from: u64, to: u64) -> Self {
        Self { from, to, tiles: HashMap::new() }
    }

    /// The proof, or the next tile that it takes.
    ///
    /// # Errors
    /// [`ProofError`]: `from` is more than `to`, or a tile is not what one is.
    pub fn step(&self) -> Result<GrowthStep, ProofError> {
        let wanted = Cell::new(None);
        let reader = TileReader::new(self.to, |tile: Tile| {
            let found = self.tiles.get(&tile).cloned();
            if found.is_none() {
                wanted.set(Some(tile));
            }
            found
        });
        match (consistency_proof(self.from, self.to, &reader), wanted.take()) {
            (Ok(proof), _) => Ok(GrowthStep::Proven(proof)),
            (Err(_), Some(tile)) if self.tiles.len() < MOST_TILES => Ok(GrowthStep::Wants(tile)),
            (Err(error), _) => Err(error),
        }
    }

    /// Takes a tile, or the full one in its place: what is beyond the tile's width is left out.
    pub fn take(&mut self, tile: Tile, mut bytes: Vec<u8>) {
        bytes.truncate(usize::from(tile.width()) * 32);
        self.tiles.insert(tile, bytes);
    }
}
