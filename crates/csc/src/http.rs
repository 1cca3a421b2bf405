//! The routes: JSON by POST, each for who holds an access token, but for what the service is.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request, State};
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
use crate::rooms::arrived;
use crate::service::{Answer, Service};
use crate::tokens::Bearer;

/// The largest body without documents, in bytes, and how long it may take to arrive.
const LARGEST: usize = 64 * 1024;
const ARRIVES: Duration = Duration::from_secs(10);

/// Says each method once, where the specification has it: for the router, and for the document of them.
macro_rules! methods {
    ($($path:literal => $method:ident;)*) => {
        /// Where the API answers.
        pub const PLACES: &[&str] = &[$(concat!("/csc/v2", $path)),*];

        /// What applications call.
        pub fn routes(service: Service) -> Router {
            Router::new()$(.route(concat!("/csc/v2", $path), post($method)))*.with_state(service)
        }
    };
}

methods! {
    "/info" => info;
    "/credentials/list" => list;
    "/credentials/info" => credential;
    "/credentials/authorize" => authorize;
    "/credentials/authorizeCheck" => check;
    "/credentials/getChallenge" => challenge;
    "/credentials/extendTransaction" => extend;
    "/signatures/signHash" => sign_hash;
    "/signatures/signDoc" => sign_documents;
    "/signatures/signPolling" => poll;
    "/signatures/timestamp" => timestamp;
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

impl FromRequest<Service> for Input {
    type Rejection = CscError;

    async fn from_request(request: Request, _: &Service) -> Result<Self, CscError> {
        let read = timeout(ARRIVES, to_bytes(request.into_body(), LARGEST)).await;
        let body = read.map_err(|_| CscError::invalid("The body arrives too slowly"))?;
        Self::read(&body.map_err(|_| CscError::invalid("The body is too large"))?)
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

async fn list(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.list(&by, &input)?)
}

async fn credential(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.credential(&by, &input)?)
}

async fn authorize(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    answered(service.authorize(&by, &input).await?)
}

async fn check(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    answered(service.check(&by, &input).await?)
}

async fn challenge(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    answered(service.challenge(&by, &input)?)
}

async fn extend(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.extend(&by, &input)?)
}

async fn sign_hash(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.sign_hash(&by, &input)?)
}

async fn sign_documents(State(service): State<Service>, Caller(by): Caller, body: Body) -> Told {
    let place = service.0.rooms.to_arrive(&by)?;
    let body = arrived(body).await?;
    done(service.sign_documents(&by, (body, place)).await?)
}

async fn poll(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.poll(&by, &input).await?)
}

async fn timestamp(State(service): State<Service>, Caller(by): Caller, input: Input) -> Told {
    done(service.timestamp(&by, &input).await?)
}
