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
use sceau_accounts::callers::{Callers, Standing, guarded, turned_away};
use sceau_element_api::protect::{ContentToSign, LONGEST_CALL, SessionKey, Told};
use serde::Serialize;
use serde_json::json;

use super::bodies::{BodyLimits, BodyRequest};
use super::refusal::Refused;
use super::serve::Connection;
use super::{Answered, Keyfront, many, tokens};
use crate::registration::{MAX_REGISTRATION, Registration};

/// The longest statement of what is to be signed, in bytes.
const MAX_CONTENT: usize = 4 * 1024;
/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(20);

/// Says each place once: for the router, and for who demands a certificate there.
macro_rules! places {
    ($($path:literal => $method:expr;)*) => {
        /// Where a keyfront answers, but `/check`: what a certificate may be demanded for.
        pub const PLACES: &[&str] = &[$($path),*];

        fn routed() -> Router<Keyfront> {
            Router::new()$(.route($path, $method))*
        }
    };
}

places! {
    "/v1/protect/applications" => post(register);
    "/v1/protect/batches" => post(many::calls);
    "/v1/protect/calls" => post(call);
    "/v1/protect/contents" => post(sign);
    "/v1/protect/decrypt" => post(decrypt);
    "/v1/protect/encrypt" => post(encrypt);
    "/v1/protect/jwks" => get(tokens::keys);
    "/v1/protect/keyfront" => get(said);
    "/v1/protect/nonces" => post(nonce);
    "/v1/protect/tokens" => post(tokens::call);
}

pub(super) fn router(keyfront: Keyfront, callers: Option<&Callers>) -> Router {
    let router = routed().route("/check", get(check)).fallback(async || Refused::nowhere());
    guarded(router, callers, turned_away).with_state(keyfront)
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

/// Signs a content that its application encrypted itself: the permit that came with its key says that it may.
async fn sign(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Body,
) -> Result<Response, Refused> {
    let place = keyfront.place(peer.ip())?;
    let body = whole(body, MAX_CONTENT).await?;
    // These wait for the keystore, a few at once: they take no more than a part of what there is for all.
    let _signed = keyfront.0.signed.take(peer.ip()).ok_or_else(Refused::busy)?;
    let _room = keyfront.enter(place).await?;
    let content: ContentToSign = serde_json::from_slice(&body)
        .map_err(|_| Refused::malformed("datum, permit and sha256 are wanted, and nothing else"))?;
    Ok(kept_by_nobody(json!({ "signature": keyfront.sign(content).await? })))
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
    let body = whole(body, LONGEST_CALL).await?;
    let room = keyfront.enter(place).await?;
    let call = String::from_utf8(body).map_err(|_| Refused::malformed("a call is a compact JWS"))?;
    let Answered { called, document, .. } = keyfront.carry(call, peer.ip(), room).await?;
    Ok(kept_by_nobody(Told::of(called, document.as_deref())))
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
    /// The longest that is decrypted by the profile `cbc-rs256`, in bytes.
    longest_spooled: u64,
}

async fn said(
    State(keyfront): State<Keyfront>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Result<Response, Refused> {
    let _room = keyfront.enter(keyfront.place(peer.ip())?).await?;
    let (audience, bodies) = (keyfront.audience().await?, keyfront.bodies());
    let BodyLimits { longest: longest_body, longest_spooled, .. } = *bodies.limits();
    Ok(kept_by_nobody(Said { audience, session: bodies.session(), longest_body, longest_spooled }))
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
    let standing = head.extensions.get::<Standing>().cloned();
    let asked = BodyRequest { headers: head.headers, body, from: peer.ip(), connection, standing };
    // Before HTTP/1.1 an answer's end is the connection's: what was cut would read as whole.
    if head.version < Version::HTTP_11 { Err(asked.refuse(Refused::old_protocol())) } else { Ok(asked) }
}

fn kept_by_nobody(answer: impl Serialize) -> Response {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response()
}

pub(super) async fn whole(body: Body, longest: usize) -> Result<Vec<u8>, Refused> {
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
        let refused = whole(silent, LONGEST_CALL).await.unwrap_err().into_response();
        assert_eq!(refused.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
