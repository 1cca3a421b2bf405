//! What case officers and supervisors ask for.

use axum::Json;
use axum::extract::{Path, State};
use sceau_element_api::Base64Url;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::guard::{JsonBody, SameOrigin};
use super::problem::ProblemResponse;
use crate::decide::{Decided, DecisionRequest};
use crate::manager::KeyManager;
use crate::officer::VerifiedOfficer;
use crate::release::{Released, UnwrapRequest};
use crate::scanning::{Colleague, Exception, ExceptionRequest, Overseer, Scanned, ShownException};

/// A content key, and what its holder must find.
#[derive(Serialize, ToSchema)]
pub(super) struct Unwrapped {
    /// 32 bytes, base64url.
    #[serde(serialize_with = "secret")]
    #[schema(value_type = String)]
    cek: Zeroizing<String>,
    /// Position of the access in this key manager's trace.
    record_index: u64,
    /// Hash that the envelope must have: nothing is shown otherwise.
    envelope_hash: String,
    /// Parts that it must have.
    parts: u32,
    /// Bytes of plaintext that it must have.
    size: u64,
    /// What the antivirus said of exactly that envelope; null where none is configured.
    scanned: Option<Scanned>,
}

/// Releases the content key of one file.
#[utoipa::path(post, path = "/v1/unwrap", request_body = UnwrapRequest,
    responses((status = OK, body = Unwrapped), (status = 401), (status = 403), (status = 422), (status = 429)))]
pub(super) async fn unwrap(
    State(manager): State<KeyManager>,
    officer: VerifiedOfficer,
    _: SameOrigin,
    JsonBody(request): JsonBody<UnwrapRequest>,
) -> Result<Json<Unwrapped>, ProblemResponse> {
    Ok(Json(manager.unwrap(&officer, &request).await?.into()))
}

impl From<Released> for Unwrapped {
    fn from(released: Released) -> Self {
        let Released { cek, record_index, envelope_hash, parts, size, scanned } = released;
        let mut bytes = Base64Url(cek.expose().to_vec());
        let cek = Zeroizing::new(bytes.encode());
        zeroize::Zeroize::zeroize(&mut bytes.0);
        Self { cek, record_index, envelope_hash: envelope_hash.to_string(), parts, size, scanned }
    }
}

/// Takes a decision.
#[utoipa::path(post, path = "/v1/decisions", request_body = DecisionRequest,
    responses((status = OK, body = Decided), (status = 401), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn decide(
    State(manager): State<KeyManager>,
    officer: VerifiedOfficer,
    _: SameOrigin,
    JsonBody(request): JsonBody<DecisionRequest>,
) -> Result<Json<Decided>, ProblemResponse> {
    Ok(Json(manager.decide(&officer, &request).await?))
}

/// The other people who have certificates here, for a supervisor.
#[utoipa::path(get, path = "/v1/colleagues",
    responses((status = OK, body = Vec<Colleague>), (status = 401), (status = 403)))]
pub(super) async fn colleagues(
    State(manager): State<KeyManager>,
    supervisor: VerifiedOfficer,
) -> Result<Json<Vec<Colleague>>, ProblemResponse> {
    Ok(Json(manager.colleagues(&supervisor)?))
}

/// Lets one officer open one infected document for a while; for supervisors, never for themselves.
#[utoipa::path(post, path = "/v1/exceptions", request_body = ExceptionRequest,
    responses((status = OK, body = Exception), (status = 401), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn except(
    State(manager): State<KeyManager>,
    supervisor: VerifiedOfficer,
    _: SameOrigin,
    JsonBody(request): JsonBody<ExceptionRequest>,
) -> Result<Json<Exception>, ProblemResponse> {
    Ok(Json(manager.except(&supervisor, &request).await?))
}

/// The exceptions of the last three months, the newest first; for supervisors and administrators.
#[utoipa::path(get, path = "/v1/exceptions",
    responses((status = OK, body = Vec<ShownException>), (status = 401), (status = 403)))]
pub(super) async fn exceptions(State(manager): State<KeyManager>, _: Overseer) -> Json<Vec<ShownException>> {
    Json(manager.exceptions())
}

/// Takes an exception back before its time; for supervisors and administrators.
#[utoipa::path(post, path = "/v1/exceptions/{id}/revoke", params(("id" = String, Path)),
    responses((status = OK, body = Vec<ShownException>), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn revoke_exception(
    State(manager): State<KeyManager>,
    overseer: Overseer,
    _: SameOrigin,
    Path(id): Path<String>,
) -> Result<Json<Vec<ShownException>>, ProblemResponse> {
    manager.revoke_exception(&overseer, &id).await?;
    Ok(Json(manager.exceptions()))
}

fn secret<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}
