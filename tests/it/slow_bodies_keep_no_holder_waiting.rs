//! Strangers who send their bodies slowly take no holder's place at the host of keyrings, and are let go.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use sceau_pki::{Certificate, provider};
use sceau_tests::keyrings::Keyrings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore};

/// More than the requests that the host has under way at once, and than those of one address.
const SLOW: usize = 520;
const HEAD: &[u8] = b"POST /v1/keyrings/messages HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 300000\r\n\r\n{";

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_keep_no_holder_waiting() {
    let keyrings = Keyrings::start("keyring-slow");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    let mut slow = Vec::with_capacity(SLOW);
    for _ in 0..SLOW {
        slow.push(connected(&keyrings).await);
    }
    // All at once, after the last handshake: none of them is let go before the holder comes.
    for stream in &mut slow {
        stream.write_all(HEAD).await.unwrap();
        stream.flush().await.unwrap();
    }
    keyrings.sign(&folder, &request, "pin").success();
    for stream in &mut slow {
        let mut said = [0; 12];
        timeout(Duration::from_secs(60), stream.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(&said, b"HTTP/1.1 408");
    }
}

/// A connection to the host, by HTTP/1.1 over its TLS.
async fn connected(keyrings: &Keyrings) -> TlsStream<TcpStream> {
    let pem = std::fs::read_to_string(keyrings.scratch.join("host.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    for certificate in Certificate::all_from_pem(&pem, "the host's").unwrap() {
        roots.add(certificate.der().clone()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_protocol_versions(DEFAULT_VERSIONS).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let port: u16 = keyrings.address().rsplit_once(':').unwrap().1.parse().unwrap();
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect("localhost".try_into().unwrap(), stream).await.unwrap()
}
