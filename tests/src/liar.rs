//! A platform that lies: everything goes on to the real one, and the test alters what it answers.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::House;

/// Given method, path with query, and the answer; alters the answer.
type Lie = Box<dyn Fn(&str, &mut Value) + Send>;

/// What passed through: a question as it came, and its answer as the platform gave it.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Method, and path with query.
    pub asked: String,
    /// The body that came.
    pub body: Bytes,
    /// The body that was answered.
    pub answer: Bytes,
}

/// What everybody takes for the platform.
#[derive(Clone)]
pub struct Liar {
    own: String,
    real: Arc<Mutex<String>>,
    frames: Arc<Mutex<Vec<Frame>>>,
    lie: Arc<Mutex<Option<Lie>>>,
    alter: Arc<Mutex<Option<Lie>>>,
    /// What is answered in place of the truth where a method and path end so.
    forged: Arc<Mutex<Vec<(String, Bytes)>>>,
    http: reqwest::Client,
}

impl std::fmt::Debug for Liar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Liar")
    }
}

impl Liar {
    /// A house behind one; it says the truth for now.
    pub async fn house(name: &str) -> (House, Self) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let (liar, port) = Self::listens(http).await;
        let house = House::start_behind(name, port);
        *liar.real.lock().unwrap_or_else(PoisonError::into_inner) = house.address();
        (house, liar)
    }

    /// One that stands before this address, whose certificate is this one's (PEM).
    pub async fn before(real: &str, anchor: &[u8]) -> Self {
        let anchor = reqwest::Certificate::from_pem(anchor).expect("a certificate");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([anchor]).build().expect("a client");
        let (liar, _) = Self::listens(http).await;
        real.clone_into(&mut liar.real.lock().unwrap_or_else(PoisonError::into_inner));
        liar
    }

    async fn listens(http: reqwest::Client) -> (Self, u16) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let liar = Self {
            own: format!("http://127.0.0.1:{port}"),
            real: Arc::default(),
            frames: Arc::default(),
            lie: Arc::default(),
            alter: Arc::default(),
            forged: Arc::default(),
            http,
        };
        let router = Router::new().fallback(forward).with_state(liar.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (liar, port)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        self.own.clone()
    }

    /// What passed through to a path that ends so.
    pub fn frames(&self, end: &str) -> Vec<Frame> {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.iter().filter(|frame| frame.asked.ends_with(end)).cloned().collect()
    }

    /// Sends a frame that passed through once more, as it was; the status and the answer.
    pub async fn sends(&self, frame: &Frame) -> (u16, Bytes) {
        let real = self.real.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let path = frame.asked.split_once(' ').map_or("", |(_, path)| path);
        let asked = self.http.post(format!("{real}{path}")).header("content-type", "application/json");
        let answer = asked.body(frame.body.clone()).send().await.expect("it answers");
        (answer.status().as_u16(), answer.bytes().await.expect("a body"))
    }

    /// Alters each question in JSON from now on, as [`Liar::lies`] does answers.
    pub fn alters(&self, alter: impl Fn(&str, &mut Value) + Send + 'static) {
        *self.alter.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(alter));
    }

    /// Alters each answer in JSON from now on. `lie` is given the method and the path with its query, and the answer.
    pub fn lies(&self, lie: impl Fn(&str, &mut Value) + Send + 'static) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(lie));
    }

    /// Answers these bytes from now on, whatever the truth is, where method and path end so.
    pub fn forges(&self, end: String, bytes: Vec<u8>) {
        self.forged.lock().unwrap_or_else(PoisonError::into_inner).push((end, bytes.into()));
    }

    /// Says the truth from now on.
    pub fn repents(&self) {
        self.forged.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.alter.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How often something was asked whose method and path hold `words`.
    pub fn heard(&self, words: &str) -> usize {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        frames.iter().filter(|frame| frame.asked.contains(words)).count()
    }
}

async fn forward(State(liar): State<Liar>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.expect("a request of a test is small");
    let asked = format!("{} {}", parts.method, parts.uri);
    let mut frame = Frame { asked: asked.clone(), body: body.clone(), answer: Bytes::new() };
    let body = altered(&liar.alter, &asked, body);
    let url = format!("{}{}", liar.real.lock().unwrap_or_else(PoisonError::into_inner), parts.uri);
    let request = liar.http.request(parts.method, url).headers(end_to_end(parts.headers)).body(body);
    let Ok(answer) = request.send().await else { return reqwest::StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
    let Ok(body) = answer.bytes().await else { return reqwest::StatusCode::BAD_GATEWAY.into_response() };
    frame.answer = body.clone();
    liar.frames.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
    (status, headers, liar.told(&asked, body)).into_response()
}

impl Liar {
    fn told(&self, asked: &str, body: Bytes) -> Bytes {
        let forged = self.forged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = forged.iter().find(|(end, _)| asked.ends_with(end)) {
            return bytes.clone();
        }
        altered(&self.lie, asked, body)
    }
}

/// What a test makes of a body in JSON.
fn altered(by: &Mutex<Option<Lie>>, asked: &str, body: Bytes) -> Bytes {
    let by = by.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(by), Ok(mut said)) = (by.as_ref(), serde_json::from_slice::<Value>(&body)) else {
        return body;
    };
    by(asked, &mut said);
    said.to_string().into()
}

/// Without what is of one connection only (RFC 9110 §7.6.1).
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for hop in ["host", "content-length", "transfer-encoding", "connection"] {
        headers.remove(hop);
    }
    headers
}
