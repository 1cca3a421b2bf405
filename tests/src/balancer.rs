//! What stands before several processes of one platform and gives each request to the next of them, as a load balancer does.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// The longest body that passes.
const LONGEST: usize = 16 << 20;

/// Who called, as proxies say it.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One request here, the next one there. A process that does not listen is passed over.
#[derive(Debug, Clone)]
pub struct Balancer {
    ports: Arc<Mutex<Vec<u16>>>,
    next: Arc<AtomicUsize>,
    answered: Arc<Mutex<BTreeMap<u16, usize>>>,
    client: reqwest::Client,
}

impl Balancer {
    /// Serves `listener` in the place of the processes at these ports of the loopback.
    pub fn open(listener: TcpListener, ports: impl IntoIterator<Item = u16>) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let ports = Arc::new(Mutex::new(ports.into_iter().collect()));
        let balancer = Self { ports, next: Arc::default(), answered: Arc::default(), client };
        let router = axum::Router::new().fallback(pass).with_state(balancer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        balancer
    }

    /// Gives requests to these processes from now on.
    pub fn turn_to(&self, ports: impl IntoIterator<Item = u16>) {
        *self.ports.lock().unwrap_or_else(PoisonError::into_inner) = ports.into_iter().collect();
    }

    fn count(&self, port: u16) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner).entry(port).or_default() += 1;
    }

    /// How many requests the process at this port has answered.
    pub fn answered(&self, port: u16) -> usize {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).get(&port).copied().unwrap_or(0)
    }
}

async fn pass(State(balancer): State<Balancer>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    head.headers.insert(FORWARDED_FOR, address_of(&head.headers));
    let Ok(body) = to_bytes(body, LONGEST).await else { return StatusCode::BAD_REQUEST.into_response() };
    let first = balancer.next.fetch_add(1, Ordering::SeqCst);
    let ports = balancer.ports.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for turn in 0..ports.len() {
        let port = ports[(first + turn) % ports.len()];
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = format!("http://{}:{port}{path}", Ipv4Addr::LOCALHOST);
        let sent = balancer.client.request(head.method.clone(), url);
        match sent.headers(head.headers.clone()).body(body.clone()).send().await {
            Ok(answer) => {
                balancer.count(port);
                return passed_on(answer).await;
            }
            Err(error) if error.is_connect() => {}
            // It may have been done: who asked decides what to do.
            Err(_) => break,
        }
    }
    StatusCode::BAD_GATEWAY.into_response()
}

/// Each session is taken for a machine of its own: all of them are on this one, whose rate would be everybody's.
fn address_of(headers: &HeaderMap) -> HeaderValue {
    let Some(session) = headers.get(COOKIE) else { return HeaderValue::from_static("127.0.0.1") };
    let mut hash = DefaultHasher::new();
    session.as_bytes().hash(&mut hash);
    let [a, b, ..] = hash.finish().to_be_bytes();
    HeaderValue::from_str(&Ipv4Addr::new(10, 0, a, b).to_string()).expect("an address is text")
}

async fn passed_on(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let Ok(bytes) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
