//! Room for what is under way: so much of everybody, and so much of it for each address.

use std::net::IpAddr;
use std::sync::Arc;

use sceau_store::{Place, Places, neighbourhood};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Rooms for so many at once.
#[derive(Debug)]
pub(super) struct Rooms {
    of_all: Arc<Semaphore>,
    of_addresses: Places<IpAddr>,
}

/// The right to have one thing under way; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _place: Place<IpAddr>,
    _permit: OwnedSemaphorePermit,
}

impl Rooms {
    pub(super) fn new(at_once: usize, of_one_address: usize) -> Self {
        Self { of_all: Arc::new(Semaphore::new(at_once)), of_addresses: Places::new(of_one_address) }
    }

    /// A place of that address, which takes nothing of everybody yet; none where it has all of its own.
    pub(super) fn place(&self, from: IpAddr) -> Option<Place<IpAddr>> {
        self.of_addresses.take(neighbourhood(from))
    }

    /// Room for what has a place, once there is some.
    pub(super) async fn enter(&self, place: Place<IpAddr>) -> Option<Room> {
        let permit = Arc::clone(&self.of_all).acquire_owned().await.ok()?;
        Some(Room { _place: place, _permit: permit })
    }

    /// Room for one from there, if there is some now.
    pub(super) fn take(&self, from: IpAddr) -> Option<Room> {
        let place = self.place(from)?;
        let permit = Arc::clone(&self.of_all).try_acquire_owned().ok()?;
        Some(Room { _place: place, _permit: permit })
    }
}
