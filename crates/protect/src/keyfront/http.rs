//! What applications call.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use sceau_element_api::{
    Base64Url,
    protect::{Accesses, DatumId, Erasure, SessionKey},
};
use sceau_trace::Evidence;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::bodies::BodyRequest;
use super::refusal::Refused;
use super::serve::Connection;
use super::{Answered, Keyfront};
use crate::registration::{MAX_REGISTRATION, Registration};

/// The longest call, in bytes.
const MAX_CALL: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(20);

pub(super) fn router(keyfront: Keyfront) -> Router {
    Router::new()
        .route("/check", get(check))
        .route("/v1/protect/keyfront", get(said))
        .route("/v1/protect/calls", post(call))
        .route("/v1/protect/encrypt", post(encrypt))
        .route("/v1/protect/decrypt", post(decrypt))
        .route("/v1/protect/nonces", post(nonce))
        .route("/v1/protect/applications", post(register))
        .fallback(async || Refused::nowhere())
        .with_state(keyfront)
}

/// What a caller is told.
#[derive(Serialize)]
struct Told {
    datum: DatumId,
    /// Index of the call's record in the log.
    index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapped_key: Option<Base64Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accesses: Option<Accesses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<Erasure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Evidence>,
}

impl From<Answered> for Told {
    fn from(Answered { called, document, .. }: Answered) -> Self {
        Self {
            datum: called.datum,
            index: called.index,
            wrapped_key: called.wrapped_key,
            data_key: called.data_key,
            document: document.and_then(|bytes| serde_json::from_slice(&bytes).ok()),
            accesses: called.accesses,
            erasure: called.erasure,
            proof: called.proof,
        }
    }
}

async fn check(State(keyfront): State<Keyfront>) -> Response {
    let (status, word) = match keyfront.is_ready().await {
        true => (StatusCode::OK, "pass"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "fail"),
    };
    (status, Json(json!({ "status": word }))).into_response()
}

async fn nonce(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Result<Response, Refused> {
    let _room = keyfront.enter(keyfront.place(peer.ip())?).await?;
    Ok(kept_by_nobody(json!({ "nonce": keyfront.nonce().await? })))
}

async fn register(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Refused> {
    let place = keyfront.place(peer.ip())?;
    let body = whole(request.into_body(), MAX_REGISTRATION).await?;
    let _room = keyfront.enter(place).await?;
    let registration = serde_json::from_slice(&body);
    let registration: Registration = registration
        .map_err(|_| Refused::malformed("payload, previous and proof are wanted, and nothing else"))?;
    let row = keyfront.register(registration).await?;
    Ok(kept_by_nobody(row))
}

async fn call(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != b"application/jose") {
        return Err(Refused::malformed("a call is a compact JWS, of content type application/jose"));
    }
    let place = keyfront.place(peer.ip())?;
    let body = whole(body, MAX_CALL).await?;
    let room = keyfront.enter(place).await?;
    let call = String::from_utf8(body).map_err(|_| Refused::malformed("a call is a compact JWS"))?;
    let answered = keyfront.carry(call, peer.ip(), room).await?;
    Ok(kept_by_nobody(Told::from(answered)))
}

/// What an application must know of this keyfront.
#[derive(Serialize)]
struct Said<'a> {
    /// The log's name.
    audience: String,
    /// What a call names as its session to have its body worked on here; another one after each start.
    session: &'a SessionKey,
    /// The longest body that is worked on, in bytes.
    longest_body: u64,
}

async fn said(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Result<Response, Refused> {
    let _room = keyfront.enter(keyfront.place(peer.ip())?).await?;
    let (audience, bodies) = (keyfront.audience().await?, keyfront.bodies());
    Ok(kept_by_nobody(Said { audience, session: bodies.session(), longest_body: bodies.limits().longest }))
}

async fn encrypt(
    State(keyfront): State<Keyfront>,
    peer: ConnectInfo<SocketAddr>,
    connection: Extension<Connection>,
    request: Request,
) -> Result<Response, Refused> {
    keyfront.encrypt(asked(peer, connection, request)?).await
}

async fn decrypt(
    State(keyfront): State<Keyfront>,
    peer: ConnectInfo<SocketAddr>,
    connection: Extension<Connection>,
    request: Request,
) -> Result<Response, Refused> {
    keyfront.decrypt(asked(peer, connection, request)?).await
}

fn asked(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Result<BodyRequest, Refused> {
    let (head, body) = request.into_parts();
    let asked = BodyRequest { headers: head.headers, body, from: peer.ip(), connection };
    // Before HTTP/1.1 an answer's end is the connection's: what was cut would read as whole.
    if head.version < Version::HTTP_11 { Err(asked.refuse(Refused::old_protocol())) } else { Ok(asked) }
}

fn kept_by_nobody(answer: impl Serialize) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response()
}

async fn whole(body: Body, longest: usize) -> Result<Vec<u8>, Refused> {
    let read = tokio::time::timeout(BODY, to_bytes(body, longest)).await;
    let read = read.map_err(|_| Refused::slow())?;
    read.map(|bytes| bytes.to_vec()).map_err(|_| Refused::too_large())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use futures::StreamExt as _;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_arrive_is_not_waited_for() {
        let begins = futures::stream::iter([Ok::<_, std::io::Error>("eyJ")]);
        let silent = Body::from_stream(begins.chain(futures::stream::pending()));
        let refused = whole(silent, MAX_CALL).await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
