//! Things that are kept for a while, by a name that only whoever may take them knows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Bounded; each thing ends at its time. What ended is as if it were not there.
#[derive(Debug)]
pub struct Shelf<K, V> {
    most: usize,
    kept: Mutex<HashMap<K, (u64, V)>>,
}

/// There is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is under way: try again in a minute")]
pub struct Full;

impl<K: Hash + Eq + Clone, V> Shelf<K, V> {
    /// At most so many things.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Keeps a thing until `ends`, in the place of one of the same name.
    ///
    /// # Errors
    /// [`Full`].
    pub fn put(&self, name: K, thing: V, ends: u64, now: u64) -> Result<(), Full> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.most {
            kept.retain(|_, (ends, _)| *ends > now);
        }
        if kept.len() >= self.most && !kept.contains_key(&name) {
            return Err(Full);
        }
        kept.insert(name, (ends, thing));
        Ok(())
    }

    /// Keeps a thing, unless one of that name is there: whether it was not.
    ///
    /// # Errors
    /// [`Full`].
    pub fn put_once(&self, name: K, thing: V, ends: u64, now: u64) -> Result<bool, Full> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.get(&name).is_some_and(|(ends, _)| *ends > now) {
            return Ok(false);
        }
        if kept.len() >= self.most {
            kept.retain(|_, (ends, _)| *ends > now);
        }
        if kept.len() >= self.most {
            return Err(Full);
        }
        kept.insert(name, (ends, thing));
        Ok(true)
    }

    /// Takes a thing away.
    pub fn take(&self, name: &K, now: u64) -> Option<V> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(name).filter(|(ends, _)| *ends > now).map(|(_, thing)| thing)
    }

    /// Looks at a thing, and may change it.
    pub fn with<T>(&self, name: &K, now: u64, look: impl FnOnce(&mut V) -> T) -> Option<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_mut(name).filter(|(ends, _)| *ends > now).map(|(_, thing)| look(thing))
    }

    /// How many things are kept, those that ended among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
