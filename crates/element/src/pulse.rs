//! Since when the writer is at a batch, and keys are at work for somebody else. What keeps the keys may hang within one of its calls, which nothing in a process can
//! end: so it is seen from outside.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sceau_crypto::SecretBytes;
use sceau_hsm::Together;

use crate::clock::Clock;
use crate::sealing::{JournalKey, SealingError};

/// For how long what keeps the keys, or the disk, may not answer before the element ends, unless said otherwise, in milliseconds.
pub const END_AFTER: u64 = 60 * 1000;
/// For how long before callers are told, in milliseconds: longer than it is waited for keys that say that they are away.
pub const STUCK_AFTER: u64 = END_AFTER / 3;

/// Since when, in milliseconds since the process started.
#[derive(Debug)]
pub(crate) struct Pulse {
    batch: AtomicU64,
    uses: Mutex<Uses>,
}

/// Uses of keys that are under way.
#[derive(Debug, Default)]
struct Uses {
    /// When each began, by its number.
    began: BTreeMap<u64, u64>,
    next: u64,
}

/// No batch.
const IDLE: u64 = u64::MAX;

impl Default for Pulse {
    fn default() -> Self {
        Self { batch: AtomicU64::new(IDLE), uses: Mutex::default() }
    }
}

impl Pulse {
    /// A batch begins at `uptime`.
    pub(crate) fn begin(&self, uptime: u64) {
        self.batch.store(uptime, Ordering::Relaxed);
    }

    /// It ended.
    pub(crate) fn end(&self) {
        self.batch.store(IDLE, Ordering::Relaxed);
    }

    /// Keys are used from `uptime` on, until this is dropped, whatever comes of it.
    pub(crate) fn using(&self, uptime: u64) -> Using<'_> {
        let mut uses = self.uses();
        let number = uses.next;
        uses.next += 1;
        uses.began.insert(number, uptime);
        Using { pulse: self, number }
    }

    /// For how many milliseconds the writer is at its batch, or the oldest use of keys is under way; 0 without either. Whatever else ends meanwhile: anybody can send
    /// what is refused without a key, or asks for one that does not hang.
    pub(crate) fn at_it(&self, uptime: u64) -> u64 {
        let batch = uptime.saturating_sub(self.batch.load(Ordering::Relaxed));
        let oldest = self.uses().began.first_key_value().map(|(_, began)| uptime.saturating_sub(*began));
        batch.max(oldest.unwrap_or(0))
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A use of keys that is under way.
pub(crate) struct Using<'a> {
    pulse: &'a Pulse,
    number: u64,
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.pulse.uses().began.remove(&self.number);
    }
}

/// The journal's key as readers use it: each use is seen, whoever reads, a call, a content or a page.
pub(crate) struct SeenKey {
    pub(crate) key: Arc<dyn JournalKey>,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) clock: Clock,
}

impl SeenKey {
    fn using<T>(&self, using: impl FnOnce(&dyn JournalKey) -> T) -> T {
        let _seen = self.pulse.using(self.clock.now().uptime);
        using(&*self.key)
    }
}

impl JournalKey for SeenKey {
    fn seal(&self, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.using(|key| key.seal(context, secret))
    }

    fn seal_together(
        &self,
        context: &[u8],
        secret: &[u8],
        together: &Together,
    ) -> Result<Vec<u8>, SealingError> {
        self.using(|key| key.seal_together(context, secret, together))
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, SealingError> {
        self.using(|key| key.open(context, sealed))
    }

    fn seal_personal(
        &self,
        time: u64,
        context: &[u8],
        secret: &[u8],
    ) -> Result<Option<Vec<u8>>, SealingError> {
        self.using(|key| key.seal_personal(time, context, secret))
    }

    fn open_personal(&self, context: &[u8], sealed: &[u8]) -> Result<Option<SecretBytes>, SealingError> {
        self.using(|key| key.open_personal(context, sealed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_use_tells_whatever_else_ends() {
        let pulse = Pulse::default();
        assert_eq!(pulse.at_it(1000), 0);
        let first = pulse.using(1000);
        let second = pulse.using(1500);
        assert_eq!(pulse.at_it(3000), 2000);
        drop(second);
        assert_eq!(pulse.at_it(3100), 2100, "another one ended, which says nothing of this one");
        drop(first);
        pulse.begin(3000);
        assert_eq!(pulse.at_it(3500), 500);
        pulse.end();
        assert_eq!(pulse.at_it(9000), 0);
    }
}
