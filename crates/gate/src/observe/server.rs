//! Where whoever looks is answered: by loopback or a socket, apart from clients and their requests.

use std::{
    convert::Infallible,
    fs, io,
    net::{IpAddr, SocketAddr},
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::Path,
    sync::Arc,
    time::Duration,
};

use hyper::{
    Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    task::JoinSet,
};

use super::{
    metrics::metrics,
    page::file,
    settings::{At, Observing},
    state::state,
};
use crate::{
    answer::Body,
    clock::now,
    error::Error,
    given::{Given, lend},
    live::Live,
};

/// Who looks at once, at most.
const LOOKERS: usize = 64;
/// How long one has, from the handshake to the last octet of the one answer: who reads none of it leaves the place to others.
const WITHIN: Duration = Duration::from_secs(10);
/// Scripts and styles of the page's own, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An address that is taken: nobody is answered before [`Observer::start`].
#[derive(Debug)]
pub(crate) struct Window {
    at: At,
    socket: Socket,
}

#[derive(Clone, Debug)]
enum Socket {
    Tcp(Arc<TcpListener>),
    Unix(Arc<UnixListener>),
}

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Observer {
    at: At,
    socket: Socket,
    _task: JoinSet<()>,
}

impl Window {
    /// Takes the address that is wanted, if any.
    ///
    /// # Errors
    /// [`Error::File`] of a socket, [`Error::Listen`].
    pub(crate) async fn open(wanted: &Observing, given: &Given) -> Result<Option<Self>, Error> {
        let Some(at) = wanted.at.clone() else { return Ok(None) };
        let socket = match &at {
            At::Tcp(address) => {
                let socket = given.tcp(*address).await.map(Arc::new);
                Socket::Tcp(socket.map_err(|cause| Error::Listen { address: *address, cause })?)
            }
            At::Unix(path) => Socket::Unix(unix(path, given).map(Arc::new).map_err(|cause| Error::File {
                setting: "observe, address".to_owned(),
                path: path.display().to_string(),
                cause,
            })?),
        };
        Ok(Some(Self { at, socket }))
    }

    /// Of a port 0, the one that the system chose; none of a socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

impl Observer {
    pub(crate) fn start(window: Window, live: Arc<Live>) -> Self {
        let mut task = JoinSet::new();
        match window.socket.clone() {
            Socket::Tcp(socket) => task.spawn(async move {
                let places = Arc::new(Semaphore::new(LOOKERS));
                loop {
                    let accepted = socket.accept().await.map(|(stream, _)| stream);
                    attend(accepted, &places, &live).await;
                }
            }),
            Socket::Unix(socket) => task.spawn(async move {
                let places = Arc::new(Semaphore::new(LOOKERS));
                loop {
                    let accepted = socket.accept().await.map(|(stream, _)| stream);
                    attend(accepted, &places, &live).await;
                }
            }),
        };
        Self { at: window.at, socket: window.socket, _task: task }
    }

    /// Another handle on its socket.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn lend(&self) -> io::Result<OwnedFd> {
        match &self.socket {
            Socket::Tcp(socket) => lend(&**socket),
            Socket::Unix(socket) => lend(&**socket),
        }
    }

    /// Whether it answers where this is wanted.
    pub(crate) fn is_at(&self, wanted: &Observing) -> bool {
        wanted.at.as_ref() == Some(&self.at)
    }
}

async fn attend<S>(accepted: io::Result<S>, places: &Arc<Semaphore>, live: &Arc<Live>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Ok(stream) = accepted else {
        // Out of descriptors: others close theirs meanwhile.
        return tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
    let live = Arc::clone(live);
    tokio::spawn(async move {
        let service = service_fn(|request| {
            let response = respond(&request, &live);
            async move { Ok::<_, Infallible>(response) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(WITHIN).keep_alive(false);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        drop(tokio::time::timeout(WITHIN, connection).await);
        drop(place);
    });
}

fn respond<B>(request: &Request<B>, live: &Live) -> Response<Body> {
    let plan = live.plan();
    let Some(observing) = &plan.observing else { return said(StatusCode::NOT_FOUND, "text/plain", "") };
    if !is_ours(request, observing) {
        let words = "this name is not one of the gate's: ask by its address, or add the name to `names` in [observe]\n";
        return said(StatusCode::MISDIRECTED_REQUEST, "text/plain; charset=utf-8", words);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return said(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "");
    }
    match request.uri().path() {
        "/metrics" => said(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics(&plan, now())),
        "/state.json" => said(StatusCode::OK, "application/json", state(&plan, now())),
        path => match file(path) {
            Some((kind, text)) => said(StatusCode::OK, kind, text),
            None => said(StatusCode::NOT_FOUND, "text/plain", ""),
        },
    }
}

/// A page of elsewhere may bind its own name to this address, and would then be read to: it is asked for by a name that is ours, or by none.
fn is_ours<B>(request: &Request<B>, observing: &Observing) -> bool {
    let said = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = said.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(said, |(name, _)| name);
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    matches!(observing.at, Some(At::Unix(_)))
        || bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || observing.names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

fn said(status: StatusCode, kind: &'static str, body: impl Into<bytes::Bytes>) -> Response<Body> {
    use http_body_util::{BodyExt as _, Full};
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A socket of its owner's and its group's. One that nobody listens on any more gives way.
fn unix(path: &Path, given: &Given) -> io::Result<UnixListener> {
    if let Some(socket) = given.unix(path)? {
        return Ok(socket);
    }
    let is_left = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_left {
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(socket)
}
