//! The log, for everyone: C2SP tlog-tiles, and two calls for pages that verify.
//!
//! A record holds no personal data, so that anyone may watch; whoever does not want to trust this server compares checkpoints.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sceau_element_api::Base64Url;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::octets::octets;
use super::parts::{Asked, At};
use super::refusal::Refusal;
use crate::{Dossiers, Fault};

/// Two sizes of the log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sizes {
    from: u64,
    to: u64,
}

/// Hashes, in hexadecimal.
#[derive(Serialize, ToSchema)]
pub(super) struct Proof {
    proof: Vec<String>,
}

/// Some records, from an index.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    start: u64,
    count: u64,
}

/// The last checkpoint, a signed note.
#[utoipa::path(get, path = "/trace/checkpoint", security(()), responses((status = OK, body = String)))]
pub(super) async fn checkpoint(State(dossiers): State<Dossiers>) -> Result<Response, Refusal> {
    Ok(note(dossiers.checkpoint().await?))
}

/// The last checkpoint that enough witnesses cosigned, with their lines.
#[utoipa::path(get, path = "/trace/cosigned", security(()), responses((status = OK, body = String), (status = 404)))]
pub(super) async fn cosigned(State(dossiers): State<Dossiers>) -> Result<Response, Refusal> {
    let checkpoint = dossiers.cosigned.latest().ok_or_else(Fault::not_found)?;
    Ok(note(checkpoint.note().to_string()))
}

/// The policy that those cosignatures meet, without addresses. It is the platform's own word: who verifies takes one from elsewhere.
#[utoipa::path(get, path = "/trace/policy", security(()), responses((status = OK, body = String), (status = 404)))]
pub(super) async fn policy(State(dossiers): State<Dossiers>) -> Result<Response, Refusal> {
    let policy = dossiers.cosigned.policy().ok_or_else(Fault::not_found)?;
    Ok(note(policy.to_string()))
}

/// The authorities (PEM) that vouch for the time stamps of checkpoints. It is the platform's own word: who verifies takes them from elsewhere.
#[utoipa::path(get, path = "/trace/stamp-anchors", security(()), responses((status = OK, body = String), (status = 404)))]
pub(super) async fn stamp_anchors(State(dossiers): State<Dossiers>) -> Result<Response, Refusal> {
    let anchors = dossiers.cosigned.stamp_anchors().ok_or_else(Fault::not_found)?;
    Ok(note(anchors.to_string()))
}

fn note(note: String) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, note).into_response()
}

/// A tile or an entry bundle, by its path.
#[utoipa::path(get, path = "/trace/tile/{*path}", security(()), params(("path" = String, Path, description = "as C2SP tlog-tiles spells it")),
    responses((status = OK, body = Vec<u8>), (status = 400), (status = 404)))]
pub(super) async fn tile(
    State(dossiers): State<Dossiers>,
    At(path): At<String>,
) -> Result<Response, Refusal> {
    Ok(octets(dossiers.tile(&path).await?.into()))
}

/// The evidence file of a record.
#[utoipa::path(get, path = "/v1/trace/evidence/{index}", security(()), params(("index" = u64, Path)),
    responses((status = OK, body = Object), (status = 404)))]
pub(super) async fn evidence(
    State(dossiers): State<Dossiers>,
    At(index): At<u64>,
) -> Result<Json<serde_json::Value>, Refusal> {
    Ok(Json(dossiers.evidence(index).await?))
}

/// That the log of size `from` is a prefix of the log of size `to`.
#[utoipa::path(get, path = "/v1/trace/consistency", security(()), params(Sizes), responses((status = OK, body = Proof)))]
pub(super) async fn consistency(
    State(dossiers): State<Dossiers>,
    Asked(sizes): Asked<Sizes>,
) -> Result<Json<Proof>, Refusal> {
    let proof = dossiers.element().consistency_proof(sizes.from, sizes.to).await?;
    Ok(Json(Proof { proof: proof.iter().map(ToString::to_string).collect() }))
}

/// The exact bytes of some records, base64url.
#[utoipa::path(get, path = "/v1/trace/records", security(()), params(Range), responses((status = OK, body = Vec<String>)))]
pub(super) async fn records(
    State(dossiers): State<Dossiers>,
    Asked(range): Asked<Range>,
) -> Result<Json<Vec<String>>, Refusal> {
    let entries = dossiers.element().entries(range.start, range.count.min(256)).await?;
    Ok(Json(entries.into_iter().map(|entry| Base64Url(entry).encode()).collect()))
}
