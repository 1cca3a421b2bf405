//! HTTPS, on an internal address only.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use sceau_store::{Conversation, Entrance, Protocol};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt as _;

use super::guard::Presented;
use crate::error::Error;
use crate::manager::KeyManager;

/// How long a handshake may take, and requests under way may take after `stop`.
const HANDSHAKE: Duration = Duration::from_secs(10);
const DRAIN: Duration = Duration::from_secs(10);
/// Connections at once: a browser has one or two.
const CONNECTIONS: usize = 1024;
/// Of them, from one address: a whole office may be behind one, and no machine takes those of all others.
const OF_AN_ADDRESS: usize = CONNECTIONS / 2;
/// Of the requests at once on a connection of HTTP/2 each may hold a body.
const BOUNDS: Conversation =
    Conversation { head_within: Duration::from_secs(20), streams: 64, read_ahead: None };

impl KeyManager {
    /// Serves pages and API over HTTPS until `stop` resolves, then ends requests under way within ten seconds.
    ///
    /// # Errors
    /// [`Error::PublicAddress`] unless the listener is on loopback or a private network.
    pub async fn serve(&self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let io = |cause| Error::Io { what: "listening".to_owned(), cause };
        let address = listener.local_addr().map_err(io)?.ip();
        if !is_internal(address) {
            return Err(Error::PublicAddress(address));
        }
        let router = super::router(self.clone());
        let ends = watch::Sender::new(false);
        let each = |stream, _, entered| {
            let Some(config) = self.tls().config() else { return };
            let (router, told) = (router.clone(), ends.subscribe());
            tokio::spawn(async move {
                converse(stream, TlsAcceptor::from(config), router, told).await;
                drop(entered);
            });
        };
        Entrance::new(CONNECTIONS, OF_AN_ADDRESS).accept(&listener, stop, each).await;
        drop(listener);
        ends.send_replace(true);
        drop(tokio::time::timeout(DRAIN, ends.closed()).await);
        Ok(())
    }
}

/// Loopback, and what RFC 1918, RFC 3927, RFC 4193 and RFC 4291 keep for private networks. Not "any address".
fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// Answers the requests of a connection until it ends, or `told` says that all end.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    acceptor: TlsAcceptor,
    router: Router,
    mut told: watch::Receiver<bool>,
) {
    let Some(stream) = handshake(acceptor, stream).await else { return };
    let (_, session) = stream.get_ref();
    let protocol = Protocol::agreed(session.alpn_protocol());
    let chain = session.peer_certificates();
    let presented =
        Presented(chain.map(|chain| chain.iter().map(|each| each.clone().into_owned()).collect()));
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(presented.clone());
        router.clone().oneshot(request.map(Body::new))
    };
    let told = async { drop(told.wait_for(|ends| *ends).await) };
    if let Err(error) = BOUNDS.speak((protocol, stream), answer, told).await {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: TlsAcceptor,
    stream: S,
) -> Option<TlsStream<S>> {
    match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::sync::Arc;

    use super::*;
    use sceau_pki::{Anchors, Authority, AuthorityProfile, ServerProfile, TlsIdentity};
    use sceau_store::{Clock as _, SystemClock};
    use tokio::io::{AsyncReadExt as _, duplex};
    use tokio::time::{Instant, timeout};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::ClientConfig;
    use tokio_rustls::rustls::pki_types::ServerName;

    fn tls() -> (TlsAcceptor, ClientConfig) {
        let now = SystemClock.now_ms();
        let authority = Authority::create(&AuthorityProfile::of("Judge"), now).unwrap();
        let issued = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now).unwrap();
        let server = sceau_pki::server_config(&TlsIdentity::of(&issued).unwrap()).unwrap();
        let anchors = Anchors::new([authority.certificate().clone()]).unwrap();
        (TlsAcceptor::from(Arc::new(server)), sceau_pki::client_config(&anchors, None).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_after_its_handshake_is_let_go_and_so_is_everybody_at_the_end() {
        let (acceptor, client) = tls();
        for protocol in [b"h2".as_slice(), b"http/1.1"] {
            for told in [false, true] {
                let (ours, theirs) = duplex(64 * 1024);
                let mut client = client.clone();
                client.alpn_protocols = vec![protocol.to_vec()];
                let (began, ends) = (Instant::now(), watch::Sender::new(false));
                let serving =
                    tokio::spawn(converse(theirs, acceptor.clone(), Router::new(), ends.subscribe()));
                let name = ServerName::try_from("localhost").unwrap();
                let mut stream = TlsConnector::from(Arc::new(client)).connect(name, ours).await.unwrap();
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
                ends.send_replace(told);
                let mut came = Vec::new();
                let reading = stream.read_to_end(&mut came);
                drop(timeout(20 * BOUNDS.head_within, reading).await.unwrap());
                serving.await.unwrap();
                ends.closed().await;
                let most = if told { DRAIN } else { 3 * BOUNDS.head_within };
                assert!(began.elapsed() <= most, "{protocol:?} {told}: {:?}", began.elapsed());
            }
        }
    }

    #[test]
    fn only_internal_addresses_are_listened_on() {
        for internal in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "172.16.0.1", "::1", "fd00::1", "fe80::1"] {
            assert!(is_internal(internal.parse().unwrap()), "{internal}");
        }
        for public in
            ["0.0.0.0", "::", "203.0.113.7", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "172.32.0.1"]
        {
            assert!(!is_internal(public.parse().unwrap()), "{public}");
        }
    }
}
