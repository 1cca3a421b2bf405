//! Schemes over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sceau_accounts::{Authorised, JsonBody, OrganisationAdmin, Prepared, Proven};
use sceau_element_api::SchemeId;

use super::parts::At;
use super::refusal::Refusal;
use crate::{Dossiers, SchemeForm, SchemeView};

/// First step: the scheme's document that the administrator's passkey will sign.
#[utoipa::path(post, path = "/v1/schemes/prepare", security(("session" = ["organisation_admin"])), request_body = SchemeForm,
    responses((status = OK, body = Prepared), (status = 401), (status = 403), (status = 422)))]
pub(super) async fn prepare(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
    JsonBody(form): JsonBody<SchemeForm>,
) -> Result<Json<Prepared>, Refusal> {
    Ok(Json(dossiers.prepare_scheme(admin.place, form).await?))
}

/// Second step: the scheme is published.
#[utoipa::path(post, path = "/v1/schemes", security(("session" = ["organisation_admin"])), request_body = Proven,
    responses((status = CREATED, body = SchemeView), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn publish(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<(StatusCode, Json<SchemeView>), Refusal> {
    let scheme = dossiers.publish_scheme(admin.place, &body.payload, body.proof).await?;
    Ok((StatusCode::CREATED, Json(scheme)))
}

/// The schemes on offer.
#[utoipa::path(get, path = "/v1/schemes", security(()), responses((status = OK, body = Vec<SchemeView>)))]
pub(super) async fn list(State(dossiers): State<Dossiers>) -> Result<Json<Vec<SchemeView>>, Refusal> {
    Ok(Json(dossiers.schemes().await?))
}

/// One scheme.
#[utoipa::path(get, path = "/v1/schemes/{id}", security(()), params(("id" = String, Path)),
    responses((status = OK, body = SchemeView), (status = 404)))]
pub(super) async fn one(
    State(dossiers): State<Dossiers>,
    At(id): At<SchemeId>,
) -> Result<Json<SchemeView>, Refusal> {
    Ok(Json(dossiers.scheme(id).await?))
}
