//! The way to a document over HTTP: case officers ask for tickets; a key manager's page exchanges them and fetches ciphertext.
//!
//! Those last routes answer to the key managers' origins (CORS); the bearer token, not a cookie, says what may be read.

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::header::{ORIGIN, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use sceau_accounts::{Accounts, Authorised, JsonBody, Reader as ReaderRole, Source, bearer};
use sceau_crypto::FileId;
use sceau_element_api::DossierId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Platform;
use super::octets::octets;
use super::parts::At;
use super::refusal::Refusal;
use crate::cross_origin::let_in;
use crate::{Bundle, Dossiers, Fault, Reader, Reading, ReadingToken, Summary, Ticket, guard};

/// The ticket of an opening link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    ticket: String,
}

/// The proof that the request bears a live reading token.
pub(super) struct ReadingSession(Reading);

impl<S> FromRequestParts<S> for ReadingSession
where
    S: Send + Sync,
    Dossiers: FromRef<S>,
    Accounts: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers).unwrap_or_default();
        Ok(Self(Dossiers::from_ref(state).reading(&Accounts::from_ref(state), token).await?))
    }
}

/// The routes that a key manager's page calls.
pub(super) fn session_routes(platform: &Platform) -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(exchange))
        .routes(routes!(bundle))
        .routes(routes!(part))
        .layer(from_fn_with_state(platform.clone(), key_manager_cors))
}

/// The dossiers that the organisation may open.
#[utoipa::path(get, path = "/v1/organisation/dossiers", security(("session" = ["case_officer", "supervisor"])),
    responses((status = OK, body = Vec<Summary>), (status = 401), (status = 403)))]
pub(super) async fn list(
    State(dossiers): State<Dossiers>,
    reader: Authorised<ReaderRole>,
) -> Result<Json<Vec<Summary>>, Refusal> {
    Ok(Json(dossiers.dossiers_for(as_reader(&reader)).await?))
}

/// A one-use link to the key manager's opening page.
#[utoipa::path(post, path = "/v1/dossiers/{id}/ticket", security(("session" = ["case_officer", "supervisor"])), params(("id" = String, Path)),
    responses((status = CREATED, body = Ticket), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn ticket(
    State(dossiers): State<Dossiers>,
    reader: Authorised<ReaderRole>,
    At(id): At<DossierId>,
) -> Result<(StatusCode, Json<Ticket>), Refusal> {
    Ok((StatusCode::CREATED, Json(dossiers.issue_ticket(as_reader(&reader), id).await?)))
}

/// Exchanges a ticket, once, for a short reading session. Whoever holds the ticket may call.
#[utoipa::path(post, path = "/v1/tickets/exchange", security(()), request_body = Exchange,
    responses((status = OK, body = ReadingToken), (status = 403)))]
async fn exchange(
    State(dossiers): State<Dossiers>,
    State(accounts): State<Accounts>,
    source: Source,
    JsonBody(body): JsonBody<Exchange>,
) -> Result<Json<ReadingToken>, Refusal> {
    dossiers.throttle("exchange", source, guard::EXCHANGES)?;
    Ok(Json(dossiers.exchange_ticket(&accounts, &body.ticket).await?))
}

/// Everything to open the dossier with, but the parts of its files.
#[utoipa::path(get, path = "/v1/reading/{dossier}/bundle", security(("reading" = [])), params(("dossier" = String, Path)),
    responses((status = OK, body = Bundle), (status = 401), (status = 404)))]
async fn bundle(
    State(dossiers): State<Dossiers>,
    ReadingSession(reading): ReadingSession,
    At(dossier): At<DossierId>,
) -> Result<Json<Bundle>, Refusal> {
    of_session(&reading, dossier)?;
    Ok(Json(dossiers.bundle(&reading).await?))
}

/// A part of a sealed file.
#[utoipa::path(get, path = "/v1/reading/{dossier}/files/{file}/parts/{part}", security(("reading" = [])),
    params(("dossier" = String, Path), ("file" = String, Path), ("part" = u32, Path)),
    responses((status = OK, body = Vec<u8>), (status = 401), (status = 404)))]
async fn part(
    State(dossiers): State<Dossiers>,
    ReadingSession(reading): ReadingSession,
    At((dossier, file, part)): At<(DossierId, FileId, u32)>,
) -> Result<Response, Refusal> {
    of_session(&reading, dossier)?;
    Ok(octets(dossiers.read_part(&reading, file, part).await?))
}

fn of_session(reading: &Reading, dossier: DossierId) -> Result<(), Fault> {
    if reading.dossier == dossier { Ok(()) } else { Err(Fault::not_found()) }
}

fn as_reader(reader: &Authorised<ReaderRole>) -> Reader {
    Reader { account: reader.account.id, role: reader.account.role, organisation: reader.place }
}

/// Lets the pages of enrolled key managers, and no others, read the answers.
async fn key_manager_cors(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let known = match origin.as_ref().and_then(|origin| origin.to_str().ok()) {
        Some(origin) => platform.dossiers.is_key_manager(origin).await.unwrap_or(false),
        None => false,
    };
    let preflight = request.method() == Method::OPTIONS;
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin.filter(|_| known) {
        let_in(headers, origin, preflight.then_some("GET, POST"));
    }
    response
}
