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
    sync::OwnedSemaphorePermit,
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

/// Whom connections are told to end, each by what it speaks.
#[derive(Clone, Default)]
pub(crate) struct Leaving {
    /// HTTP/2 can say which request was the last: its connections end first.
    pub(crate) two: Arc<GracefulShutdown>,
    pub(crate) one: Arc<GracefulShutdown>,
}

/// Takes connections until it is dropped.
pub(crate) async fn accept(socket: Arc<TcpListener>, place: Place, live: Arc<Live>, leaving: Leaving) {
    loop {
        let Some(permit) = live.crowd.place().await else { return };
        let (stream, from) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: others close theirs meanwhile.
                live.crowd.tell(&format!("a connection cannot be taken: {error}"), None);
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let from = from.ip().to_canonical();
        let watchers = [leaving.one.watcher(), leaving.two.watcher()];
        tokio::spawn(connection(stream, permit, from, place, Arc::clone(&live), watchers));
    }
}

async fn connection(
    mut stream: TcpStream,
    permit: OwnedSemaphorePermit,
    mut from: IpAddr,
    place: Place,
    live: Arc<Live>,
    [one, two]: [Watcher; 2],
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
    let Some(mut seat) = live.crowd.seat(from) else { return tally.crowded.one() };
    let accepted = TlsAcceptor::from(tls).accept(stream);
    let stream = match tokio::time::timeout(HANDSHAKE, accepted).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) => return tally.failed.one(),
        Err(_) => return tally.slow.one(),
    };
    seat.settle();
    let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let watcher = if is_two {
        drop(one);
        two
    } else {
        drop(two);
        one
    };
    let tls = Tls::of(stream.get_ref().1);
    if tls.resumed { &tally.resumed } else { &tally.full }.one();
    let shown = Arc::new(Shown::new(stream.get_ref().1.peer_certificates()));
    let caller = Arc::new(Caller { shown, from, tls, place, live, _permit: permit, _seat: seat });
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
