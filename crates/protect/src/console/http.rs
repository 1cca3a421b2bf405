//! The console over HTTP: administrators of an organisation, and what is theirs.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use sceau_accounts::{Authorised, JsonBody, OrganisationAdmin};
use sceau_element_api::protect::DatumId;
use sceau_element_api::wire::AttestedRow;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ApplicationView, Console, ConsoleFault, DatumView, Found};
use crate::registration::{MAX_REGISTRATION, Registration};
use crate::rows::Search;

/// Every route of the console, with its part of the OpenAPI document.
pub fn routes(console: Console) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(applications, register))
        .routes(routes!(data))
        .routes(routes!(datum))
        .layer(DefaultBodyLimit::max(MAX_REGISTRATION))
        .with_state(console)
}

/// An application's document (`docs/protect-a-field.md`), the version that it replaces, and the proof of the administrator's passkey.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of `Registration`, for the OpenAPI document")]
struct ApplicationRegistration {
    /// The document's bytes, base64url without padding.
    payload: String,
    /// `version` and `hash` of the one before; null for a new application.
    previous: Option<Object>,
    /// The passkey's.
    proof: Object,
}

/// For [`ApplicationRegistration`].
#[derive(ToSchema)]
struct Object {}

/// The organisation's applications.
#[utoipa::path(get, path = "/v1/protect/applications", security(("session" = ["organisation_admin"])),
    responses((status = OK, body = Vec<ApplicationView>), (status = 401), (status = 403)))]
async fn applications(
    State(console): State<Console>,
    admin: Authorised<OrganisationAdmin>,
) -> Result<Json<Vec<ApplicationView>>, ConsoleFault> {
    Ok(Json(console.applications(admin.place).await?))
}

/// An application is registered, or its next version. The element judges whose passkey may.
#[utoipa::path(post, path = "/v1/protect/applications", security(("session" = ["organisation_admin"])),
    request_body = ApplicationRegistration,
    responses((status = OK, body = Object), (status = 401), (status = 403), (status = 409), (status = 422)))]
async fn register(
    State(console): State<Console>,
    _: Authorised<OrganisationAdmin>,
    JsonBody(registration): JsonBody<Registration>,
) -> Result<Json<AttestedRow>, ConsoleFault> {
    Ok(Json(console.register(registration).await?))
}

/// The organisation's data, those that are searched for.
#[utoipa::path(get, path = "/v1/protect/data", security(("session" = ["organisation_admin"])), params(Search),
    responses((status = OK, body = Found), (status = 400), (status = 401), (status = 403)))]
async fn data(
    State(console): State<Console>,
    admin: Authorised<OrganisationAdmin>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Found>, ConsoleFault> {
    let search = search.map_err(|_| ConsoleFault::malformed("the query has not the fields of this call"))?;
    Ok(Json(console.data(admin.place, &search).await?))
}

/// One of the organisation's data.
#[utoipa::path(get, path = "/v1/protect/data/{id}", security(("session" = ["organisation_admin"])),
    params(("id" = String, Path)), responses((status = OK, body = DatumView), (status = 401), (status = 403), (status = 404)))]
async fn datum(
    State(console): State<Console>,
    admin: Authorised<OrganisationAdmin>,
    id: Result<Path<DatumId>, PathRejection>,
) -> Result<Json<DatumView>, ConsoleFault> {
    let Path(id) = id.map_err(|_| ConsoleFault::not_found())?;
    Ok(Json(console.datum(admin.place, id).await?))
}
