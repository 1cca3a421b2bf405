//! Threat 3.9.1.5, blocking a keyring from outside: who knows its id, its invitation and its provider moves no counter; and strangers who send their bodies slowly take no holder's place
//! at the host of keyrings, and are let go.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use sceau_pki::{Certificate, provider};
use sceau_tests::keyrings::{Keyrings, refused, said};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore};

/// More than the requests that the host has under way at once.
const SLOW: usize = 520;
/// Bodies of one address that may arrive at once.
const SHARE: usize = 256;
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
    for number in 0..SLOW {
        slow.push(
            connected(
                &keyrings,
                if number < SHARE {
                    2
                } else if number < 2 * SHARE {
                    3
                } else {
                    4
                },
            )
            .await,
        );
    }
    // All at once, after the last handshake: none of them is let go before the holder comes.
    all_begin(&mut slow).await;
    keyrings.sign(&folder, &request, "pin").success();
    for stream in &mut slow {
        let mut said = [0; 12];
        timeout(Duration::from_secs(60), stream.read_exact(&mut said)).await.unwrap().unwrap();
        assert_eq!(&said, b"HTTP/1.1 408");
    }
}

/// All that is known of a keyring but its code and its terminal's key.
#[tokio::test(flavor = "multi_thread")]
async fn who_knows_a_keyrings_id_blocks_nothing() {
    let keyrings = Keyrings::start("keyring-strangers");
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    let code = std::fs::read(keyrings.scratch.join("k.code")).unwrap();
    keyrings.scratch.write("k.code", "0000-0000-0000-0000-0000");
    for _ in 0..5 {
        assert_eq!(refused(&keyrings.activate(&keyring, &keyrings.scratch.join("other"))), "factor_invalid");
    }
    keyrings.scratch.write("k.code", code);
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    // Another keyring's terminal tries in its name, more often than would block it.
    let other = keyrings.hand_over("other", "Pierre Curie");
    let elsewhere = keyrings.scratch.join("elsewhere");
    keyrings.activate(&other, &elsewhere).success();
    let own = std::fs::read_to_string(elsewhere.join("keyring.json")).unwrap();
    std::fs::write(elsewhere.join("keyring.json"), own.replace(&other.id, &keyring.id)).unwrap();
    for _ in 0..4 {
        assert_eq!(refused(&keyrings.sign(&elsewhere, &request, "pin")), "actor_unknown");
    }
    for stranger in ["stranger", "sp", "officer"] {
        let stops = keyrings.of(stranger, &["suspend", "--reason", "lost"], &keyring);
        assert_eq!(refused(&stops), "actor_unknown");
    }
    let state = keyrings.on(&folder, &["state"]).success();
    assert_eq!(said(&state, "/standing/phase"), "active");
    keyrings.sign(&folder, &request, "pin").success();
}

/// A stranger's bodies take the share of the stranger's address, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_its_share_of_bodies_that_arrive() {
    let keyrings = Keyrings::start("keyring-share");
    let mut slow = Vec::with_capacity(2 * SHARE + 1);
    for number in 0..=2 * SHARE {
        slow.push(connected(&keyrings, if number < 2 * SHARE { 2 } else { 3 }).await);
    }
    // All at once, after the last handshake; that of the other address last, when the share is taken.
    all_begin(&mut slow).await;
    let mut told = Vec::new();
    for stream in &mut slow {
        let mut said = [0; 12];
        timeout(Duration::from_secs(60), stream.read_exact(&mut said)).await.unwrap().unwrap();
        told.push(String::from_utf8_lossy(&said).into_owned());
    }
    let other = told.pop();
    assert_eq!(
        other.as_deref(),
        Some("HTTP/1.1 408"),
        "another address has its own share, and is waited for"
    );
    // What comes while the share is taken is refused; as many as the share were waited for, or more where the first were let go before the last came.
    let (refused, waited_for): (Vec<_>, Vec<_>) = told.iter().partition(|said| *said == "HTTP/1.1 503");
    assert!((1..=SHARE).contains(&refused.len()), "{} were refused", refused.len());
    assert!(waited_for.iter().all(|said| *said == "HTTP/1.1 408"), "{waited_for:?}");
}

/// Begins a request on each, and nothing of its body but the first octet.
async fn all_begin(slow: &mut [TlsStream<TcpStream>]) {
    for stream in slow {
        stream.write_all(HEAD).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// A connection to the host, by HTTP/1.1 over its TLS, from an address of this machine that ends so.
async fn connected(keyrings: &Keyrings, from: u8) -> TlsStream<TcpStream> {
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
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into()).unwrap();
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect("localhost".try_into().unwrap(), stream).await.unwrap()
}
