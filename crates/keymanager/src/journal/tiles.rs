//! The trace as others read it: C2SP tlog-tiles, and a list for the administrator's page.

use std::sync::PoisonError;

use sceau_store::params;
use sceau_trace::{Bundle, Evidence, Record, Tile, inclusion_proof};

use super::Journal;
use crate::error::Error;
use crate::schema::statements;

/// A record with its place.
pub(crate) struct Placed {
    /// Position in the trace.
    pub(crate) position: u64,
    /// The record.
    pub(crate) record: Record,
    /// Whether the platform has it.
    pub(crate) delivered: bool,
}

impl Journal {
    /// The bytes of the tile or entry bundle at `path` (`tile/…`); none where there is none, or not of that width yet.
    pub(crate) async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let size = self.size();
        if let Ok(bundle) = Bundle::parse_path(path) {
            let there = Bundle::at(bundle.index(), size).is_some_and(|full| bundle.width() <= full.width());
            if !there {
                return Ok(None);
            }
            let entries = self.leaves(bundle.start(), bundle.width().into()).await?;
            return Ok(bundle.bytes(&entries).ok());
        }
        let Ok(tile) = Tile::parse_path(path) else { return Ok(None) };
        let there =
            Tile::at(tile.level(), tile.index(), size).is_some_and(|full| tile.width() <= full.width());
        let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
        Ok(if there { tile.bytes(&*tree).ok() } else { None })
    }

    /// The evidence file of the record at `position`: that this trace holds it, under its log key. None where there is none.
    pub(crate) async fn evidence(&self, position: u64) -> Result<Option<Evidence>, Error> {
        let Some(checkpoint) = self.checkpoint().filter(|checkpoint| position < checkpoint.size()) else {
            return Ok(None);
        };
        let damaged = |error: &dyn std::error::Error| Error::Journal(error.to_string());
        let proof = {
            let tree = self.tree.read().unwrap_or_else(PoisonError::into_inner);
            inclusion_proof(checkpoint.size(), position, &*tree).map_err(|error| damaged(&error))?
        };
        let leaves = self.leaves(position, 1).await?;
        let Some(leaf) = leaves.first() else { return Ok(None) };
        let evidence = Evidence::build(leaf, position, proof, &checkpoint, self.log_key());
        Ok(Some(evidence.map_err(|error| damaged(&error))?))
    }

    /// The last `count` records before position `before`, newest first.
    pub(crate) async fn records(&self, before: u64, count: u64) -> Result<Vec<Placed>, Error> {
        let rows = self.parts.database.fetch_all(statements::RECORDS_BEFORE, params![before, count]).await?;
        rows.iter()
            .map(|row| {
                let leaf: Vec<u8> = row.get("leaf")?;
                let record = Record::parse(&leaf).map_err(|error| Error::Journal(error.to_string()))?;
                Ok(Placed { position: row.get("position")?, record, delivered: row.get("delivered")? })
            })
            .collect()
    }

    /// How many records were seen in the platform's log. That it took a record is the platform's word; this is not.
    pub(crate) async fn logged(&self) -> Result<u64, Error> {
        Ok(self.parts.database.fetch_one(statements::COUNT_LOGGED, params![]).await?.get("n")?)
    }

    /// How many records the platform does not have yet.
    pub(crate) async fn undelivered(&self) -> Result<u64, Error> {
        Ok(self.parts.database.fetch_one(statements::COUNT_UNDELIVERED, params![]).await?.get("n")?)
    }
}
