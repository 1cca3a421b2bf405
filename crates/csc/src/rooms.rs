//! Calls with documents, each of which holds them in memory: so many arrive at once, at a pace, and so many are read.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use sceau_element_api::KeyringId;
use sceau_store::{Place, Places};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::CscError;
use crate::tokens::Bearer;

/// Bodies that arrive, wait or are read at once, and those of one application.
const ARRIVING: usize = 8;
const OF_CLIENT: usize = 4;
/// Documents that are read at once.
const READ: usize = 4;
/// The most octets with documents: 16 MiB in base64.
const LARGEST: usize = 23 << 20;
/// How long a body may take: a moment, and besides by its size.
const GRACE: Duration = Duration::from_secs(5);
const OCTETS_A_SECOND: usize = 512 << 10;
/// How long documents wait to be read.
const PATIENCE: Duration = Duration::from_secs(30);

/// The rooms.
#[derive(Debug)]
pub(crate) struct Rooms {
    arriving: Arc<Semaphore>,
    of_client: Places<String>,
    of_holder: Places<KeyringId>,
    read: Arc<Semaphore>,
}

/// A place for a body to arrive in, and to be read.
#[derive(Debug)]
pub(crate) struct Arriving {
    _all: OwnedSemaphorePermit,
    _of_client: Place<String>,
    _of_holder: Place<KeyringId>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            arriving: Arc::new(Semaphore::new(ARRIVING)),
            of_client: Places::new(OF_CLIENT),
            of_holder: Places::new(1),
            read: Arc::new(Semaphore::new(READ)),
        }
    }
}

impl Rooms {
    /// A place for what somebody sends. One holder has one, and one application not all.
    pub(crate) fn to_arrive(&self, of: &Bearer) -> Result<Arriving, CscError> {
        let place = || {
            Some(Arriving {
                _of_holder: self.of_holder.take(of.keyring)?,
                _of_client: self.of_client.take(of.client.clone())?,
                _all: Arc::clone(&self.arriving).try_acquire_owned().ok()?,
            })
        };
        place().ok_or_else(|| CscError::later("Too many documents arrive: try again in a minute"))
    }

    /// A place to read documents in, once there is one.
    pub(crate) async fn to_read(&self) -> Result<OwnedSemaphorePermit, CscError> {
        let room = timeout(PATIENCE, Arc::clone(&self.read).acquire_owned()).await;
        let busy = || CscError::later("Too many documents are read: try again in a minute");
        room.map_err(|_| busy())?.map_err(|_| busy())
    }
}

/// A body, as it arrives; none that is slower than it may be.
pub(crate) async fn arrived(mut body: Body) -> Result<Bytes, CscError> {
    let (began, mut read) = (Instant::now(), Vec::new());
    loop {
        let within = GRACE + Duration::from_secs((read.len() / OCTETS_A_SECOND) as u64);
        let frame = timeout_at(began + within, poll_fn(|cx| Pin::new(&mut body).poll_frame(cx))).await;
        let frame = frame.map_err(|_| CscError::invalid("The body arrives too slowly"))?;
        let Some(frame) = frame else { return Ok(read.into()) };
        let frame = frame.map_err(|_| CscError::invalid("The body does not arrive"))?;
        let data = frame.into_data().unwrap_or_default();
        if read.len() + data.len() > LARGEST {
            return Err(CscError::invalid("The documents are too large"));
        }
        read.extend_from_slice(&data);
    }
}
