//! The routes: JSON by POST, each for who holds an access token, but for what the service is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::time::timeout;

use crate::CscError;
use crate::input::Input;
use crate::service::{Answer, Service};
use crate::tokens::Bearer;

/// Where the API is.
pub const BASE: &str = "/csc/v2";
/// The largest body, in bytes, and the largest with documents: 16 MiB in base64.
const LARGEST: usize = 64 * 1024;
const LARGEST_DOCUMENTS: usize = 23 << 20;
/// How long documents may take to arrive.
const ARRIVES: Duration = Duration::from_secs(30);

/// What applications call, under [`BASE`].
pub fn routes(service: Service) -> Router {
    let methods = Router::new()
        .route("/info", post(info))
        .route("/credentials/list", post(list))
        .route("/credentials/info", post(credential))
        .route("/credentials/authorize", post(authorize))
        .route("/credentials/authorizeCheck", post(check))
        .route("/credentials/getChallenge", post(challenge))
        .route("/credentials/extendTransaction", post(extend))
        .route("/signatures/signHash", post(sign_hash))
        .route("/signatures/signPolling", post(poll))
        .route("/signatures/timestamp", post(timestamp))
        .layer(DefaultBodyLimit::max(LARGEST))
        .route("/signatures/signDoc", post(sign_documents))
        .with_state(service);
    Router::new().nest(BASE, methods)
}

/// Who calls, by a token that is good now, and for signing.
struct Caller(Bearer);

impl FromRequestParts<Service> for Caller {
    type Rejection = CscError;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, CscError> {
        let malformed = || CscError::invalid("Malformed authorization header");
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(malformed)?;
        let (scheme, token) =
            header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
            return Err(malformed());
        }
        let bearer = service.bearer(token.trim()).ok_or_else(CscError::token)?;
        if bearer.service { Ok(Self(bearer)) } else { Err(CscError::scope()) }
    }
}

type Told = Result<Response, CscError>;

fn kept_by_nobody(status: StatusCode, answer: Value) -> Response {
    (status, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)).into_response()
}

fn done(answer: Value) -> Told {
    Ok(kept_by_nobody(StatusCode::OK, answer))
}

fn answered(answer: Answer) -> Told {
    match answer {
        Answer::Done(answer) => done(answer),
        Answer::Begun(answer) => Ok(kept_by_nobody(StatusCode::ACCEPTED, answer)),
        Answer::Sent => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn info(State(service): State<Service>) -> Told {
    done(service.info())
}

async fn list(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    done(service.list(&by, &Input::read(&body)?)?)
}

async fn credential(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    done(service.credential(&by, &Input::read(&body)?)?)
}

async fn authorize(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    answered(service.authorize(&by, &Input::read(&body)?).await?)
}

async fn check(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    answered(service.check(&by, &Input::read(&body)?).await?)
}

async fn challenge(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    answered(service.challenge(&by, &Input::read(&body)?)?)
}

async fn extend(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    done(service.extend(&by, &Input::read(&body)?)?)
}

async fn sign_hash(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    done(service.sign_hash(&by, &Input::read(&body)?)?)
}

async fn sign_documents(State(service): State<Service>, Caller(by): Caller, body: Body) -> Told {
    let room = Arc::clone(&service.0.rooms).try_acquire_owned();
    let _room = room.map_err(|_| CscError::later("Too many documents arrive: try again in a minute"))?;
    let read = timeout(ARRIVES, to_bytes(body, LARGEST_DOCUMENTS)).await;
    let slow = |_| CscError::invalid("The body did not arrive within 30 seconds");
    let body = read.map_err(slow)?.map_err(|_| CscError::invalid("The documents are too large"))?;
    done(service.sign_documents(&by, &Input::read(&body)?).await?)
}

async fn poll(State(service): State<Service>, Caller(by): Caller, body: Bytes) -> Told {
    done(service.poll(&by, &Input::read(&body)?).await?)
}

async fn timestamp(State(service): State<Service>, Caller(_by): Caller, body: Bytes) -> Told {
    done(service.timestamp(&Input::read(&body)?).await?)
}
