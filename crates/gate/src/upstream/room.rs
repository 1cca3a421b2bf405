//! Room for connections to services: as many as the process has descriptors for besides those of clients. Each holds its place until it is closed, kept or
//! in use.

use std::{
    io,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::pool::Pool;
use crate::crowd;

/// How long whoever finds no place waits for one.
const WAIT: Duration = Duration::from_secs(1);

/// Descriptors are the process's, however many gates are in it.
static ROOM: LazyLock<Room> = LazyLock::new(|| Room::of(crowd::fitting().places));

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

/// A place.
pub(crate) type Held = OwnedSemaphorePermit;

/// A place for a connection. Where there is none, connections that wait for another request are closed.
///
/// # Errors
/// [`Crowded`].
pub(crate) async fn place() -> io::Result<Held> {
    ROOM.place(WAIT).await
}

/// From now on, what waits there is closed where it takes others' places.
pub(super) fn know(pool: &Arc<Pool>) {
    ROOM.know(pool);
}

struct Room {
    places: Arc<Semaphore>,
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl Room {
    fn of(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), pools: Mutex::default() }
    }

    async fn place(&self, wait: Duration) -> io::Result<Held> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let pools: Vec<_> = self.pools().iter().filter_map(Weak::upgrade).collect();
        pools.iter().for_each(|pool| pool.spare());
        let place = tokio::time::timeout(wait, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| io::Error::other(Crowded))
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

/// A stream that has its place.
pub(crate) struct Placed<S> {
    pub(super) stream: S,
    pub(super) _place: Held,
}

impl<S: AsyncRead + Unpin> AsyncRead for Placed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Placed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, octets)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[tokio::test]
    async fn there_are_as_many_places_as_descriptors_and_one_that_is_left_is_anothers() {
        let room = Room::of(2);
        let held = [room.place(Duration::ZERO).await.unwrap(), room.place(Duration::ZERO).await.unwrap()];
        let none = room.place(Duration::ZERO).await.unwrap_err();
        assert!(Crowded::is(&none) && !Crowded::is(&io::ErrorKind::TimedOut.into()));
        drop(held);
        assert!(room.place(Duration::ZERO).await.is_ok());
    }
}
