//! The citizen's side over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sceau_accounts::{Authorised, Citizen, JsonBody, Source};
use sceau_crypto::FileId;
use sceau_element_api::proof::Proof;
use sceau_element_api::{Base64Url, DossierId, SchemeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::{At, Whole};
use super::refusal::Refusal;
use crate::{Arrived, Begun, DossierView, Dossiers, Summary, Upload};

/// Which scheme to answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Beginning {
    #[schema(value_type = String)]
    scheme: SchemeId,
}

/// The element's nonce for the manifest's proof.
#[derive(Serialize, ToSchema)]
pub(super) struct ManifestNonce {
    nonce: String,
}

/// The manifest's exact bytes and who proves them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Submission {
    #[schema(value_type = String)]
    manifest: Base64Url,
    #[schema(value_type = Object)]
    proof: Proof,
}

/// The evidence file of the deposit.
#[derive(Serialize, ToSchema)]
pub(super) struct Receipt {
    #[schema(value_type = Object)]
    receipt: serde_json::Value,
}

/// Begins a dossier.
#[utoipa::path(post, path = "/v1/dossiers", security(("session" = ["citizen"])), request_body = Beginning,
    responses((status = CREATED, body = Begun), (status = 401), (status = 404), (status = 409)))]
pub(super) async fn begin(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    JsonBody(body): JsonBody<Beginning>,
) -> Result<(StatusCode, Json<Begun>), Refusal> {
    Ok((StatusCode::CREATED, Json(dossiers.begin(citizen.account.id, body.scheme).await?)))
}

/// The citizen's dossiers.
#[utoipa::path(get, path = "/v1/dossiers", security(("session" = ["citizen"])), responses((status = OK, body = Vec<Summary>), (status = 401)))]
pub(super) async fn list(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
) -> Result<Json<Vec<Summary>>, Refusal> {
    Ok(Json(dossiers.dossiers_of(citizen.account.id).await?))
}

/// One dossier with its timeline.
#[utoipa::path(get, path = "/v1/dossiers/{id}", security(("session" = ["citizen"])), params(("id" = String, Path)),
    responses((status = OK, body = DossierView), (status = 401), (status = 404)))]
pub(super) async fn one(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At(id): At<DossierId>,
) -> Result<Json<DossierView>, Refusal> {
    Ok(Json(dossiers.dossier_of(citizen.account.id, id).await?))
}

/// Withdraws a deposit that was not sent, and removes its files.
#[utoipa::path(post, path = "/v1/dossiers/{id}/withdraw", security(("session" = ["citizen"])), params(("id" = String, Path)),
    responses((status = NO_CONTENT), (status = 401), (status = 404), (status = 409)))]
pub(super) async fn withdraw(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At(id): At<DossierId>,
) -> Result<StatusCode, Refusal> {
    dossiers.withdraw(citizen.account.id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The evidence file of a line of the timeline.
#[utoipa::path(get, path = "/v1/dossiers/{id}/evidence/{index}", security(("session" = ["citizen"])),
    params(("id" = String, Path), ("index" = u64, Path)),
    responses((status = OK, body = Object), (status = 401), (status = 404)))]
pub(super) async fn evidence(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At((id, index)): At<(DossierId, u64)>,
) -> Result<Json<serde_json::Value>, Refusal> {
    Ok(Json(dossiers.evidence_of(citizen.account.id, id, index).await?))
}

/// The header of a sealed file.
#[utoipa::path(put, path = "/v1/dossiers/{id}/files/{file}/header", security(("session" = ["citizen"])), request_body = Vec<u8>,
    params(("id" = String, Path), ("file" = String, Path)),
    responses((status = NO_CONTENT), (status = 401), (status = 404), (status = 409), (status = 422)))]
pub(super) async fn put_header(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    source: Source,
    At((dossier, file)): At<(DossierId, FileId)>,
    body: Whole,
) -> Result<StatusCode, Refusal> {
    let upload = Upload { citizen: citizen.account.id, dossier, file, source };
    dossiers.put_own_header(upload, &body.bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A part of a sealed file.
#[utoipa::path(put, path = "/v1/dossiers/{id}/files/{file}/parts/{part}", security(("session" = ["citizen"])), request_body = Vec<u8>,
    params(("id" = String, Path), ("file" = String, Path), ("part" = u32, Path)),
    responses((status = NO_CONTENT), (status = 401), (status = 404), (status = 409), (status = 413)))]
pub(super) async fn put_part(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    source: Source,
    At((dossier, file, part)): At<(DossierId, FileId, u32)>,
    body: Whole,
) -> Result<StatusCode, Refusal> {
    let upload = Upload { citizen: citizen.account.id, dossier, file, source };
    dossiers.put_part(upload, part, body.bytes, body.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which parts have arrived, to go on after a cut.
#[utoipa::path(get, path = "/v1/dossiers/{id}/files/{file}", security(("session" = ["citizen"])), params(("id" = String, Path), ("file" = String, Path)),
    responses((status = OK, body = Arrived), (status = 401), (status = 404)))]
pub(super) async fn arrived(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At((id, file)): At<(DossierId, FileId)>,
) -> Result<Json<Arrived>, Refusal> {
    Ok(Json(dossiers.arrived(citizen.account.id, id, file).await?))
}

/// The nonce for the manifest's proof.
#[utoipa::path(post, path = "/v1/dossiers/{id}/manifest/prepare", security(("session" = ["citizen"])), params(("id" = String, Path)),
    responses((status = OK, body = ManifestNonce), (status = 401), (status = 404)))]
pub(super) async fn nonce(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At(id): At<DossierId>,
) -> Result<Json<ManifestNonce>, Refusal> {
    let nonce = dossiers.manifest_nonce(citizen.account.id, id).await?;
    Ok(Json(ManifestNonce { nonce: Base64Url(nonce.0.to_vec()).encode() }))
}

/// Submits the dossier.
#[utoipa::path(post, path = "/v1/dossiers/{id}/submit", security(("session" = ["citizen"])), params(("id" = String, Path)), request_body = Submission,
    responses((status = OK, body = Receipt), (status = 401), (status = 404), (status = 409), (status = 422)))]
pub(super) async fn submit(
    State(dossiers): State<Dossiers>,
    citizen: Authorised<Citizen>,
    At(id): At<DossierId>,
    JsonBody(body): JsonBody<Submission>,
) -> Result<Json<Receipt>, Refusal> {
    Ok(Json(Receipt { receipt: dossiers.submit(citizen.account.id, id, &body.manifest, body.proof).await? }))
}
