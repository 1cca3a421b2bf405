//! Connections: a handshake that asks for a certificate and demands none, then requests.

use std::{convert::Infallible, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use hyper::{
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
};
use tokio_rustls::server::TlsStream;

use crate::{
    busy::Busy,
    clock::now,
    holding::Stream,
    issuing::Way,
    leaving::{Leaving, Watcher, Watchers},
    live::Live,
    observe::{DoorTally, Tls},
    pass::{self, Pass},
    plan::Place,
    proxy::{self, Carried},
    request::Caller,
    shown::Shown,
};

/// How long a handshake may take, and how often an HTTP/2 client is asked whether it lives.
const HANDSHAKE: Duration = Duration::from_secs(10);
const PING: Duration = Duration::from_secs(20);
/// The most octets of a request's head; routes may allow less.
pub(crate) const HEAD: usize = 64 << 10;
/// Requests at once over a connection of HTTP/2 (RFC 9113 §5.1.2 wants no fewer).
const STREAMS: u32 = 100;

/// A connection before it speaks.
struct Newcomer {
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    carried: Carried,
    watchers: Watchers,
}

/// Takes connections until it is dropped.
pub(crate) async fn accept(socket: Arc<TcpListener>, place: Place, live: Arc<Live>, leaving: Leaving) {
    loop {
        let Some(permit) = live.crowd.permit().await else { return };
        let (stream, from) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: others close theirs meanwhile.
                live.crowd.tell(&format!("a connection cannot be taken: {error}"), None);
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let to = stream.local_addr().unwrap_or(place.address);
        let (carried, watchers) = (Carried { from, to }, leaving.watchers());
        tokio::spawn(connection(Newcomer { stream, permit, carried, watchers }, place, Arc::clone(&live)));
    }
}

async fn connection(newcomer: Newcomer, place: Place, live: Arc<Live>) {
    let Newcomer { mut stream, permit, mut carried, watchers } = newcomer;
    drop(stream.set_nodelay(true));
    let plan = live.plan();
    let Some(listener) = plan.listener(place) else { return };
    let (way, head_within) = (listener.way(), listener.head_within);
    let (passes, tally) = (Arc::clone(&listener.passes), Arc::clone(&listener.tally));
    let is_carried = listener.proxies.contains(&carried.from.ip());
    drop(plan);
    let _open = Open::of(&tally);
    if is_carried {
        let Some(from) = whom_it_carries(&mut stream, carried.from, &tally).await else { return };
        carried.from = from;
    }
    let Some(mut seat) = live.crowd.seat(carried.from.ip()) else { return tally.crowded.one() };
    let greeted = tokio::time::timeout(HANDSHAKE, greet(stream, &passes, way)).await;
    let terminated = match greeted {
        Ok(Ok(Greeted::Ours(terminated))) => terminated,
        Ok(Ok(Greeted::Passed(pass, client))) => {
            seat.settle();
            // Each wants a descriptor more, as a request does.
            let Some(under_way) = seat.begin_request() else { return tally.crowded.one() };
            tally.passed.one();
            // It cannot be told to end, and holds up nobody who is in a hurry.
            drop((watchers.one, watchers.two));
            if let Err(error) = pass.carry(client, carried).await {
                tracing::debug!(name = pass.name, %error, "what is passed on ended");
            }
            return drop((permit, watchers.all, under_way));
        }
        Ok(Ok(Greeted::Looked)) => return,
        Ok(Err(_)) => return tally.failed.one(),
        Err(_) => return tally.slow.one(),
    };
    seat.settle();
    let Terminated { octets, tls, is_two, shown } = terminated;
    match tls {
        Some(tls) if tls.resumed => tally.resumed.one(),
        Some(_) => tally.full.one(),
        None => {}
    }
    let Watchers { two, one, all } = watchers;
    let (from, _held, shown) = (carried.from.ip(), (permit, all), Arc::new(shown));
    let caller = Arc::new(Caller { shown, from, carried, tls, place, live, seat, _held });
    let ended = if is_two {
        drop(one);
        two_way(octets, caller, head_within, two).await
    } else {
        drop(two);
        one_by_one(octets, caller, head_within, one).await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Whom a balancer at this address says that it carries; none where it says nothing that is understood, which is counted.
async fn whom_it_carries(stream: &mut TcpStream, from: SocketAddr, tally: &DoorTally) -> Option<SocketAddr> {
    match tokio::time::timeout(HANDSHAKE, proxy::take(stream)).await {
        Ok(Ok(said)) => Some(said.map_or(from, |it| SocketAddr::new(it.ip().to_canonical(), it.port()))),
        Ok(Err(error)) => {
            tally.balancer.one();
            tracing::warn!(%from, %error, "a balancer is not understood");
            None
        }
        Err(_) => {
            tally.slow.one();
            None
        }
    }
}

/// What is spoken over a connection, until it ends.
pub(crate) type Spoken = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// HTTP/1.1. Whoever does not send the head of a request in time, the first one too, is let go.
fn one_by_one(octets: Octets, caller: Arc<Caller>, head_within: Duration, watcher: Watcher) -> Spoken {
    let service = service_fn(move |request| {
        let caller = Arc::clone(&caller);
        async move { Ok::<_, Infallible>(caller.answer(request, now()).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(HEAD);
    let connection = builder.serve_connection(TokioIo::new(octets), service).with_upgrades();
    Box::pin(watcher.watch(connection, |connection| connection.graceful_shutdown()))
}

/// HTTP/2. Whoever asks nothing for as long as a head may take is let go.
fn two_way(octets: Octets, caller: Arc<Caller>, head_within: Duration, watcher: Watcher) -> Spoken {
    let busy = Busy::default();
    let asked = busy.clone();
    let service = service_fn(move |request| {
        let (caller, turn) = (Arc::clone(&caller), asked.begin());
        async move { Ok::<_, Infallible>(caller.answer(request, now()).await.map(|body| turn.until_over(body))) }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.max_concurrent_streams(STREAMS);
    builder.timer(TokioTimer::new()).keep_alive_interval(PING).max_header_list_size(HEAD as u32);
    let connection = builder.serve_connection(TokioIo::new(octets), service);
    let connection: Spoken = Box::pin(watcher.watch(connection, |connection| connection.graceful_shutdown()));
    Box::pin(async move {
        tokio::select! {
            ended = connection => ended,
            () = busy.idle_for(head_within) => Ok(()),
        }
    })
}

/// What requests are read from, whatever protects them on their way.
type Octets = Box<dyn Stream>;

/// A connection of which TLS, if any, ends here.
struct Terminated {
    octets: Octets,
    tls: Option<Tls>,
    is_two: bool,
    shown: Shown,
}

impl Terminated {
    fn plain(stream: TcpStream) -> Self {
        let octets = Box::new(pass::Read::nothing(stream));
        Self { octets, tls: None, is_two: false, shown: Shown::new(None) }
    }

    fn tls(stream: TlsStream<pass::Read>) -> Self {
        let (_, session) = stream.get_ref();
        let (tls, is_two) = (Tls::of(session), session.alpn_protocol() == Some(b"h2"));
        let shown = Shown::new(session.peer_certificates());
        Self { octets: Box::new(stream), tls: Some(tls), is_two, shown }
    }
}

/// Whose a connection turned out to be.
enum Greeted {
    Ours(Terminated),
    Passed(Pass, pass::Read),
    /// An authority that looked whether a name is ours.
    Looked,
}

/// Ends TLS, where there is any, unless it is asked for a name that is passed on.
async fn greet(stream: TcpStream, passes: &[Pass], way: Way) -> io::Result<Greeted> {
    if matches!(way, Way::Plain) {
        return Ok(Greeted::Ours(Terminated::plain(stream)));
    }
    let (stream, name) = match passes {
        [] => (pass::Read::nothing(stream), None),
        _ => pass::Read::hello(stream).await?,
    };
    let passed = name.and_then(|name| passes.iter().find(|pass| pass.name.eq_ignore_ascii_case(&name)));
    match passed {
        Some(pass) => Ok(Greeted::Passed(pass.clone(), stream)),
        None => Ok(way
            .end(stream)
            .await?
            .map_or(Greeted::Looked, |stream| Greeted::Ours(Terminated::tls(stream)))),
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
