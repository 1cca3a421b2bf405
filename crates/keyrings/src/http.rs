//! Keyrings over HTTP: sealed messages, and the two documents that the security officer signs.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sceau_accounts::ProblemResponse;
use sceau_element_api::keyring::{ContextOffer, CurrentDocument, KeyringsAbout, SealedAnswer, SealedMessage};
use sceau_element_api::problem::Problem;
use sceau_element_api::wire::{Attest, AttestedRow, Code, Refusal};
use sceau_element_api::{CallError, Client, Kind, RowId};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Requests at once, whose bodies are there.
const AT_ONCE: usize = 512;
/// Requests whose bodies arrive.
const ARRIVING: usize = 2048;
/// How long a body may take to.
const WITHIN: Duration = Duration::from_secs(10);
/// The largest body, in bytes: a document of 256 KiB in base64url, and what is around it.
const LARGEST: usize = 384 * 1024;

/// What the host answers, in front of the element.
pub fn routes(element: Client) -> Router {
    let places = Arc::new(Places { arriving: Semaphore::new(ARRIVING), at_once: Semaphore::new(AT_ONCE) });
    Router::new()
        .route("/v1/keyrings/about", get(about))
        .route("/v1/keyrings/contexts", post(context))
        .route("/v1/keyrings/messages", post(message))
        .route("/v1/keyrings/documents", post(attest))
        .route("/v1/keyrings/documents/{kind}/{id}", get(current))
        .route("/v1/keyrings/documents/{kind}/{id}/proven", get(proven))
        .fallback(|| async { Failed::from(Refusal::new(Code::NotFound, "there is no such address")) })
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(places, in_turn))
        .with_state(element)
}

/// A refusal on its way out.
struct Failed(Problem);

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        Self(Problem::from(&refusal))
    }
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        match error.refusal() {
            Some(refusal) => Self(Problem::from(refusal)),
            None => {
                tracing::error!(%error, "the element does not answer");
                Self::from(Refusal::new(
                    Code::Unavailable,
                    "the element does not answer: try again in a moment",
                ))
            }
        }
    }
}

impl From<JsonRejection> for Failed {
    fn from(rejection: JsonRejection) -> Self {
        let large = rejection.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let code = if large { Code::TooLarge } else { Code::Malformed };
        Self::from(Refusal::new(code, "the body is not what is taken here"))
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        ProblemResponse::from(self.0).into_response()
    }
}

/// Room for requests.
struct Places {
    arriving: Semaphore,
    at_once: Semaphore,
}

/// A request takes its place once its body is there: who sends one slowly keeps nobody else waiting.
async fn in_turn(State(places): State<Arc<Places>>, request: Request, next: Next) -> Response {
    let whole = match places.arriving.try_acquire() {
        Ok(_arriving) => whole(request).await,
        Err(_) => Err(too_many()),
    };
    match (whole, places.at_once.try_acquire()) {
        (Ok(request), Ok(_place)) => next.run(request).await,
        (Err(refusal), _) => Failed::from(refusal).into_response(),
        (Ok(_), Err(_)) => Failed::from(too_many()).into_response(),
    }
}

fn too_many() -> Refusal {
    Refusal::new(Code::Busy, "too many requests at once")
}

async fn whole(request: Request) -> Result<Request, Refusal> {
    let (parts, body) = request.into_parts();
    let read = timeout(WITHIN, to_bytes(body, LARGEST)).await;
    let read = read.map_err(|_| Refusal::new(Code::Busy, "the body did not arrive in time"))?;
    let bytes = read.map_err(|_| Refusal::new(Code::TooLarge, "the body is not what is taken here"))?;
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn about(State(element): State<Client>) -> Result<Json<KeyringsAbout>, Failed> {
    Ok(Json(element.keyrings_about().await?))
}

async fn context(State(element): State<Client>) -> Result<Json<ContextOffer>, Failed> {
    Ok(Json(element.keyring_context().await?))
}

async fn message(
    State(element): State<Client>,
    message: Result<Json<SealedMessage>, JsonRejection>,
) -> Result<Json<SealedAnswer>, Failed> {
    let Json(message) = message?;
    // Where it comes from is nobody's word but the edge's, which is not told here.
    Ok(Json(element.keyring(SealedMessage { address: None, ..message }).await?))
}

async fn attest(
    State(element): State<Client>,
    attest: Result<Json<Attest>, JsonRejection>,
) -> Result<Json<AttestedRow>, Failed> {
    let Json(attest) = attest?;
    of_officer(attest.kind)?;
    Ok(Json(element.attest(attest).await?))
}

async fn current(
    State(element): State<Client>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<AttestedRow>, Failed> {
    let (kind, id) = named(&kind, &id)?;
    Ok(Json(element.current(kind, id).await?.ok_or_else(none)?))
}

/// The current version itself, and the evidence that the log has it: who asks believes that, and not this host.
async fn proven(
    State(element): State<Client>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<CurrentDocument>, Failed> {
    let (kind, id) = named(&kind, &id)?;
    let (row, kept) = element.kept(kind, id).await?.ok_or_else(none)?;
    let evidence = element.evidence(row.index).await?;
    Ok(Json(CurrentDocument { row, payload: kept.payload, evidence }))
}

fn none() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such document")
}

fn named(kind: &str, id: &str) -> Result<(Kind, RowId), Refusal> {
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(none)?;
    of_officer(kind)?;
    Ok((kind, id.parse().map_err(|_| none())?))
}

/// The documents that the security officer signs; this host attests no other.
fn of_officer(kind: Kind) -> Result<(), Refusal> {
    match kind {
        Kind::KeyringPolicy | Kind::KeyringAccess | Kind::KeyringOfficer => Ok(()),
        _ => Err(Refusal::new(Code::NotFound, "documents of this kind are not taken here")),
    }
}
