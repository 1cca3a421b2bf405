//! Turns: one act at a time on a thing, among all processes of a database.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::database::Lock;

const STRIPES: usize = 64;

/// The turns of this process: who waits here asks the server for nothing yet.
#[derive(Clone)]
pub(crate) struct Stripes(Arc<[Arc<Mutex<()>>]>);

impl Default for Stripes {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Arc::default()).collect())
    }
}

impl Stripes {
    /// Waits for the turn in this process; gives it, and the number of the thing among all processes. Two things of one number wait for
    /// each other, and nothing worse.
    pub(crate) async fn take(&self, what: &str) -> (Option<OwnedMutexGuard<()>>, i32) {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, what.as_bytes());
        let number = digest.as_ref().first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
        let stripe = usize::try_from(number.unsigned_abs()).unwrap_or(0) % STRIPES;
        match self.0.get(stripe) {
            Some(stripe) => (Some(Arc::clone(stripe).lock_owned().await), number),
            None => (None, number),
        }
    }
}

/// A turn, ended when it is dropped.
pub struct Turn {
    here: Option<OwnedMutexGuard<()>>,
    everywhere: Option<Lock>,
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Turn(..)")
    }
}

impl Turn {
    pub(crate) fn here(here: Option<OwnedMutexGuard<()>>) -> Self {
        Self { here, everywhere: None }
    }

    pub(crate) fn everywhere(here: Option<OwnedMutexGuard<()>>, lock: Lock) -> Self {
        Self { here, everywhere: Some(lock) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let (here, lock) = (self.here.take(), self.everywhere.take());
        let (Some(lock), Ok(runtime)) = (lock, Handle::try_current()) else { return };
        // The next of this process waits until the server has it back.
        runtime.spawn(async move {
            lock.release().await;
            drop(here);
        });
    }
}
