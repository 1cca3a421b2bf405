//! Who calls: a client certificate, and requests that cost the caller as little as can be.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::SendRequest;
use hyper::Request;
use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use sceau_pki::{Anchors, Certificate, PrivateKey, TlsIdentity, client_config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ground::Ground;

const REQUEST: &[u8] = b"GET /guarded/x HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A client that shows a certificate.
#[derive(Clone)]
pub(super) struct Caller(TlsConnector);

/// A connection that is kept for the next request.
pub(super) struct Connection {
    stream: TlsStream<TcpStream>,
    answer: Vec<u8>,
}

impl Caller {
    /// One that never resumes a session.
    pub(super) fn with(ground: &Ground, client: &str) -> Result<Self, String> {
        Self::of(ground, client, b"http/1.1", Resumption::disabled())
    }

    /// One that takes up the sessions of before.
    pub(super) fn resuming(ground: &Ground, client: &str) -> Result<Self, String> {
        Self::of(ground, client, b"http/1.1", Resumption::in_memory_sessions(16))
    }

    fn of(ground: &Ground, client: &str, speaks: &[u8], resumption: Resumption) -> Result<Self, String> {
        let read = |name: String| {
            std::fs::read_to_string(ground.path(&name)).map_err(|error| format!("{name}: {error}"))
        };
        let anchors = Certificate::all_from_pem(&read("root.pem".into())?, "root.pem");
        let anchors = anchors.and_then(Anchors::new).map_err(|error| error.to_string())?;
        let key = PrivateKey::from_pem(&read(format!("{client}.key"))?).map_err(|error| error.to_string())?;
        let chain = read(format!("{client}.pem"))? + &read("authority.pem".into())?;
        let identity = TlsIdentity::new(&chain, key).map_err(|error| error.to_string())?;
        let mut config = client_config(&anchors, Some(&identity)).map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![speaks.to_vec()];
        config.resumption = resumption;
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn connect(&self, address: SocketAddr) -> Result<Connection, String> {
        Ok(Connection { stream: self.stream(address).await?, answer: Vec::new() })
    }

    async fn stream(&self, address: SocketAddr) -> Result<TlsStream<TcpStream>, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        drop(stream.set_nodelay(true));
        let name = ServerName::try_from("localhost").map_err(|error| error.to_string())?;
        self.0.connect(name, stream).await.map_err(|error| error.to_string())
    }
}

impl Connection {
    /// Whether it goes on with a session of before.
    pub(super) fn is_resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// One request; the status of its answer.
    pub(super) async fn get(&mut self) -> Result<u16, String> {
        self.stream.write_all(REQUEST).await.map_err(|error| error.to_string())?;
        self.stream.flush().await.map_err(|error| error.to_string())?;
        self.answer.clear();
        loop {
            if let Some(status) = whole(&self.answer) {
                return Ok(status);
            }
            match self.stream.read_buf(&mut self.answer).await {
                Ok(0) => return Err("the connection ended".into()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// The status of an answer, once all of it is there.
fn whole(answer: &[u8]) -> Option<u16> {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(answer.get(..head)?).ok()?.to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    (answer.len() >= head + length).then_some(status)
}

/// A connection of HTTP/2.
pub(super) struct Shared(SendRequest<Bytes>);

impl Shared {
    pub(super) async fn connect(ground: &Ground, client: &str, address: SocketAddr) -> Result<Self, String> {
        let caller = Caller::of(ground, client, b"h2", Resumption::disabled())?;
        let shared = h2::client::handshake(caller.stream(address).await?).await;
        let (sender, connection) = shared.map_err(|error| error.to_string())?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// One request; the status of its answer.
    pub(super) async fn get(&mut self) -> Result<u16, String> {
        let request =
            Request::get("https://localhost/guarded/x").body(()).map_err(|error| error.to_string())?;
        let asked = self.0.send_request(request, true).map_err(|error| error.to_string())?;
        let mut answer = asked.0.await.map_err(|error| error.to_string())?;
        while let Some(part) = answer.body_mut().data().await {
            let length = part.map_err(|error| error.to_string())?.len();
            answer.body_mut().flow_control().release_capacity(length).map_err(|error| error.to_string())?;
        }
        Ok(answer.status().as_u16())
    }
}
