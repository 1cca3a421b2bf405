//! What a browser sends, to the byte: HTTP/1.1 over TLS, any origin, any certificate.

use std::sync::Arc;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use sceau_pki::{Anchors, PrivateKey, TlsIdentity, client_config};
use sceau_store::{Clock as _, ManualClock};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[derive(Clone)]
pub struct Browser {
    pub origin: Option<String>,
    port: u16,
    host: &'static str,
    /// Sent along, each with its line's end.
    more: String,
    config: Arc<rustls::ClientConfig>,
}

pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct At(Arc<ManualClock>);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(self.0.now_ms())))
    }
}

impl Browser {
    pub fn new(
        origin: &str,
        port: u16,
        authority: &str,
        identity: Option<&str>,
        clock: Arc<ManualClock>,
    ) -> Self {
        let anchors = Anchors::from_pem(authority, "authority").unwrap();
        let identity = identity.map(|pem| TlsIdentity::new(pem, PrivateKey::from_pem(pem).unwrap()).unwrap());
        let mut config = client_config(&anchors, identity.as_ref()).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.time_provider = Arc::new(At(clock));
        let config = Arc::new(config);
        Self { origin: Some(origin.to_owned()), port, host: "cles.localhost", more: String::new(), config }
    }

    /// The same browser for a server of another name.
    pub fn named(&self, host: &'static str) -> Self {
        Self { host, ..self.clone() }
    }

    /// The same browser, which sends one header more.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        Self { more: format!("{}{name}: {value}\r\n", self.more), ..self.clone() }
    }

    /// The same browser on a page of another origin, or of none.
    pub fn on_page_of(&self, origin: Option<&str>) -> Self {
        Self { origin: origin.map(str::to_owned), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, b"").await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body.to_string().as_bytes()).await
    }

    /// Asks, and goes away without the answer.
    pub async fn hang_up(&self, path: &str, body: &Value) {
        let mut stream = self.connect().await.unwrap();
        let body = body.to_string();
        let head = self.head("POST", path, body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }

    /// Nothing if the connection is refused or cut before the whole answer is there.
    pub async fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send("POST", path, body.to_string().as_bytes()).await
    }

    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let name = ServerName::try_from(self.host).unwrap();
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }

    fn head(&self, method: &str, path: &str, length: usize) -> String {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}:{}\r\nconnection: close\r\ncontent-length: {length}\r\n",
            self.host, self.port
        );
        head += &self.more;
        if method != "GET" {
            head += "content-type: application/json\r\n";
            head += &self.origin.as_ref().map_or_else(String::new, |origin| format!("origin: {origin}\r\n"));
        }
        head + "\r\n"
    }

    pub async fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.try_send(method, path, body).await.expect("a whole answer")
    }

    /// Sends half of the body; from then on time passes whenever everybody waits.
    pub async fn sends_half(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect().await.unwrap();
        stream.write_all(self.head(method, path, body.len()).as_bytes()).await.unwrap();
        stream.write_all(&body[..body.len() / 2]).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::pause();
        Self::read_answer(stream).await.unwrap()
    }

    async fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Option<Answer> {
        let mut stream = self.connect().await.ok()?;
        stream.write_all(self.head(method, path, body.len()).as_bytes()).await.ok()?;
        stream.write_all(body).await.ok()?;
        Self::read_answer(stream).await
    }

    async fn read_answer(mut stream: TlsStream<TcpStream>) -> Option<Answer> {
        let mut answer = Vec::new();
        // A server that closes without close_notify has still sent everything that content-length promised.
        drop(stream.read_to_end(&mut answer).await);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let headers = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
        let status = headers[9..12].parse().unwrap();
        let answer = Answer { status, headers, body: answer[end + 4..].to_vec() };
        let whole =
            answer.header("content-length").is_none_or(|length| length == answer.body.len().to_string());
        whole.then_some(answer)
    }
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a problem document.
    #[track_caller]
    pub fn code(&self) -> String {
        assert!(self.status >= 400, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.headers.contains("content-type: application/problem+json"), "{}", self.headers);
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        problem["code"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
