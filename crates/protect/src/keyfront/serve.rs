//! The keyfront's own listener: TLS ends here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::{Extension, Router};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use sceau_store::{Places, neighbourhood};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt as _;

use super::{Keyfront, http};

const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(20);
/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 1024;
/// Of these, of one address.
const OF_ONE_ADDRESS: usize = CONNECTIONS / 4;
/// Calls at once on a connection of HTTP/2.
const STREAMS: u32 = 64;

/// A connection, for whoever must end it. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Connection(Arc<Notify>);

impl Connection {
    /// Ends it, with all that is under way on it.
    pub(super) fn end(&self) {
        self.0.notify_one();
    }
}

/// Serves until `stop` resolves. Without `tls`, connections are taken as they are: for loopback alone.
pub async fn serve(
    keyfront: Keyfront,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    stop: impl Future<Output = ()>,
) {
    let router = http::router(keyfront);
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let of_addresses = Places::new(OF_ONE_ADDRESS);
    tokio::pin!(stop);
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let accepted = tokio::select! {
            () = &mut stop => return,
            accepted = next => accepted,
        };
        let (Ok((stream, peer)), Ok(permit)) = accepted else {
            // Out of descriptors: others close theirs meanwhile.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        // Closed at once: one address does not take the connections of all others.
        let Some(place) = of_addresses.take(neighbourhood(peer.ip())) else { continue };
        let ends = Connection::default();
        let of_it = (Extension(ConnectInfo(peer)), Extension(ends.clone()));
        let (router, tls) = (router.clone().layer(of_it), tls.clone());
        tokio::spawn(async move {
            let _held = (permit, place);
            tokio::select! {
                () = take(stream, tls, router) => {}
                () = ends.0.notified() => tracing::info!("a caller did not take its answer: its connection is ended"),
            }
        });
    }
}

async fn take(stream: TcpStream, tls: Option<Arc<ServerConfig>>, router: Router) {
    drop(stream.set_nodelay(true));
    let Some(config) = tls else { return connection(stream, router).await };
    match tokio::time::timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => connection(stream, router).await,
        _ => tracing::debug!("a TLS handshake failed"),
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        router.clone().oneshot(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADERS).max_concurrent_streams(STREAMS);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended");
    }
}
