//! Where applications of this machine call.

use std::{
    convert::Infallible,
    fs, io,
    net::SocketAddr,
    os::{
        fd::OwnedFd,
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    path::Path,
    sync::Arc,
    time::Duration,
};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{HOST, HeaderName, HeaderValue, ORIGIN, PROXY_AUTHORIZATION, REFERER, TE, VIA},
    http::uri::PathAndQuery,
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

use super::{At, Outgoing, words};
use crate::{
    answer::{self, Body},
    connection::HEAD,
    error::Error,
    forward::{says, strip, withhold},
    given::{Given, lend},
    live::Live,
    upstream::{Errand, Upload},
};

/// Applications that are connected at once.
const CALLERS: usize = 1024;
const HEAD_WITHIN: Duration = Duration::from_secs(20);
/// Of this machine's own business.
const OURS: [HeaderName; 5] = [PROXY_AUTHORIZATION, REFERER, VIA, HeaderName::from_static("x-real-ip"), HOST];

/// An address on which applications are answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) at: At,
    socket: Socket,
    _task: JoinSet<()>,
}

#[derive(Clone, Debug)]
enum Socket {
    Tcp(Arc<TcpListener>),
    Unix(Arc<UnixListener>),
}

/// An address that is taken.
#[derive(Debug)]
pub(crate) struct Taken {
    at: At,
    socket: Socket,
}

impl Taken {
    /// Of a port 0, the one that the system chose.
    pub(crate) fn address(&self) -> String {
        match &self.socket {
            Socket::Tcp(socket) => {
                socket.local_addr().map_or_else(|_| self.at.to_string(), |it| it.to_string())
            }
            Socket::Unix(_) => self.at.to_string(),
        }
    }
}

impl Door {
    /// Takes the address.
    ///
    /// # Errors
    /// [`Error::Listen`], [`Error::File`] of a socket.
    pub(crate) async fn take(at: &At, given: &Given) -> Result<Taken, Error> {
        let socket = match at {
            At::Tcp(address) => {
                let socket = given.tcp(*address).await;
                let socket = socket.map_err(|cause| Error::Listen { address: *address, cause });
                Socket::Tcp(Arc::new(socket?))
            }
            At::Unix(path, mode) => {
                let file = |cause| Error::File {
                    setting: "outgoing, address".to_owned(),
                    path: path.display().to_string(),
                    cause,
                };
                Socket::Unix(Arc::new(unix(path, *mode, given).map_err(file)?))
            }
        };
        Ok(Taken { at: at.clone(), socket })
    }

