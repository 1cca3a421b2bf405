//! Ceremonies that began and wait for their second step: bounded in number and in time, each taken once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long a ceremony may take: five minutes, as the element's nonces.
pub(crate) const CEREMONY_MS: u64 = 300_000;
const CAPACITY: usize = 10_000;

/// Begun ceremonies by their key. In memory: a restart forgets them, and people begin again.
#[derive(Debug)]
pub(crate) struct Pending<T>(Mutex<HashMap<String, (u64, T)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pending<T> {
    /// Keeps `state` under `key`; the one closest to its end makes room when there are too many.
    pub(crate) fn put(&self, key: String, state: T, now_ms: u64) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= CAPACITY {
            waiting.retain(|_, (expires, _)| *expires > now_ms);
        }
        if waiting.len() >= CAPACITY {
            let oldest = waiting.iter().min_by_key(|(_, (expires, _))| *expires).map(|(key, _)| key.clone());
            oldest.and_then(|key| waiting.remove(&key));
        }
        waiting.insert(key, (now_ms.saturating_add(CEREMONY_MS), state));
    }

    /// Takes it out; a second time, too late or never begun is none.
    pub(crate) fn take(&self, key: &str, now_ms: u64) -> Option<T> {
        let entry = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        entry.filter(|(expires, _)| *expires > now_ms).map(|(_, state)| state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceremony_is_taken_once_and_in_time_and_memory_is_bounded() {
        let pending = Pending::default();
        pending.put("a".into(), 1, 0);
        assert_eq!(pending.take("a", 1), Some(1));
        assert_eq!(pending.take("a", 1), None);
        pending.put("b".into(), 2, 0);
        assert_eq!(pending.take("b", CEREMONY_MS), None);
        for key in 0..CAPACITY as u64 + 50 {
            pending.put(key.to_string(), 3, key);
        }
        assert_eq!(pending.take("0", 1), None, "the oldest made room");
        assert_eq!(pending.take(&(CAPACITY + 49).to_string(), CAPACITY as u64), Some(3));
    }
}
