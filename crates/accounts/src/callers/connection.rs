//! One connection of a host that ends TLS itself: what its caller showed goes beside each request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use sceau_store::{Conversation, Protocol};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::edge::Presented;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Answers the requests of a connection. Without `tls` it is taken as it is: HTTP/2 of who begins with its preface, HTTP/1.1 of everybody else.
pub async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    tls: Option<Arc<ServerConfig>>,
    bounds: Conversation,
    router: Router,
) {
    let Some(config) = tls else {
        return match timeout(bounds.head_within, Protocol::heard(stream)).await {
            Ok(Ok(heard)) => speak(heard, Presented::default(), bounds, router).await,
            _ => tracing::debug!("a connection said nothing"),
        };
    };
    match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => {
            let (_, session) = stream.get_ref();
            let protocol = Protocol::agreed(session.alpn_protocol());
            let shown = Presented::of(session.peer_certificates());
            speak((protocol, stream), shown, bounds, router).await;
        }
        _ => tracing::debug!("a TLS handshake failed"),
    }
}

async fn speak(
    spoken: (Protocol, impl AsyncRead + AsyncWrite + Unpin + Send + 'static),
    shown: Presented,
    bounds: Conversation,
    router: Router,
) {
    let answer = move |request: axum::http::Request<_>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(shown.clone());
        tower::ServiceExt::oneshot(router.clone(), request)
    };
    if let Err(error) = bounds.speak(spoken, answer, std::future::pending()).await {
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

    const HEADERS: Duration = Duration::from_secs(20);
    const BOUNDS: Conversation = Conversation { head_within: HEADERS, streams: 64, read_ahead: None };

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
            let serving = tokio::spawn(converse(theirs, Some(Arc::clone(&server)), BOUNDS, Router::new()));
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
            let serving = tokio::spawn(converse(theirs, None, BOUNDS, Router::new()));
            let came = says(ours, said).await;
            assert!(came.starts_with(begins) && came.is_empty() == begins.is_empty(), "{came:?}");
            serving.await.unwrap();
            assert!(began.elapsed() < 3 * HEADERS, "{:?}", began.elapsed());
        }
    }
}
