//! What connectors ask for, and what administrators say of them.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{JsonBody, SameOrigin};
use super::problem::ProblemResponse;
use super::reading::Unwrapped;
use crate::connector::{Caller, Grant, LoggedDecision, LoggedManifest, VerifiedConnector};
use crate::decide::{Decided, DecisionRequest};
use crate::manager::KeyManager;
use crate::officer::VerifiedAdministrator;
use crate::release::UnwrapRequest;

/// Releases the content key of one file to a connector, as far as its grant reaches.
#[utoipa::path(post, path = "/v1/connector/unwrap", request_body = UnwrapRequest,
    responses((status = OK, body = Unwrapped), (status = 401), (status = 403), (status = 422), (status = 429)))]
pub(super) async fn unwrap(
    State(manager): State<KeyManager>,
    connector: VerifiedConnector,
    JsonBody(request): JsonBody<UnwrapRequest>,
) -> Result<Json<Unwrapped>, ProblemResponse> {
    let released = manager.release(Caller::Connector(&connector), &request).await?;
    Ok(Json(released.into()))
}

/// Takes a decision of a connector, on the account that its grant names.
#[utoipa::path(post, path = "/v1/connector/decisions", request_body = DecisionRequest,
    responses((status = OK, body = Decided), (status = 401), (status = 403), (status = 409), (status = 422)))]
pub(super) async fn decide(
    State(manager): State<KeyManager>,
    connector: VerifiedConnector,
    JsonBody(request): JsonBody<DecisionRequest>,
) -> Result<Json<Decided>, ProblemResponse> {
    Ok(Json(manager.decide_for(Caller::Connector(&connector), &request).await?))
}

/// After which entry of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// Log index; from the beginning without it.
    after: Option<u64>,
}

/// The manifests for this organisation that this key manager read in the platform's log, and that nothing ended yet, in the log's order: what the
/// platform's feed must have given. At most 500; ask again after the last one.
#[utoipa::path(get, path = "/v1/connector/manifests", params(After),
    responses((status = OK, body = Vec<LoggedManifest>), (status = 401), (status = 403)))]
pub(super) async fn manifests(
    State(manager): State<KeyManager>,
    _: VerifiedConnector,
    Query(After { after }): Query<After>,
) -> Result<Json<Vec<LoggedManifest>>, ProblemResponse> {
    Ok(Json(manager.logged_manifests(after.unwrap_or(0)).await?))
}

/// The decisions that this key manager signed and read in the platform's log, in the log's order: what the platform's feed must have told of. At most
/// 500; ask again after the last one.
#[utoipa::path(get, path = "/v1/connector/decided", params(After),
    responses((status = OK, body = Vec<LoggedDecision>), (status = 401), (status = 403)))]
pub(super) async fn decided(
    State(manager): State<KeyManager>,
    _: VerifiedConnector,
    Query(After { after }): Query<After>,
) -> Result<Json<Vec<LoggedDecision>>, ProblemResponse> {
    Ok(Json(manager.logged_decisions(after.unwrap_or(0)).await?))
}

/// The connectors that have a grant.
#[utoipa::path(get, path = "/v1/connectors", responses((status = OK, body = Vec<Grant>), (status = 401), (status = 403)))]
pub(super) async fn list(State(manager): State<KeyManager>, _: VerifiedAdministrator) -> Json<Vec<Grant>> {
    Json(manager.grants())
}

/// Grants a connector what it may do; a later grant of the same certificate replaces the one before.
#[utoipa::path(post, path = "/v1/connectors", request_body = Grant,
    responses((status = OK, body = Vec<Grant>), (status = 400), (status = 403)))]
pub(super) async fn grant(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    JsonBody(grant): JsonBody<Grant>,
) -> Result<Json<Vec<Grant>>, ProblemResponse> {
    manager.grant(grant).await?;
    Ok(Json(manager.grants()))
}

/// Revokes a grant, at once.
#[utoipa::path(post, path = "/v1/connectors/{fingerprint}/revoke", params(("fingerprint" = String, Path)),
    responses((status = OK, body = Vec<Grant>), (status = 400), (status = 403), (status = 404)))]
pub(super) async fn revoke(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    Path(fingerprint): Path<String>,
) -> Result<Json<Vec<Grant>>, ProblemResponse> {
    manager.revoke_grant(&fingerprint).await?;
    Ok(Json(manager.grants()))
}
