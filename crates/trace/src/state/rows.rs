use super::{Conflict, StateEntry, StateMap};
use crate::{Attested, Hash};
use std::collections::HashMap;

/// The authenticated map as a log's records make it. A row's place is its kind and the hash of its first version, so that
/// whoever has the entries alone, with their ids withheld, computes the same root as the log's keeper.
#[derive(Clone, Debug, Default)]
pub struct AttestedRows {
    map: StateMap,
    /// From a row's current version to its first. Two rows never share a version: each document names its row.
    first: HashMap<(String, Hash), Hash>,
}

impl AttestedRows {
    /// No rows.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root that a checkpoint binds.
    pub fn root(&self) -> Hash {
        self.map.root()
    }

    /// Takes an attestation in, if it follows the row's current version; else nothing is changed.
    pub fn take(&mut self, attested: &Attested) -> Result<StateEntry, Conflict> {
        let kind = attested.kind.as_str();
        let first = match attested.previous {
            None => attested.hash,
            Some(previous) => {
                let known = self.first.get(&(kind.to_owned(), previous));
                *known.ok_or(Conflict { current: None })?
            }
        };
        let place = first.to_string();
        let current = self.map.lookup(kind, &place);
        let follows = current.map(|entry| entry.hash) == attested.previous
            && current.map_or(0, |entry| entry.version) + 1 == attested.version;
        if !follows {
            return Err(Conflict { current });
        }
        let entry = self.map.compare_and_swap(kind, &place, current, attested.hash)?;
        if let Some(previous) = attested.previous {
            self.first.remove(&(kind.to_owned(), previous));
        }
        self.first.insert((kind.to_owned(), attested.hash), first);
        Ok(entry)
    }
}
