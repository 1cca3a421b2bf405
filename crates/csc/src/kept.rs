//! Things that are kept for a while in memory, by the hash of a name that only one application was told.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sceau_crypto::{random, sha256};

/// A name's hash: who reads memory has no name.
pub(crate) type Name = [u8; 32];

/// A new name of 256 bits, and its hash.
pub(crate) fn drawn() -> (String, Name) {
    let text = URL_SAFE_NO_PAD.encode(random::<32>());
    let name = name(&text);
    (text, name)
}

pub(crate) fn name(text: &str) -> Name {
    sha256(text.as_bytes())
}

/// There is no place left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Bounded, in all and for each application; each thing is gone at its time.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    most: usize,
    of_one: usize,
    all: Mutex<HashMap<Name, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    client: String,
    ends: u64,
    thing: T,
}

impl<T> Kept<T> {
    pub(crate) fn new(most: usize, of_one: usize) -> Self {
        Self { most, of_one, all: Mutex::default() }
    }

    /// Keeps a thing for an application until `ends`.
    pub(crate) fn put(&self, at: Name, client: &str, thing: T, ends: u64, now: u64) -> Result<(), Full> {
        self.replace(None, at, client, thing, ends, now)
    }

    /// The same, in the place of another one, where there is one: that place is there.
    pub(crate) fn replace(
        &self,
        other: Option<Name>,
        at: Name,
        client: &str,
        thing: T,
        ends: u64,
        now: u64,
    ) -> Result<(), Full> {
        let mut all = self.all();
        if let Some(other) = other {
            all.remove(&other);
        }
        if all.len() >= self.of_one {
            all.retain(|_, entry| entry.ends > now);
        }
        let own = all.values().filter(|entry| entry.client == client).count();
        if all.len() >= self.most || own >= self.of_one {
            return Err(Full);
        }
        all.insert(at, Entry { client: client.to_owned(), ends, thing });
        Ok(())
    }

    /// Looks at a thing of this application, and may change it. What is another's is as if it were not there.
    pub(crate) fn with<U>(
        &self,
        at: &Name,
        client: &str,
        now: u64,
        look: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let mut all = self.all();
        let entry = all.get_mut(at).filter(|entry| entry.client == client && entry.ends > now)?;
        Some(look(&mut entry.thing))
    }

    /// Takes it away: whoever comes first has it.
    pub(crate) fn take(&self, at: &Name, client: &str, now: u64) -> Option<T> {
        let mut all = self.all();
        all.get(at).filter(|entry| entry.client == client && entry.ends > now)?;
        all.remove(at).map(|entry| entry.thing)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Entry<T>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
