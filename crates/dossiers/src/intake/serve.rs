//! The intake's own listener: TLS ends here, in the privileged zone; small buffers, so that many slow uploads take little memory.

use std::net::IpAddr;
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
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt as _;

use super::{Intake, http};
use crate::callers::{Edge, Presented};

const HANDSHAKE: Duration = Duration::from_secs(10);
const HEADERS: Duration = Duration::from_secs(20);
/// Connections at once; others wait to be accepted.
const CONNECTIONS: usize = 1024;
/// Requests at once on a connection of HTTP/2: each may hold a body.
const STREAMS: u32 = 32;
/// Bytes that are read ahead of a connection.
const READ_AHEAD: usize = 64 * 1024;

/// Serves until `stop` resolves.
pub async fn serve(intake: Intake, listener: TcpListener, edge: Edge, stop: impl Future<Output = ()>) {
    let of_addresses = Places::new(intake.0.settings.connections);
    accept((http::router(intake, edge.callers()), of_addresses), listener, edge, stop).await;
}

/// The same, for routes of another host of the privileged zone, where one address has at most a quarter of the connections. Each request knows its
/// peer's address.
pub(crate) async fn listen(
    router: Router,
    listener: TcpListener,
    edge: Edge,
    stop: impl Future<Output = ()>,
) {
    accept((router, Places::new(CONNECTIONS / 4)), listener, edge, stop).await;
}

async fn accept(
    (router, of_addresses): (Router, Places<IpAddr>),
    listener: TcpListener,
    edge: Edge,
    stop: impl Future<Output = ()>,
) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
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
        let (router, tls) = (router.clone().layer(Extension(ConnectInfo(peer))), edge.config());
        tokio::spawn(async move {
            let _held = (permit, place);
            take(stream, tls, router).await;
        });
    }
}

async fn take(stream: TcpStream, tls: Option<Arc<ServerConfig>>, router: Router) {
    drop(stream.set_nodelay(true));
    match tls {
        None => connection(stream, Presented::default(), router).await,
        Some(config) => {
            let accepted = TlsAcceptor::from(config).accept(stream);
            match tokio::time::timeout(HANDSHAKE, accepted).await {
                Ok(Ok(stream)) => {
                    let shown = Presented::of(stream.get_ref().1.peer_certificates());
                    connection(stream, shown, router).await;
                }
                _ => tracing::debug!("a TLS handshake failed"),
            }
        }
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shown: Presented,
    router: Router,
) {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(shown.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(READ_AHEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADERS)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(READ_AHEAD as u32)
        .initial_connection_window_size(4 * READ_AHEAD as u32);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended");
    }
}
