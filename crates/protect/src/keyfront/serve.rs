//! The keyfront's own listener: TLS ends here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::{Extension, Router};
use hyper::body::Incoming;
use sceau_store::{Conversation, Places, Protocol, neighbourhood};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
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

/// Serves until `stop` resolves. Without `tls`, connections are taken as they are, for loopback alone: HTTP/2 of who begins with its preface, HTTP/1.1 of everybody
/// else.
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
        drop(stream.set_nodelay(true));
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

async fn take(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
) {
    let Some(config) = tls else {
        return match timeout(HEADERS, Protocol::heard(stream)).await {
            Ok(Ok(heard)) => connection(heard, router).await,
            _ => tracing::debug!("a connection said nothing"),
        };
    };
    match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => {
            let protocol = Protocol::agreed(stream.get_ref().1.alpn_protocol());
            connection((protocol, stream), router).await;
        }
        _ => tracing::debug!("a TLS handshake failed"),
    }
}

async fn connection(
    (protocol, stream): (Protocol, impl AsyncRead + AsyncWrite + Unpin + Send + 'static),
    router: Router,
) {
    let answer = move |request: Request<Incoming>| router.clone().oneshot(request.map(Body::new));
    let conversation = Conversation { head_within: HEADERS, streams: STREAMS, read_ahead: None };
    if let Err(error) = conversation.speak((protocol, stream), answer, std::future::pending()).await {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_pki::{Anchors, Authority, AuthorityProfile, ServerProfile, TlsIdentity};
    use sceau_store::{Clock as _, SystemClock};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::time::Instant;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::ClientConfig;
    use tokio_rustls::rustls::pki_types::ServerName;

    fn tls() -> (Arc<ServerConfig>, ClientConfig) {
        let now = SystemClock.now_ms();
        let authority = Authority::create(&AuthorityProfile::of("Judge"), now).unwrap();
        let issued = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now).unwrap();
        let server = sceau_pki::server_config(&TlsIdentity::of(&issued).unwrap()).unwrap();
        let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
        (Arc::new(server), sceau_pki::client_config(&anchors, None).unwrap())
    }

    /// Says this and no more, and hears what comes until the other side ends.
    async fn says(mut stream: impl AsyncRead + AsyncWrite + Unpin, said: &[u8]) -> Vec<u8> {
        let mut came = Vec::new();
        stream.write_all(said).await.unwrap();
        drop(timeout(20 * HEADERS, stream.read_to_end(&mut came)).await.unwrap());
        came
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_after_its_handshake_is_let_go() {
        let (server, client) = tls();
        for protocol in [b"h2".as_slice(), b"http/1.1"] {
            let (ours, theirs) = duplex(64 * 1024);
            let mut client = client.clone();
            client.alpn_protocols = vec![protocol.to_vec()];
            let began = Instant::now();
            let serving = tokio::spawn(take(theirs, Some(Arc::clone(&server)), Router::new()));
            let name = ServerName::try_from("localhost").unwrap();
            let stream = TlsConnector::from(Arc::new(client)).connect(name, ours).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
            says(stream, b"").await;
            serving.await.unwrap();
            assert!(began.elapsed() < 3 * HEADERS, "{:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_tls_who_says_nothing_is_let_go_too_and_both_protocols_are_heard() {
        let asks = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice();
        let two = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".as_slice();
        for (said, begins) in
            [(b"".as_slice(), b"".as_slice()), (b"PRI", b""), (asks, b"HTTP/1.1 404"), (two, b"\0\0")]
        {
            let (ours, theirs) = duplex(64 * 1024);
            let began = Instant::now();
            let serving = tokio::spawn(take(theirs, None, Router::new()));
            let came = says(ours, said).await;
            assert!(came.starts_with(begins) && came.is_empty() == begins.is_empty(), "{came:?}");
            serving.await.unwrap();
            assert!(began.elapsed() < 3 * HEADERS, "{:?}", began.elapsed());
        }
    }
}
