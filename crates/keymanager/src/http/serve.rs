//! HTTPS, on an internal address only.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::guard::Presented;
use crate::error::Error;
use crate::manager::KeyManager;

/// How long a handshake may take, a client may take to send its headers, and requests under way may take after `stop`.
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(20);
const DRAIN: Duration = Duration::from_secs(10);
/// Connections at once: a browser has one or two.
const CONNECTIONS: usize = 1024;
/// Of them, from one address: a whole office may be behind one, and no machine takes those of all others.
const OF_AN_ADDRESS: usize = CONNECTIONS / 2;
/// Requests at once on a connection of HTTP/2: each may hold a body.
const STREAMS: u32 = 64;

impl KeyManager {
    /// Serves pages and API over HTTPS until `stop` resolves, then ends requests under way within ten seconds.
    ///
    /// # Errors
    /// [`Error::PublicAddress`] unless the listener is on loopback or a private network.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let io = |cause| Error::Io { what: "listening".to_owned(), cause };
        let address = listener.local_addr().map_err(io)?.ip();
        if !is_internal(address) {
            return Err(Error::PublicAddress(address));
        }
        let router = super::router(self.clone());
        let graceful = GracefulShutdown::new();
        let each = |stream, permit: Connected| {
            let Some(config) = self.tls().config() else { return };
            let (router, watcher) = (router.clone(), graceful.watcher());
            tokio::spawn(async move {
                if let Some(stream) = handshake(TlsAcceptor::from(config), stream).await {
                    connection(stream, router, watcher).await;
                }
                drop(permit);
            });
        };
        accept(&listener, &Arc::new(Semaphore::new(CONNECTIONS)), stop, each).await;
        drop(listener);
        drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
        Ok(())
    }
}

/// Hands over each connection with its permit until `stop` resolves, also while every permit is taken.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(TcpStream, Connected),
) {
    let of_addresses = Arc::new(Mutex::default());
    tokio::pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(permits).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = &mut stop => return,
            next = next => next,
        };
        match (accepted, permit) {
            (Ok((stream, peer)), Ok(permit)) => {
                // Closed at once, if its address has its share.
                if let Some(connected) = Connected::of(peer.ip(), &of_addresses, permit) {
                    each(stream, connected);
                }
            }
            // Out of descriptors: others close theirs meanwhile.
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// How many connections each address has.
type OfAddresses = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection's place, of all and of its address. Given back when it is dropped.
struct Connected {
    of_addresses: OfAddresses,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Connected {
    fn of(peer: IpAddr, of_addresses: &OfAddresses, permit: OwnedSemaphorePermit) -> Option<Self> {
        // Of IPv6 the first 64 bits: a machine gives itself what follows.
        let address = match peer.to_canonical() {
            IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() >> 64 << 64).into(),
            four => four,
        };
        let mut all = of_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let its = all.entry(address).or_default();
        if *its >= OF_AN_ADDRESS {
            return None;
        }
        *its += 1;
        Some(Self { of_addresses: Arc::clone(of_addresses), address, _permit: permit })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut all = self.of_addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(its) = all.get_mut(&self.address) {
            *its -= 1;
            if *its == 0 {
                all.remove(&self.address);
            }
        }
    }
}

/// Loopback, and what RFC 1918, RFC 3927, RFC 4193 and RFC 4291 keep for private networks. Not "any address".
fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

async fn handshake(acceptor: TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    drop(stream.set_nodelay(true));
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn connection(
    stream: TlsStream<TcpStream>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let chain = stream.get_ref().1.peer_certificates();
    let presented =
        Presented(chain.map(|chain| chain.iter().map(|each| each.clone().into_owned()).collect()));
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(presented.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADERS).max_concurrent_streams(STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests state what must hold")]
    use super::*;

    #[tokio::test]
    async fn it_stops_also_while_every_connection_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let permits = Arc::new(Semaphore::new(1));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let mut held = Vec::new();
        let mut stop = Some(stop);
        let stopping = async { drop(stopped.await) };
        let serving = accept(&listener, &permits, stopping, |stream, permit| {
            held.push((stream, permit));
            drop(stop.take());
        });
        let clients = async { (TcpStream::connect(address).await, TcpStream::connect(address).await) };
        let both = async { tokio::join!(serving, clients) };
        let ((), clients) = tokio::time::timeout(Duration::from_secs(10), both).await.expect("it stops");
        assert!(clients.0.is_ok() && clients.1.is_ok());
        assert_eq!((held.len(), permits.available_permits()), (1, 0));
    }

    #[tokio::test]
    async fn one_address_leaves_connections_to_the_others() {
        let (permits, all) = (Arc::new(Semaphore::new(CONNECTIONS)), OfAddresses::default());
        let connects = |address: &str| {
            let permit = Arc::clone(&permits).try_acquire_owned().unwrap();
            Connected::of(address.parse().unwrap(), &all, permit)
        };
        for greedy in ["10.0.0.1", "fd00::1"] {
            let held: Vec<_> = (0..OF_AN_ADDRESS).map(|_| connects(greedy).unwrap()).collect();
            assert!(connects(greedy).is_none());
            assert!(connects("fd00::2").is_some() != greedy.contains(':'), "one machine has many of these");
            assert!(connects("10.0.0.2").is_some() && connects("fd00:0:0:1::1").is_some());
            drop(held);
            assert!(connects(greedy).is_some());
        }
        assert!(all.lock().unwrap().is_empty(), "nothing is kept of who is gone");
        assert_eq!(permits.available_permits(), CONNECTIONS);
    }

    #[test]
    fn only_internal_addresses_are_listened_on() {
        for internal in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "fe80::1"] {
            assert!(is_internal(internal.parse().unwrap()), "{internal}");
        }
        for public in
            ["0.0.0.0", "::", "203.0.113.7", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "172.32.0.1"]
        {
            assert!(!is_internal(public.parse().unwrap()), "{public}");
        }
    }
}
