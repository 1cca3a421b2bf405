//! Room for connections to services: as many as the process has descriptors for besides those of clients. Each holds its descriptor's reservation until
//! it is closed, kept or in use.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::pool::Pool;
use crate::{crowd, holding::Held};

/// How long whoever finds none waits for one.
const WAIT: Duration = Duration::from_secs(1);

/// Descriptors are the process's, however many gates are in it.
static ROOM: LazyLock<Room> = LazyLock::new(|| Room::of(crowd::fitting().connections));

/// No descriptor is left for another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no descriptor is left for another connection to a service")]
pub(crate) struct Crowded;

impl Crowded {
    /// Whether this is why nothing was connected.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|cause| cause.is::<Self>())
    }
}

/// A descriptor for a connection, until this is dropped.
pub(crate) type Reserved = OwnedSemaphorePermit;

impl Held for Reserved {}

/// A descriptor for a connection. Where none is left, connections that wait for another request are closed.
///
/// # Errors
/// [`Crowded`].
pub(crate) async fn reserve() -> io::Result<Reserved> {
    ROOM.reserve(WAIT).await
}

/// From now on, what waits there is closed where others want its descriptor.
pub(super) fn know(pool: &Arc<Pool>) {
    ROOM.know(pool);
}

struct Room {
    free: Arc<Semaphore>,
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl Room {
    fn of(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), pools: Mutex::default() }
    }

    async fn reserve(&self, wait: Duration) -> io::Result<Reserved> {
        if let Ok(reserved) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(reserved);
        }
        let pools: Vec<_> = self.pools().iter().filter_map(Weak::upgrade).collect();
        pools.iter().for_each(|pool| pool.spare());
        let reserved = tokio::time::timeout(wait, Arc::clone(&self.free).acquire_owned()).await;
        reserved.ok().and_then(Result::ok).ok_or_else(|| io::Error::other(Crowded))
    }

    fn know(&self, pool: &Arc<Pool>) {
        let mut pools = self.pools();
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(pool));
    }

    fn pools(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[tokio::test]
    async fn there_are_as_many_as_descriptors_and_one_that_is_left_is_anothers() {
        let room = Room::of(2);
        let held = [room.reserve(Duration::ZERO).await.unwrap(), room.reserve(Duration::ZERO).await.unwrap()];
        let none = room.reserve(Duration::ZERO).await.unwrap_err();
        assert!(Crowded::is(&none) && !Crowded::is(&io::ErrorKind::TimedOut.into()));
        drop(held);
        assert!(room.reserve(Duration::ZERO).await.is_ok());
    }
}
