//! Organisations over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sceau_accounts::{Accounts, Authorised, JsonBody, PlatformAdmin, Prepared, Proven};
use sceau_element_api::OrganisationId;
use serde::Serialize;
use utoipa::ToSchema;

use super::parts::At;
use super::refusal::Refusal;
use crate::{Dossiers, OrganisationForm, OrganisationView, RootForm};

/// An organisation that was enrolled, with the credentials of its key manager, shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct Enrolled {
    organisation: OrganisationView,
    client: Credentials,
}

#[derive(Serialize, ToSchema)]
struct Credentials {
    client_id: String,
    client_secret: String,
}

/// First step: the organisation's document that the administrator's passkey will sign.
#[utoipa::path(post, path = "/v1/organisations/prepare", security(("session" = ["platform_admin"])), request_body = OrganisationForm,
    responses((status = OK, body = Prepared), (status = 401), (status = 403)))]
pub(super) async fn prepare(
    State(dossiers): State<Dossiers>,
    _: Authorised<PlatformAdmin>,
    JsonBody(form): JsonBody<OrganisationForm>,
) -> Result<Json<Prepared>, Refusal> {
    Ok(Json(dossiers.prepare_organisation(&form).await?))
}

/// Second step: the organisation is enrolled.
#[utoipa::path(post, path = "/v1/organisations", security(("session" = ["platform_admin"])), request_body = Proven,
    responses((status = CREATED, body = Enrolled), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn enrol(
    State(dossiers): State<Dossiers>,
    State(accounts): State<Accounts>,
    _: Authorised<PlatformAdmin>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<(StatusCode, Json<Enrolled>), Refusal> {
    let (id, client) = dossiers.enrol_organisation(&accounts, &body.payload, body.proof).await?;
    let client = Credentials {
        client_id: client.client_id.to_string(),
        client_secret: client.client_secret.as_str().to_owned(),
    };
    let organisation = dossiers.organisation(id).await?;
    Ok((StatusCode::CREATED, Json(Enrolled { organisation, client })))
}

/// First step of giving an organisation another root: its document, which the administrator's passkey will sign.
#[utoipa::path(post, path = "/v1/organisations/{id}/root/prepare", security(("session" = ["platform_admin"])),
    params(("id" = String, Path)), request_body = RootForm,
    responses((status = OK, body = Prepared), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn prepare_root(
    State(dossiers): State<Dossiers>,
    _: Authorised<PlatformAdmin>,
    At(id): At<OrganisationId>,
    JsonBody(form): JsonBody<RootForm>,
) -> Result<Json<Prepared>, Refusal> {
    Ok(Json(dossiers.prepare_root(id, &form).await?))
}

/// Second step: the new root is enrolled, and what the old one stated ends.
#[utoipa::path(post, path = "/v1/organisations/{id}/root", security(("session" = ["platform_admin"])),
    params(("id" = String, Path)), request_body = Proven,
    responses((status = OK, body = OrganisationView), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn replace_root(
    State(dossiers): State<Dossiers>,
    _: Authorised<PlatformAdmin>,
    At(id): At<OrganisationId>,
    JsonBody(body): JsonBody<Proven>,
) -> Result<Json<OrganisationView>, Refusal> {
    dossiers.replace_root(id, &body.payload, body.proof).await?;
    Ok(Json(dossiers.organisation(id).await?))
}

/// The organisations, by name.
#[utoipa::path(get, path = "/v1/organisations", security(()), responses((status = OK, body = Vec<OrganisationView>)))]
pub(super) async fn list(State(dossiers): State<Dossiers>) -> Result<Json<Vec<OrganisationView>>, Refusal> {
    Ok(Json(dossiers.organisations().await?))
}

/// One organisation.
#[utoipa::path(get, path = "/v1/organisations/{id}", security(()), params(("id" = String, Path)),
    responses((status = OK, body = OrganisationView), (status = 404)))]
pub(super) async fn one(
    State(dossiers): State<Dossiers>,
    At(id): At<OrganisationId>,
) -> Result<Json<OrganisationView>, Refusal> {
    Ok(Json(dossiers.organisation(id).await?))
}