    /// Answers there.
    pub(crate) fn open(Taken { at, socket }: Taken, live: Arc<Live>) -> Self {
        let (mut task, own_at) = (JoinSet::new(), at.clone());
        let places = Arc::new(Semaphore::new(CALLERS));
        match socket.clone() {
            Socket::Tcp(socket) => task.spawn(async move {
                let own = socket.local_addr().ok();
                loop {
                    let accepted = socket.accept().await.map(|(stream, _)| stream);
                    attend(accepted, &places, Here { at: at.clone(), own, live: Arc::clone(&live) }).await;
                }
            }),
            Socket::Unix(socket) => task.spawn(async move {
                loop {
                    let accepted = socket.accept().await.map(|(stream, _)| stream);
                    attend(accepted, &places, Here { at: at.clone(), own: None, live: Arc::clone(&live) })
                        .await;
                }
            }),
        };
        Self { at: own_at, socket, _task: task }
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
}

/// Where a request came in.
struct Here {
    at: At,
    own: Option<SocketAddr>,
    live: Arc<Live>,
}

async fn attend<S>(accepted: io::Result<S>, places: &Arc<Semaphore>, here: Here)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Ok(stream) = accepted else {
        // Out of descriptors: others close theirs meanwhile.
        return tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let Ok(place) = Arc::clone(places).acquire_owned().await else { return };
    let here = Arc::new(here);
    tokio::spawn(async move {
        let service = service_fn(move |request| {
            let here = Arc::clone(&here);
            async move { Ok::<_, Infallible>(here.answer(request).await) }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD);
        drop(builder.serve_connection(TokioIo::new(stream), service).await);
        drop(place);
    });
}

impl Here {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let plan = self.live.plan();
        let Some(outgoing) = plan.outgoing.iter().find(|outgoing| outgoing.at == self.at) else {
            let gone = said(
                StatusCode::MISDIRECTED_REQUEST,
                "listener_gone",
                "the file no longer names this address",
            );
            return answer::closing(gone);
        };
        let mut response = match self.call(outgoing, request).await {
            Ok(response) => response,
            Err(own) => own,
        };
        if self.live.is_leaving() {
            response = answer::closing(response);
        }
        response
    }

    /// The partner's answer, or our own.
    async fn call(
        &self,
        outgoing: &Outgoing,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Response<Body>> {
        self.is_an_application(&request)?;
        let (mut head, body) = request.into_parts();
        let upload = Upload::new(body, head.version);
        let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let path = format!("{}{path}", outgoing.base);
        let (Ok(path), Ok(host)) = (path.parse(), HeaderValue::from_str(outgoing.authority.as_str())) else {
            return Err(said(StatusCode::BAD_REQUEST, "path_malformed", "this path cannot be asked for"));
        };
        head.uri = path;
        let trailers = says(&head.headers, &TE, "trailers");
        clear(&mut head.headers);
        head.headers.insert(HOST, host);
        if trailers {
            head.headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        match outgoing.upstreams().send(Request::from_parts(head, upload.clone()), Errand::default()).await {
            Ok(mut response) => {
                strip(response.headers_mut());
                *response.version_mut() = hyper::Version::HTTP_11;
                if let Some((code, words)) = words::turned_away(response.status()) {
                    tracing::warn!(to = %outgoing.authority, code, "a partner turns a call away");
                    answer::explain(&mut response, code, words);
                }
                Ok(response)
            }
            Err(trouble) => {
                upload.drain().await;
                let (status, code, words) = words::told(&trouble);
                tracing::warn!(to = %outgoing.authority, code, "a partner is not reached");
                Err(said(status, code, words))
            }
        }
    }

    /// Whether an application of this machine calls by our own address, and no page of elsewhere through a browser on it.
    #[allow(clippy::result_large_err, reason = "the error is the answer, and goes out as it is")]
    fn is_an_application<T>(&self, request: &Request<T>) -> Result<(), Response<Body>> {
        let headers = request.headers();
        let browser =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-"));
        if browser {
            let words = "a browser asks, for a page: this is for applications of this machine alone";
            return Err(said(StatusCode::FORBIDDEN, "browser_refused", words));
        }
        if *request.method() == Method::CONNECT || request.uri().authority().is_some() {
            let words = "this is no proxy for other hosts: ask it by its own address";
            return Err(said(StatusCode::FORBIDDEN, "host_refused", words));
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default();
        let ours = self.own.is_none_or(|own| {
            let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
            port == own.port().to_string()
                && (name.eq_ignore_ascii_case("localhost") || format!("{name}:{port}") == own.to_string())
        });
        if ours && hosts.next().is_none() {
            return Ok(());
        }
        let words = "ask by the address that the file names, or by localhost, with its port";
        Err(said(StatusCode::FORBIDDEN, "host_refused", words))
    }
}

/// Leaves nothing of this machine's in what goes out.
fn clear(headers: &mut HeaderMap) {
    strip(headers);
    withhold(headers);
    OURS.iter().for_each(|name| drop(headers.remove(name)));
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("sceau-")).cloned().collect();
    own.iter().for_each(|name| drop(headers.remove(name)));
}

fn said(status: StatusCode, code: &'static str, words: &'static str) -> Response<Body> {
    let mut response = answer::failure_in_words(status, code, words);
    answer::explain(&mut response, code, words);
    response
}

/// A socket of this mode. One that nobody listens on any more gives way.
fn unix(path: &Path, mode: u32, given: &Given) -> io::Result<UnixListener> {
    if let Some(socket) = given.unix(path)? {
        return Ok(socket);
    }
    let is_left = fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
        && std::os::unix::net::UnixStream::connect(path).is_err();
    if is_left {
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(socket)
}
