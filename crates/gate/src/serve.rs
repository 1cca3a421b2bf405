//! Listening: a handshake that asks for a certificate and demands none, then each request judged by itself.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{HOST, HeaderName, HeaderValue},
    service::service_fn,
};
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
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

use crate::{
    answer::{self, Body},
    check,
    clock::now,
    error::Error,
    forward::Upstreams,
    lists::{Feed, Keeper, Keeping},
    plan::{Ambiguous, Listener, Plan},
    shown::Shown,
};

/// Of a request, in the service's log and in the gate's.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a handshake may take, a client may take to send its headers, and requests under way may take once the gate stops.
const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(20);
const DRAIN: Duration = Duration::from_secs(30);
/// Connections of a listener at once.
const CONNECTIONS: usize = 16_384;

/// A gate.
#[derive(Debug)]
pub struct Gate {
    listeners: Vec<Arc<Listener>>,
    lists: Lists,
    upstreams: Upstreams,
}

#[derive(Debug)]
struct Lists(Vec<Arc<Feed>>, Keeping);

/// A gate whose addresses are taken: nobody is served before [`Listening::serve`].
#[derive(Debug)]
pub struct Listening {
    sockets: Vec<(TcpListener, Arc<Listener>)>,
    lists: Lists,
    upstreams: Upstreams,
}

impl Gate {
    /// A gate by this plan.
    pub fn new(plan: Plan) -> Self {
        let listeners = plan.listeners.into_iter().map(Arc::new).collect();
        let lists = Lists(plan.feeds, plan.keeping);
        Self { listeners, lists, upstreams: Upstreams::new() }
    }

    /// Takes the addresses.
    ///
    /// # Errors
    /// [`Error::Listen`].
    pub async fn listen(self) -> Result<Listening, Error> {
        let mut sockets = Vec::new();
        for listener in self.listeners {
            let address = listener.address;
            let socket = TcpListener::bind(address).await;
            sockets.push((socket.map_err(|cause| Error::Listen { address, cause })?, listener));
        }
        Ok(Listening { sockets, lists: self.lists, upstreams: self.upstreams })
    }
}

impl Listening {
    /// Where it listens, in the order of the configuration: of a port 0, the one that the system chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets.iter().filter_map(|(socket, _)| socket.local_addr().ok()).collect()
    }

    /// Serves until `stop` resolves, then ends requests under way within thirty seconds.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let graceful = Arc::new(GracefulShutdown::new());
        let _keeper = Keeper::start(&self.lists.0, &self.lists.1, false);
        let mut accepting = JoinSet::new();
        for (socket, listener) in self.sockets {
            accepting.spawn(accept(socket, listener, self.upstreams.clone(), Arc::clone(&graceful)));
        }
        stop.await;
        accepting.shutdown().await;
        if let Some(graceful) = Arc::into_inner(graceful) {
            drop(tokio::time::timeout(DRAIN, graceful.shutdown()).await);
        }
    }
}

/// Takes connections until it is dropped.
async fn accept(
    socket: TcpListener,
    listener: Arc<Listener>,
    upstreams: Upstreams,
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
        let (listener, upstreams, watcher) = (Arc::clone(&listener), upstreams.clone(), graceful.watcher());
        tokio::spawn(connection(stream, permit, from, listener, upstreams, watcher));
    }
}

async fn connection(
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
    from: IpAddr,
    listener: Arc<Listener>,
    upstreams: Upstreams,
    watcher: Watcher,
) {
    drop(stream.set_nodelay(true));
    let accepted = TlsAcceptor::from(Arc::clone(&listener.tls)).accept(stream);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, accepted).await else { return };
    let chain = stream.get_ref().1.peer_certificates();
    let caller = Arc::new(Caller { shown: Shown::new(chain), from, listener, upstreams });
    let service = service_fn(move |request| {
        let caller = Arc::clone(&caller);
        async move { Ok::<_, Infallible>(caller.answer(request, now()).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended");
    }
    drop(permit);
}

/// Who is at the other end of a connection, as its handshake left it.
struct Caller {
    shown: Shown,
    from: IpAddr,
    listener: Arc<Listener>,
    upstreams: Upstreams,
}

impl Caller {
    /// Answers one request under an id of its own, which the service behind and the caller both learn.
    async fn answer(&self, mut request: Request<Incoming>, now: u64) -> Response<Body> {
        let id = Uuid::new_v4().to_string();
        let Ok(value) = HeaderValue::from_str(&id) else {
            return answer::failure(StatusCode::INTERNAL_SERVER_ERROR, "internal");
        };
        request.headers_mut().insert(REQUEST_ID, value.clone());
        let mut response = self.decide(request, &id, now).await;
        response.headers_mut().insert(REQUEST_ID, value);
        response
    }

    /// Judges one request at `now` (Unix milliseconds): certificates expire and are taken back while connections stay open.
    async fn decide(&self, request: Request<Incoming>, id: &str, now: u64) -> Response<Body> {
        if *request.method() == Method::CONNECT {
            // A tunnel would carry requests that nobody judges.
            return answer::failure(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        }
        let Some(host) = host(&request) else {
            return answer::failure(StatusCode::BAD_REQUEST, "host_missing");
        };
        let path = request.uri().path();
        let route = match self.listener.route(name_of(&host), path) {
            Ok(Some(route)) => route,
            Ok(None) => return answer::failure(StatusCode::NOT_FOUND, "no_route"),
            Err(Ambiguous) => return answer::failure(StatusCode::BAD_REQUEST, "path_ambiguous"),
        };
        let at_check = path.strip_prefix(route.base()) == Some("/check");
        let admitted = route.guard.as_ref().map(|guard| guard.admit(&self.shown, self.from, now));
        let admitted = match admitted.transpose() {
            Ok(admitted) => admitted,
            Err(denial) => {
                tracing::info!(id, code = denial.code(), from = %self.from, "a request is refused");
                return answer::denied(&denial, self.shown.chain(), at_check);
            }
        };
        if let Some(admitted) = &admitted {
            tracing::debug!(id, subject = %admitted.identity.subject, "a request is let through");
        }
        if at_check && route.guard.is_some() && request.method() == Method::GET {
            return check::answer(&route.upstream).await;
        }
        self.upstreams.forward(&route.upstream, request, &host, self.from, admitted.as_deref()).await
    }
}

/// The host that a request is for, with its port: of HTTP/2 from `:authority`.
fn host(request: &Request<Incoming>) -> Option<String> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    authority.or(header).filter(|host| !host.contains('@')).map(str::to_owned)
}

/// Without the port.
fn name_of(host: &str) -> &str {
    let port = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    port.map_or(host, |(name, _)| name)
}
