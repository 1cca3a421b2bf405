//! Things that are kept for a while, by a name that only whoever may take them knows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bounded, in all and for each who has things kept; each thing ends at its time. What ended is as if it were not there.
#[derive(Debug)]
pub struct Shelf<K, V> {
    most: usize,
    of_one: usize,
    kept: Mutex<Kept<K, V>>,
}

#[derive(Debug)]
struct Kept<K, V> {
    all: HashMap<K, Entry<V>>,
    /// How many are whose.
    of: HashMap<Arc<str>, usize>,
}

#[derive(Debug)]
struct Entry<V> {
    ends: u64,
    whose: Arc<str>,
    thing: V,
}

/// There is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much is under way: try again in a minute")]
pub struct Full;

impl<K: Hash + Eq + Clone, V> Shelf<K, V> {
    /// At most so many things.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::shared(most, most)
    }

    /// At most so many things, and of each who has some kept so many: nobody takes the places of all.
    #[must_use]
    pub fn shared(most: usize, of_one: usize) -> Self {
        Self { most, of_one, kept: Mutex::new(Kept { all: HashMap::new(), of: HashMap::new() }) }
    }

    /// Keeps a thing until `ends`, in the place of one of the same name.
    ///
    /// # Errors
    /// [`Full`].
    pub fn put(&self, name: K, thing: V, ends: u64, now: u64) -> Result<(), Full> {
        self.put_for("", name, thing, ends, now)
    }

    /// The same, among the things of somebody.
    ///
    /// # Errors
    /// [`Full`]: all of it, or their share.
    pub fn put_for(&self, whose: &str, name: K, thing: V, ends: u64, now: u64) -> Result<(), Full> {
        let mut kept = self.kept();
        kept.remove(&name);
        self.insert(&mut kept, whose, name, thing, ends, now)
    }

    /// Keeps a thing of somebody, unless one of that name is there: whether it was not.
    ///
    /// # Errors
    /// [`Full`]: all of it, or their share.
    pub fn put_once(&self, whose: &str, name: K, thing: V, ends: u64, now: u64) -> Result<bool, Full> {
        let mut kept = self.kept();
        if kept.all.get(&name).is_some_and(|entry| entry.ends > now) {
            return Ok(false);
        }
        kept.remove(&name);
        self.insert(&mut kept, whose, name, thing, ends, now).map(|()| true)
    }

    /// Puts a thing in the place of one that is there, which it gives: whoever comes second finds the new one.
    pub fn swap(&self, name: &K, thing: V, ends: u64, now: u64) -> Option<V> {
        let mut kept = self.kept();
        let entry = kept.all.get_mut(name).filter(|entry| entry.ends > now)?;
        entry.ends = ends;
        Some(std::mem::replace(&mut entry.thing, thing))
    }

    /// Takes a thing away.
    pub fn take(&self, name: &K, now: u64) -> Option<V> {
        let entry = self.kept().remove(name);
        entry.filter(|entry| entry.ends > now).map(|entry| entry.thing)
    }

    /// Looks at a thing, and may change it.
    pub fn with<T>(&self, name: &K, now: u64, look: impl FnOnce(&mut V) -> T) -> Option<T> {
        let mut kept = self.kept();
        kept.all.get_mut(name).filter(|entry| entry.ends > now).map(|entry| look(&mut entry.thing))
    }

    /// How many things are kept, those that ended among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept().all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(
        &self,
        kept: &mut Kept<K, V>,
        whose: &str,
        name: K,
        thing: V,
        ends: u64,
        now: u64,
    ) -> Result<(), Full> {
        let is_full = |kept: &Kept<K, V>| {
            kept.all.len() >= self.most || kept.of.get(whose).is_some_and(|own| *own >= self.of_one)
        };
        if is_full(kept) {
            kept.forget(now);
        }
        if is_full(kept) {
            return Err(Full);
        }
        let whose: Arc<str> =
            kept.of.get_key_value(whose).map_or_else(|| whose.into(), |(own, _)| Arc::clone(own));
        *kept.of.entry(Arc::clone(&whose)).or_default() += 1;
        kept.all.insert(name, Entry { ends, whose, thing });
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Kept<K, V> {
    fn remove(&mut self, name: &K) -> Option<Entry<V>> {
        let entry = self.all.remove(name)?;
        one_less(&mut self.of, &entry.whose);
        Some(entry)
    }

    /// Forgets what ended.
    fn forget(&mut self, now: u64) {
        let of = &mut self.of;
        self.all.retain(|_, entry| {
            let stays = entry.ends > now;
            if !stays {
                one_less(of, &entry.whose);
            }
            stays
        });
    }
}

fn one_less(of: &mut HashMap<Arc<str>, usize>, whose: &str) {
    if let Some(own) = of.get_mut(whose) {
        *own -= 1;
        if *own == 0 {
            of.remove(whose);
        }
    }
}
