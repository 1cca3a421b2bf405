//! The host: an element behind it, rows beside it, and what it knows of who waits.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_element_api::{Client, KeyringActorId, KeyringId, OrganisationId, TerminalId};
use sceau_store::{Clock, Place, Places, neighbourhood};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout};

use crate::bell::Bell;
use crate::feed::Feed;
use crate::nonces::Nonces;
use crate::notice::Notices;
use crate::refusal::Refused;
use crate::rows::{Rows, RowsError};
use crate::sole::Sole;

/// Requests under way at once.
const AT_ONCE: usize = 512;
/// Of one address.
const OF_ONE_ADDRESS: usize = 128;
/// Requests whose bodies arrive.
const ARRIVING: usize = 2048;
/// Of one address.
const ARRIVING_OF_ONE_ADDRESS: usize = 256;
/// Bytes of bodies that are there or arrive, of all requests: what is made of them takes several times as much.
const BODIES: usize = 192 * 1024 * 1024;
/// Terminals that wait for requests.
const WAITING: usize = 4096;
/// Of one keyring.
const WAITING_OF_KEYRING: usize = 16;
/// Of one of its terminals: whoever has a copy of it takes no other one's places.
const WAITING_OF_TERMINAL: usize = 4;
/// Questions of providers that wait for an answer: they take no terminal's place.
const POLLING: usize = 4096;
/// Of one provider.
const POLLING_OF_PROVIDER: usize = 512;
/// How often what ended is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);
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
    _alone: Option<Sole>,
    notices: Notices,
    names: Option<BTreeSet<String>>,
    bell: Bell,
    clock: Arc<dyn Clock>,
    at_once: Arc<Semaphore>,
    of_addresses: Places<IpAddr>,
    arriving: Arc<Semaphore>,
    arriving_of: Places<IpAddr>,
    bodies: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    of_keyrings: Places<KeyringId>,
    of_terminals: Places<(KeyringId, TerminalId)>,
    polling: Arc<Semaphore>,
    of_providers: Places<(OrganisationId, KeyringActorId)>,
    ready: Mutex<Option<(Instant, bool)>>,
}

/// A request's place.
#[derive(Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Option<Place<IpAddr>>));

/// The place of a body that arrives.
#[derive(Debug)]
pub(crate) struct Arriving(
    #[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Option<Place<IpAddr>>),
);

/// The place of a terminal that waits.
#[derive(Debug)]
pub(crate) struct WaitingPlace(
    #[expect(dead_code, reason = "held")]
    (OwnedSemaphorePermit, Place<KeyringId>, Place<(KeyringId, TerminalId)>),
);

/// The place of a provider's question that waits.
#[derive(Debug)]
pub(crate) struct PollingPlace(
    #[expect(dead_code, reason = "held")] (OwnedSemaphorePermit, Place<(OrganisationId, KeyringActorId)>),
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
    /// A host before this element, which says this of itself, over these rows, `alone` where no other host has them. It tells `notices` of each request that waits, and hears visits that are to one of `names`;
    /// with none, those that are to the name that their request came for.
    ///
    /// # Errors
    /// [`HostError`].
    pub async fn new(
        element: Client,
        about: KeyringsAbout,
        (rows, alone): (Rows, Option<Sole>),
        (notices, names): (Notices, Option<BTreeSet<String>>),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HostError> {
        let word = PublicJwk::parse(about.word.as_bytes()).map_err(|_| HostError::Word)?;
        let nonces = Nonces::open(rows.clone(), alone.is_some()).await?;
        let feed = Feed::new(element.clone(), rows.clone());
        Ok(Self(Arc::new(Parts {
            element,
            origin: about.origin,
            word,
            feed,
            nonces,
            _alone: alone,
            notices,
            names,
            rows,
            bell: Bell::default(),
            clock,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            of_addresses: Places::new(OF_ONE_ADDRESS),
            arriving: Arc::new(Semaphore::new(ARRIVING)),
            arriving_of: Places::new(ARRIVING_OF_ONE_ADDRESS),
            bodies: Arc::new(Semaphore::new(BODIES)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            of_keyrings: Places::new(WAITING_OF_KEYRING),
            of_terminals: Places::new(WAITING_OF_TERMINAL),
            polling: Arc::new(Semaphore::new(POLLING)),
            of_providers: Places::new(POLLING_OF_PROVIDER),
            ready: Mutex::default(),
        })))
    }

    /// Reads the element's log into the rows, holds them to it, and forgets what ended, until told to stop.
    pub async fn keep(self, stopped: watch::Receiver<bool>) {
        tokio::join!(self.feed().clone().run(stopped.clone()), self.forget(stopped));
    }

    async fn forget(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.rows().forget_ended(self.now()).await {
                tracing::warn!(%error, "requests that ended are not forgotten");
            }
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = tokio::time::sleep(FORGET_EVERY) => {}
            }
        }
    }

    /// What reads the element's log into the rows.
    pub(crate) fn feed(&self) -> &Feed {
        &self.0.feed
    }

    pub(crate) fn element(&self) -> &Client {
        &self.0.element
    }

    pub(crate) fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Whether a visit to `named` that came for `asked` is to this host.
    pub(crate) fn is_called(&self, named: &str, asked: &str) -> bool {
        match &self.0.names {
            Some(names) => names.contains(named),
            None => named.eq_ignore_ascii_case(asked),
        }
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
        Ok(Room((one_of(&self.0.at_once)?, share(&self.0.of_addresses, from)?)))
    }

    /// A place for a request whose body arrives from there.
    pub(crate) fn arriving(&self, from: Option<IpAddr>) -> Result<Arriving, Refused> {
        Ok(Arriving((one_of(&self.0.arriving)?, share(&self.0.arriving_of, from)?)))
    }

    /// Memory for so many bytes of a body.
    pub(crate) fn memory(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refused> {
        let bytes = u32::try_from(bytes).map_err(|_| Refused::busy())?;
        Arc::clone(&self.0.bodies).try_acquire_many_owned(bytes).map_err(|_| Refused::busy())
    }

    /// A place for a terminal that waits.
    pub(crate) fn waiting_place(
        &self,
        keyring: KeyringId,
        terminal: TerminalId,
    ) -> Result<WaitingPlace, Refused> {
        let own = self.0.of_terminals.take((keyring, terminal)).ok_or_else(Refused::busy)?;
        let place = self.0.of_keyrings.take(keyring).ok_or_else(Refused::busy)?;
        Ok(WaitingPlace((one_of(&self.0.waiting)?, place, own)))
    }

    /// A place for a provider's question that waits.
    pub(crate) fn polling_place(
        &self,
        organisation: OrganisationId,
        provider: KeyringActorId,
    ) -> Result<PollingPlace, Refused> {
        let place = self.0.of_providers.take((organisation, provider)).ok_or_else(Refused::busy)?;
        Ok(PollingPlace((one_of(&self.0.polling)?, place)))
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

fn one_of(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Refused> {
    Arc::clone(places).try_acquire_owned().map_err(|_| Refused::busy())
}

/// The share of an address, of who has one.
fn share(places: &Places<IpAddr>, from: Option<IpAddr>) -> Result<Option<Place<IpAddr>>, Refused> {
    let take = |from| places.take(neighbourhood(from)).ok_or_else(Refused::busy);
    from.filter(|from| !from.is_unspecified()).map(take).transpose()
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
