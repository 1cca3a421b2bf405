//! What is worked on at once: keys in an HSM are waited for.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Service;
use crate::keyring::Long;

/// Calls of applications that are worked on at once.
const AT_ONCE: usize = 32;
/// Encrypted calls that are opened at once: anybody can make one that costs a key in an HSM as much as a good one.
const OPENED_AT_ONCE: usize = 4;
/// Batches of calls that are worked on at once: each has a core, and asks for a few hundred keys. Other calls have turns of their own.
const MANY_AT_ONCE: usize = 2;
/// Batches of calls that are worked on or wait for it, more are refused: each has some megabytes.
const MANY: usize = 16;
/// Contents that are signed at once: one permit has the key in an HSM work as often as it is brought.
const SIGNED_AT_ONCE: usize = 4;
/// Contents that are signed or wait for it, more are refused: with those whose callers went away they stay far below what a connection carries at once.
const TO_SIGN: usize = 128;
/// Keys of RSA that are made at once: each has a core for a second.
const MADE_AT_ONCE: usize = 1;
/// Keys of RSA that are made or wait for it, more are refused.
const TO_MAKE: usize = 8;
/// Batches that are signed by keys of RSA at once: each has a core for some tenths of a second.
const BATCHES_AT_ONCE: usize = 2;
/// Batches that are signed or wait for it, more are refused.
const BATCHES: usize = 64;
/// Faces that are looked at once: the process does one after the other.
const FACES_AT_ONCE: usize = 2;
/// Faces that are looked at or wait for it, more are refused.
const FACES: usize = 32;
/// What takes minutes, at once.
const LONG_AT_ONCE: usize = 2;

/// Turns of calls.
#[derive(Clone)]
pub(super) struct Turns {
    working: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    many: Arc<Semaphore>,
    of_many: Arc<Semaphore>,
    signing: Arc<Semaphore>,
    to_sign: Arc<Semaphore>,
    pub(super) making: Line,
    pub(super) batches: Line,
    pub(super) faces: Line,
    long: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let at_once = |most| Arc::new(Semaphore::new(most));
        let (working, opening) = (at_once(AT_ONCE), at_once(OPENED_AT_ONCE));
        let (many, of_many) = (at_once(MANY_AT_ONCE), at_once(MANY));
        let (signing, to_sign) = (at_once(SIGNED_AT_ONCE), at_once(TO_SIGN));
        let (making, batches) = (Line::new(MADE_AT_ONCE, TO_MAKE), Line::new(BATCHES_AT_ONCE, BATCHES));
        let (faces, long) = (Line::new(FACES_AT_ONCE, FACES), at_once(LONG_AT_ONCE));
        Self { working, opening, many, of_many, signing, to_sign, making, batches, faces, long }
    }
}

/// A line of what takes long for keyrings: some are at it, others wait. Each keyring stands in it once; once half of it is taken, an authority has an eighth, an organisation a quarter of it, one place at
/// least: whoever fills it leaves room to others.
#[derive(Clone)]
pub(super) struct Line {
    turns: Arc<Semaphore>,
    standing: Arc<Mutex<Vec<Long>>>,
    most: usize,
}

/// A place in it.
pub(super) struct InLine {
    line: Line,
    of: Long,
}

impl Line {
    fn new(at_once: usize, most: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)), standing: Arc::default(), most }
    }

    /// A place for this one; none where it has one, or has its share, or all are taken.
    pub(super) fn place(&self, of: Long) -> Option<InLine> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        let (behalf, keyring) = of;
        let count = |which: &dyn Fn(&Long) -> bool| standing.iter().filter(|one| which(one)).count();
        let shares = count(&|one| one.0 == behalf) < (self.most / 8).max(1)
            && count(&|one| one.0.organisation == behalf.organisation) < (self.most / 4).max(1);
        let has_one = count(&|one| one.1 == keyring) > 0;
        if has_one || standing.len() >= self.most || (standing.len() >= self.most / 2 && !shares) {
            return None;
        }
        standing.push(of);
        Some(InLine { line: self.clone(), of })
    }
}

impl Drop for InLine {
    fn drop(&mut self) {
        let mut standing = self.line.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = standing.iter().position(|one| *one == self.of) {
            standing.swap_remove(at);
        }
    }
}

