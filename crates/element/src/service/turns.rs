//! What is worked on at once: keys in an HSM are waited for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Service;

/// Calls of applications that are worked on at once.
const AT_ONCE: usize = 32;
/// Encrypted calls that are opened at once: anybody can make one that costs a key in an HSM as much as a good one.
const OPENED_AT_ONCE: usize = 4;
/// Contents that are signed at once: one permit has the key in an HSM work as often as it is brought.
const SIGNED_AT_ONCE: usize = 4;
/// Contents that are signed or wait for it, more are refused: with those whose callers went away they stay far below what a connection carries at once.
const TO_SIGN: usize = 128;
/// Keys of RSA that are made at once: each has a core for a second.
const MADE_AT_ONCE: usize = 1;
/// Keys of RSA that are made or wait for it, more are refused.
const TO_MAKE: usize = 8;
/// What takes minutes, at once.
const LONG_AT_ONCE: usize = 2;

/// Turns of calls.
#[derive(Clone)]
pub(super) struct Turns {
    working: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    signing: Arc<Semaphore>,
    to_sign: Arc<Semaphore>,
    making: Arc<Semaphore>,
    to_make: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let at_once = |most| Arc::new(Semaphore::new(most));
        let (working, opening) = (at_once(AT_ONCE), at_once(OPENED_AT_ONCE));
        let (signing, to_sign) = (at_once(SIGNED_AT_ONCE), at_once(TO_SIGN));
        let (making, to_make) = (at_once(MADE_AT_ONCE), at_once(TO_MAKE));
        Self { working, opening, signing, to_sign, making, to_make, long: at_once(LONG_AT_ONCE) }
    }
}

impl Service {
    /// A place among those that have a key made; none where too many wait.
    pub(super) fn place_to_make(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.turns.to_make).try_acquire_owned().ok()
    }

    /// Has a key made that takes a second, on a thread that may wait, in its turn. It is waited for the turn alone.
    pub(super) async fn make(&self, place: OwnedSemaphorePermit, make: impl FnOnce(&Self) + Send + 'static) {
        let permit = Arc::clone(&self.turns.making).acquire_owned().await;
        let service = self.clone();
        tokio::task::spawn_blocking(move || {
            make(&service);
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

    /// Opens something on a thread that may wait, in its turn; none where that ended in a fault.
    pub(super) async fn opening<T: Send + 'static>(
        &self,
        open: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let permit = Arc::clone(&self.turns.opening).acquire_owned().await;
        let service = self.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let opened = open(&service);
            drop(permit);
            opened
        });
        opening.await.ok()
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
