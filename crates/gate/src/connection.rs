//! Connections: a handshake that asks for a certificate and demands none, then requests.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    clock::now,
    live::Live,
    observe::{DoorTally, Tls},
    plan::Place,
    proxy,
    request::Caller,
    shown::Shown,
};

/// How long a handshake may take, and how often an HTTP/2 client is asked whether it lives.
const HANDSHAKE: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(20);
/// The most octets of a request's head; routes may allow less.
pub(crate) const HEAD: usize = 64 << 10;
/// Connections of a listener at once.
const CONNECTIONS: usize = 16_384;

/// Takes connections until it is dropped.
pub(crate) async fn accept(
    socket: TcpListener,
    place: Place,
    live: Arc<Live>,
    graceful: Arc<GracefulShutdown>,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((stream, from)) = socket.accept().await else {
            // Out of descriptors: others close theirs meanwhile.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let from = from.ip().to_canonical();
        tokio::spawn(connection(stream, permit, from, place, Arc::clone(&live), graceful.watcher()));
    }
}

async fn connection(
    mut stream: TcpStream,
    permit: OwnedSemaphorePermit,
    mut from: IpAddr,
    place: Place,
    live: Arc<Live>,
    watcher: Watcher,
) {
    drop(stream.set_nodelay(true));
    let plan = live.plan();
    let Some(listener) = plan.listener(place) else { return };
    let (tls, head_within) = (Arc::clone(&listener.tls), listener.head_within);
    let is_carried = listener.proxies.contains(&from);
    let tally = Arc::clone(&listener.tally);
    drop(plan);
    let _open = Open::of(&tally);
    if is_carried {
        match tokio::time::timeout(HANDSHAKE, proxy::take(&mut stream)).await {
            Ok(Ok(carried)) => from = carried.map_or(from, |carried| carried.to_canonical()),
            Ok(Err(error)) => {
                tally.balancer.one();
                return tracing::warn!(%from, %error, "a balancer is not understood");
            }
            Err(_) => return tally.slow.one(),
        }
    }
    let accepted = TlsAcceptor::from(tls).accept(stream);
    let stream = match tokio::time::timeout(HANDSHAKE, accepted).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) => return tally.failed.one(),
        Err(_) => return tally.slow.one(),
    };
    let tls = Tls::of(stream.get_ref().1);
    if tls.resumed { &tally.resumed } else { &tally.full }.one();
    let shown = Arc::new(Shown::new(stream.get_ref().1.peer_certificates()));
    let caller = Arc::new(Caller { shown, from, tls, place, live, _permit: permit });
    let service = service_fn(move |request| {
        let caller = Arc::clone(&caller);
        async move { Ok::<_, Infallible>(caller.answer(request, now()).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING);
    builder.http2().max_header_list_size(HEAD as u32);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// A connection among those that are open.
struct Open(Arc<DoorTally>);

impl Open {
    fn of(tally: &Arc<DoorTally>) -> Self {
        tally.opened.one();
        Self(Arc::clone(tally))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed.one();
    }
}