impl Service {
    /// A turn of what waits for nobody.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns.working).acquire_owned().await.ok()
    }

    /// Does what takes long for a keyring, on a thread that may wait, in its turn. It is waited for the turn alone.
    pub(super) async fn at_length(&self, place: InLine, work: impl FnOnce(&Self) + Send + 'static) {
        let permit = Arc::clone(&place.line.turns).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            work(&service);
            drop((permit, place));
        });
    }

    /// Does this for a call, on a thread that may wait, in its turn. It is waited for the turn alone.
    pub(super) async fn work(&self, work: impl FnOnce(&Self) + Send + 'static) {
        let permit = Arc::clone(&self.turns.working).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            work(&service);
            drop(permit);
        });
    }

    /// The same for what may rightly take minutes, in turns that no call waits for.
    pub(super) async fn work_long(&self, work: impl FnOnce(&Self) + Send + 'static) {
        let permit = Arc::clone(&self.turns.long).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            work(&service);
            drop(permit);
        });
    }

    /// Opens something in its turn, on a thread that may wait where it may have to; none where that ended in a fault.
    pub(super) async fn opening<T: Send + 'static>(
        &self,
        waits: bool,
        open: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = Arc::clone(&self.turns.opening).acquire_owned().await;
        let service = self.clone();
        let opening = move || {
            let opened = open(&service);
            drop(permit);
            opened
        };
        let opening = match waits {
            true => tokio::task::spawn_blocking(opening),
            false => tokio::spawn(async { opening() }),
        };
        opening.await.ok()
    }

    /// A place among batches of calls that are worked on or wait for it, or for their records; none where all are taken.
    pub(super) fn place_of_many(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns.of_many).try_acquire_owned().ok()
    }

    /// Does this for a batch of calls, on a thread that may wait, in its turn.
    pub(super) async fn working_on_many(&self, work: impl FnOnce(&Self) + Send + 'static) {
        let permit = Arc::clone(&self.turns.many).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            work(&service);
            drop(permit);
        });
    }

    /// A place among contents that are signed or wait for it; none where all are taken.
    pub(super) fn place_to_sign(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns.to_sign).try_acquire_owned().ok()
    }

    /// Signs a content that has a place, on a thread that may wait, in its turn.
    pub(super) async fn signing(
        &self,
        place: OwnedSemaphorePermit,
        sign: impl FnOnce(&Self) + Send + 'static,
    ) {
        let permit = Arc::clone(&self.turns.signing).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            sign(&service);
            drop((permit, place));
        });
    }

    /// Uses keys, which is seen from outside where it does not end: seconds, and not minutes.
    pub(super) fn using_keys<T>(&self, using: impl FnOnce() -> T) -> T {
        let _seen = self.view.pulse().using(self.clock.now().uptime);
        using()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_element_api::KeyringId;

    use super::*;
    use crate::keyring::behalf_of;

    #[test]
    fn one_authority_that_fills_the_line_leaves_places_to_others() {
        let line = Line::new(MADE_AT_ONCE, TO_MAKE);
        let place = |organisation, actor| line.place((behalf_of(organisation, actor), KeyringId::random()));
        let mut held: Vec<_> = (0..TO_MAKE).filter_map(|_| place(1, 1)).collect();
        assert_eq!(held.len(), TO_MAKE / 2);
        assert!(place(1, 2).is_none(), "its organisation has enough");
        held.extend((2..6).map(|other| place(other, other).unwrap()));
        assert!(place(9, 9).is_none(), "all are taken");
        held.clear();
        assert!(line.standing.lock().unwrap().is_empty());
        assert!(place(1, 1).is_some());
    }

    #[test]
    fn a_keyring_stands_in_the_line_once() {
        let (line, keyring) = (Line::new(BATCHES_AT_ONCE, BATCHES), KeyringId::random());
        let held = line.place((behalf_of(1, 1), keyring)).unwrap();
        assert!(line.place((behalf_of(1, 1), keyring)).is_none());
        drop(held);
        assert!(line.place((behalf_of(1, 1), keyring)).is_some());
    }
}
