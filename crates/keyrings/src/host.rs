//! The host: an element behind it, rows beside it, and what it knows of who waits.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_element_api::{Client, KeyringId};
use sceau_store::{Clock, Place, Places, neighbourhood};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::bell::Bell;
use crate::feed::Feed;
use crate::nonces::Nonces;
use crate::notice::Notices;
use crate::refusal::Refused;
use crate::rows::{Rows, RowsError};

/// Requests under way at once.
const AT_ONCE: usize = 512;
/// Requests whose bodies arrive.
const ARRIVING: usize = 2048;
/// Of one address.
const OF_ONE_ADDRESS: usize = 128;
/// Terminals that wait for requests.
const WAITING: usize = 4096;
/// Of one keyring.
const WAITING_OF_KEYRING: usize = 8;
/// How long a terminal waits for an answer that has no news.
pub(crate) const WAITS: Duration = Duration::from_secs(25);
/// How long it is taken for true that element and database answer, or that they do not.
const READY_FOR: Duration = Duration::from_secs(1);
/// How long they may take to.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// The host of keyrings. Clones are the same.
#[derive(Debug, Clone)]
pub struct Host(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    element: Client,
    origin: String,
    word: PublicJwk,
    rows: Rows,
    feed: Feed,
    nonces: Nonces,
    notices: Notices,
    bell: Bell,
    clock: Arc<dyn Clock>,
    at_once: Arc<Semaphore>,
    arriving: Arc<Semaphore>,
    of_addresses: Places<IpAddr>,
    waiting: Arc<Semaphore>,
    of_keyrings: Places<KeyringId>,
    ready: Mutex<Option<(Instant, bool)>>,
}

/// A request's place.
#[derive(Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Option<Place<IpAddr>>));

/// The place of a terminal that waits.
#[derive(Debug)]
pub(crate) struct WaitingPlace(
    #[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Place<KeyringId>),
);

/// The host does not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Rows(#[from] RowsError),
    /// What the element says of itself cannot be read.
    #[error("the element's word is no key: are both programs of the same version?")]
    Word,
}

impl Host {
    /// A host before this element, which says this of itself, over these rows. It tells `notices` of each request that waits.
    ///
    /// # Errors
    /// [`HostError`].
    pub async fn new(
        element: Client,
        about: KeyringsAbout,
        rows: Rows,
        notices: Notices,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HostError> {
        let word = PublicJwk::parse(about.word.as_bytes()).map_err(|_| HostError::Word)?;
        let nonces = Nonces::open(rows.clone()).await?;
        let feed = Feed::new(element.clone(), rows.clone());
        Ok(Self(Arc::new(Parts {
            element,
            origin: about.origin,
            word,
            feed,
            nonces,
            notices,
            rows,
            bell: Bell::default(),
            clock,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            arriving: Arc::new(Semaphore::new(ARRIVING)),
            of_addresses: Places::new(OF_ONE_ADDRESS),
            waiting: Arc::new(Semaphore::new(WAITING)),
            of_keyrings: Places::new(WAITING_OF_KEYRING),
            ready: Mutex::default(),
        })))
    }

    /// What reads the element's log into the rows.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.0.feed
    }

    pub(crate) fn element(&self) -> &Client {
        &self.0.element
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    pub(crate) fn word(&self) -> &PublicJwk {
        &self.0.word
    }

    pub(crate) fn rows(&self) -> &Rows {
        &self.0.rows
    }

    pub(crate) fn nonces(&self) -> &Nonces {
        &self.0.nonces
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.0.notices
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.0.bell
    }

    /// Unix milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.0.clock.now_ms()
    }

    /// A place for one request from there. Who comes through a gate's socket has no address, and its share at the gate.
    pub(crate) fn room(&self, from: Option<IpAddr>) -> Result<Room, Refused> {
        let take = |from| self.0.of_addresses.take(neighbourhood(from)).ok_or_else(Refused::busy);
        let place = from.filter(|from| !from.is_unspecified()).map(take).transpose()?;
        let all = Arc::clone(&self.0.at_once).try_acquire_owned().map_err(|_| Refused::busy())?;
        Ok(Room((all, place)))
    }

    /// A place for a request whose body arrives.
    pub(crate) fn arriving(&self) -> Result<OwnedSemaphorePermit, Refused> {
        Arc::clone(&self.0.arriving).try_acquire_owned().map_err(|_| Refused::busy())
    }

    /// A place for a terminal that waits.
    pub(crate) fn waiting_place(&self, keyring: KeyringId) -> Result<WaitingPlace, Refused> {
        let place = self.0.of_keyrings.take(keyring).ok_or_else(Refused::busy)?;
        let all = Arc::clone(&self.0.waiting).try_acquire_owned().map_err(|_| Refused::busy())?;
        Ok(WaitingPlace((all, place)))
    }

    /// Whether element and database answer, as of a second ago at most: whoever asks how often has them asked once.
    pub(crate) async fn is_ready(&self) -> bool {
        let mut known = self.0.ready.lock().await;
        if let Some((at, ready)) = *known
            && at.elapsed() < READY_FOR
        {
            return ready;
        }
        let asks = async { self.0.element.hello().await.is_ok() && self.0.rows.ready().await.is_ok() };
        let ready = timeout(READY_WITHIN, asks).await.unwrap_or(false);
        *known = Some((Instant::now(), ready));
        ready
    }
}
