//! How many connect at once, in all and from one address: nobody takes the descriptors of the others.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::observe::LOOKERS;

/// Connections at once, where the system has descriptors for them.
const CONNECTIONS: usize = 16_384;
/// Descriptors for everything that is no connection of a client, an application or a service: files, lists, and whoever
/// watches, half of them.
const OTHERS: u64 = 2 * LOOKERS as u64;
/// Handshakes of one address at once.
const HANDSHAKES: usize = 256;
/// The log says that there are too many once in so long.
const TELL: Duration = Duration::from_secs(60);

/// Everybody who is connected, or connects.
#[derive(Debug)]
pub(crate) struct Crowd {
    permits: Arc<Semaphore>,
    most: usize,
    here: Mutex<HashMap<IpAddr, Here>>,
    /// When each thing was last said: none keeps the others from being said.
    told: Mutex<HashMap<String, Instant>>,
}

/// Of one address.
#[derive(Debug, Default)]
struct Here {
    handshakes: usize,
    all: usize,
    under_way: Arc<AtomicUsize>,
}

/// A connection of an address, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    crowd: Arc<Crowd>,
    of: IpAddr,
    settled: bool,
    under_way: Arc<AtomicUsize>,
}

/// A request of an address, counted until everything that holds it is dropped: with its answer, or the WebSocket that came of it.
#[derive(Clone, Debug)]
pub(crate) struct UnderWay {
    _counted: Arc<Counted>,
}

#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

/// What the system allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fitting {
    descriptors: u64,
    /// For clients, and as many again for their requests' connections to services.
    pub(crate) connections: usize,
}

/// As many as there are descriptors for: a client wants one, and a request another.
pub(crate) fn fitting() -> Fitting {
    let descriptors = descriptors();
    let fit = usize::try_from(descriptors.saturating_sub(OTHERS) / 2).unwrap_or(CONNECTIONS);
    Fitting { descriptors, connections: fit.clamp(16, CONNECTIONS) }
}

impl Crowd {
    /// For as many as the system has descriptors.
    pub(crate) fn new() -> Arc<Self> {
        let Fitting { descriptors, connections: most } = fitting();
        if most < CONNECTIONS {
            tracing::warn!(
                descriptors,
                connections = most,
                "the limit of descriptors allows few connections"
            );
        }
        Arc::new(Self::of(most))
    }

    fn of(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)), most, here: Mutex::default(), told: Mutex::default() }
    }

    /// A permit to take another connection, once there is one.
    pub(crate) async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        if self.permits.available_permits() == 0 {
            self.tell("as many are connected as descriptors allow: who comes now waits", None);
        }
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// A seat for a connection of this address, unless it has too many.
    pub(crate) fn seat(self: &Arc<Self>, from: IpAddr) -> Option<Seat> {
        let of = block(from);
        let mut here = self.here();
        let count = here.entry(of).or_default();
        if count.handshakes >= HANDSHAKES.min(self.most.div_ceil(4)) || count.all >= self.most.div_ceil(2) {
            drop(here);
            self.tell("an address has too many connections: its next are closed", Some(from));
            return None;
        }
        count.handshakes += 1;
        count.all += 1;
        let under_way = Arc::clone(&count.under_way);
        Some(Seat { crowd: Arc::clone(self), of, settled: false, under_way })
    }

    /// Says so in the log, once a minute.
    pub(crate) fn tell(&self, what: &str, from: Option<IpAddr>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(what).is_none_or(|told| told.elapsed() >= TELL) {
            told.insert(what.to_owned(), Instant::now());
            tracing::warn!(from = from.map(tracing::field::display), "{what}");
        }
    }

    fn here(&self) -> MutexGuard<'_, HashMap<IpAddr, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The handshake is over.
    pub(crate) fn settle(&mut self) {
        if !std::mem::replace(&mut self.settled, true) {
            self.crowd.here().entry(self.of).and_modify(|here| here.handshakes -= 1);
        }
    }

    /// A request, unless its address has too many under way: over HTTP/2 one connection carries many, and each may want a descriptor.
    pub(crate) fn begin_request(&self) -> Option<UnderWay> {
        let counted = Counted(Arc::clone(&self.under_way));
        if self.under_way.fetch_add(1, Ordering::Relaxed) < self.crowd.most.div_ceil(2) {
            return Some(UnderWay { _counted: Arc::new(counted) });
        }
        self.crowd.tell("an address has too many requests under way: its next are refused", Some(self.of));
        None
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.settle();
        let mut here = self.crowd.here();
        if let Some(count) = here.get_mut(&self.of) {
            count.all -= 1;
            if count.all == 0 {
                here.remove(&self.of);
            }
        }
    }
}

/// Who has one address of IPv6 has 2^64 of them.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// As many as the system lets this process have.
fn descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    if raised { maximum.unwrap_or(u64::MAX) } else { current.unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn one_address_leaves_places_to_the_others() {
        let crowd = Arc::new(Crowd::of(16));
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut seats: Vec<Seat> = (0..4).map(|_| crowd.seat(one).unwrap()).collect();
        assert!(crowd.seat(one).is_none(), "a quarter of the places for handshakes");
        assert!(crowd.seat(other).is_some());
        seats.iter_mut().for_each(Seat::settle);
        seats.extend((0..4).map(|_| crowd.seat(one).unwrap()));
        seats.iter_mut().for_each(Seat::settle);
        assert!(crowd.seat(one).is_none(), "and half of all");
        assert!(crowd.seat(other).is_some());
        seats.pop();
        assert!(crowd.seat(one).is_some());
        drop(seats);
        assert!(crowd.here().is_empty(), "nobody is remembered who is gone");
    }

    #[test]
    fn the_requests_of_one_address_leave_descriptors_to_the_others() {
        let crowd = Arc::new(Crowd::of(16));
        let seats = [1, 1, 2].map(|last| crowd.seat([192, 0, 2, last].into()).unwrap());
        let [one, same, other] = &seats;
        let mut under_way: Vec<UnderWay> = (0..8).map(|_| one.begin_request().unwrap()).collect();
        assert!(one.begin_request().is_none() && same.begin_request().is_none(), "half of them");
        assert!(other.begin_request().is_some());
        let shared = under_way.pop();
        let again = shared.clone();
        drop(shared);
        assert!(one.begin_request().is_none(), "it goes on elsewhere");
        drop(again);
        assert!(same.begin_request().is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let crowd = Arc::new(Crowd::of(4));
        let _seat = crowd.seat("2001:db8::1".parse().unwrap()).unwrap();
        assert!(crowd.seat("2001:db8::2".parse().unwrap()).is_none());
        assert!(crowd.seat("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
