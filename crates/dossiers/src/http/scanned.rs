//! Scanned intake over HTTP: the grant for the citizen's page, and what the intake calls.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use sceau_accounts::{Authorised, Citizen, JsonBody, Source, bearer};
use sceau_crypto::FileId;
use sceau_element_api::DossierId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::parts::{At, Whole};
use super::refusal::Refusal;
use crate::{Dossiers, Grant, IntakeSession};

/// What the intake signed, a compact JWS.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    signed: String,
}

/// A one-use grant that the page carries to the intake.
#[utoipa::path(post, path = "/v1/dossiers/{id}/intake", security(("session" = ["citizen"])), params(("id" = String, Path)),
    responses((status = OK, body = Grant), (status = 401), (status = 404), (status = 409)))]
pub(super) async fn grant(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    source: Source,
    At(id): At<DossierId>,
) -> Result<Json<Grant>, Refusal> {
    Ok(Json(dossiers.grant_intake(citizen.account.id, id, source).await?))
}

/// Exchanges a grant for an intake session: the intake signs for it.
#[utoipa::path(post, path = "/v1/intake/sessions", security(("intake" = [])), request_body = Signed,
    responses((status = OK, body = IntakeSession), (status = 403), (status = 409)))]
pub(super) async fn redeem(
    State(dossiers): State<Dossiers>,
    JsonBody(body): JsonBody<Signed>,
) -> Result<Json<IntakeSession>, Refusal> {
    Ok(Json(dossiers.redeem_grant(&body.signed).await?))
}

/// The header of a file that the intake seals.
#[utoipa::path(put, path = "/v1/intake/files/{file}/header", security(("intake" = [])), request_body = Vec<u8>,
    params(("file" = String, Path)), responses((status = NO_CONTENT), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn put_header(
    State(dossiers): State<Dossiers>,
    headers: HeaderMap,
    At(file): At<FileId>,
    body: Whole,
) -> Result<StatusCode, Refusal> {
    let upload = dossiers.intake_upload(bearer(&headers).unwrap_or_default(), file).await?;
    dossiers.put_header(upload, &body.bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A part of a file that the intake seals: provisional until the intake says that the file is clean.
#[utoipa::path(put, path = "/v1/intake/files/{file}/parts/{part}", security(("intake" = [])), request_body = Vec<u8>,
    params(("file" = String, Path), ("part" = u32, Path)),
    responses((status = NO_CONTENT), (status = 403), (status = 409), (status = 413)))]
pub(super) async fn put_part(
    State(dossiers): State<Dossiers>,
    headers: HeaderMap,
    At((file, part)): At<(FileId, u32)>,
    body: Whole,
) -> Result<StatusCode, Refusal> {
    let upload = dossiers.intake_upload(bearer(&headers).unwrap_or_default(), file).await?;
    dossiers.put_part(upload, part, body.bytes, body.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The intake's word on a file.
#[utoipa::path(post, path = "/v1/intake/files/{file}/word", security(("intake" = [])), request_body = Signed,
    params(("file" = String, Path)), responses((status = NO_CONTENT), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn word(
    State(dossiers): State<Dossiers>,
    headers: HeaderMap,
    At(file): At<FileId>,
    JsonBody(body): JsonBody<Signed>,
) -> Result<StatusCode, Refusal> {
    let upload = dossiers.intake_upload(bearer(&headers).unwrap_or_default(), file).await?;
    dossiers.take_word(upload, &body.signed).await?;
    Ok(StatusCode::NO_CONTENT)
}
