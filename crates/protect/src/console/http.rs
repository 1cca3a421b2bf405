//! The console over HTTP: administrators and data officers of an organisation, and what is within their remit.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use sceau_accounts::{Authorised, DataSteward, JsonBody, OrganisationAdmin};
use sceau_element_api::protect::{DatumId, Erasure};
use sceau_element_api::wire::AttestedRow;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Activity, Acts, ActsPage, ApplicationView, Console, ConsoleFault, DatumView, Found, Looked, OnRecord,
    Span,
};
use crate::registration::{MAX_REGISTRATION, Registration};
use crate::rows::Search;

/// Every route of the console, with its part of the OpenAPI document.
pub fn routes(console: Console) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(applications, register))
        .routes(routes!(acts, act))
        .routes(routes!(data))
        .routes(routes!(datum))
        .routes(routes!(erasure))
        .routes(routes!(records))
        .routes(routes!(evidence))
        .routes(routes!(activity))
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

/// An act's document (`docs/protected-data.md`, *Act on data*), the version that it replaces, and the proof of the passkey of who acts.
#[derive(ToSchema)]
#[allow(dead_code, reason = "the shape of `Registration`, for the OpenAPI document")]
struct SignedAct {
    /// The document's bytes, base64url without padding.
    payload: String,
    /// `version` and `hash` of the request that is approved or withdrawn; null for a new act.
    previous: Option<Object>,
    /// The passkey's.
    proof: Object,
}

/// For [`ApplicationRegistration`].
#[derive(ToSchema)]
struct Object {}

/// The organisation's applications.
#[utoipa::path(get, path = "/v1/protect/applications", security(("session" = ["organisation_admin", "data_officer"])),
    responses((status = OK, body = Vec<ApplicationView>), (status = 401), (status = 403)))]
async fn applications(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
) -> Result<Json<Vec<ApplicationView>>, ConsoleFault> {
    Ok(Json(console.applications(&who.place).await?))
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

/// Acts on the organisation's data: what waits for a second person, then what was done, the last one first.
#[utoipa::path(get, path = "/v1/protect/acts", security(("session" = ["organisation_admin", "data_officer"])),
    params(ActsPage), responses((status = OK, body = Acts), (status = 400), (status = 401), (status = 403)))]
async fn acts(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    page: Result<Query<ActsPage>, QueryRejection>,
) -> Result<Json<Acts>, ConsoleFault> {
    let page = page.map_err(|_| ConsoleFault::malformed("the query has not the fields of this call"))?;
    Ok(Json(console.acts(&who.place, &page).await?))
}

/// Data are held, let go or erased; what cannot be undone is asked for, and approved or withdrawn. The element judges whose passkey may.
#[utoipa::path(post, path = "/v1/protect/acts", security(("session" = ["organisation_admin", "data_officer"])),
    request_body = SignedAct,
    responses((status = OK, body = Object), (status = 401), (status = 403), (status = 404), (status = 409), (status = 410),
        (status = 422)))]
async fn act(
    State(console): State<Console>,
    _: Authorised<DataSteward>,
    JsonBody(signed): JsonBody<Registration>,
) -> Result<Json<AttestedRow>, ConsoleFault> {
    Ok(Json(console.act(signed).await?))
}

/// The organisation's data, those that are searched for.
#[utoipa::path(get, path = "/v1/protect/data", security(("session" = ["organisation_admin", "data_officer"])), params(Search),
    responses((status = OK, body = Found), (status = 400), (status = 401), (status = 403)))]
async fn data(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Found>, ConsoleFault> {
    let search = search.map_err(|_| ConsoleFault::malformed("the query has not the fields of this call"))?;
    Ok(Json(console.data(&who.place, &search).await?))
}

/// One of the organisation's data.
#[utoipa::path(get, path = "/v1/protect/data/{id}", security(("session" = ["organisation_admin", "data_officer"])),
    params(("id" = String, Path)), responses((status = OK, body = DatumView), (status = 401), (status = 403), (status = 404)))]
async fn datum(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    id: Result<Path<DatumId>, PathRejection>,
) -> Result<Json<DatumView>, ConsoleFault> {
    let Path(id) = id.map_err(|_| ConsoleFault::not_found())?;
    Ok(Json(console.datum(&who.place, id).await?))
}

/// The certificate that one of the organisation's data was erased (`docs/protect-a-field.md`, *Erase*).
#[utoipa::path(get, path = "/v1/protect/data/{id}/erasure", security(("session" = ["organisation_admin", "data_officer"])),
    params(("id" = String, Path)), responses((status = OK, body = Object), (status = 401), (status = 403), (status = 404)))]
async fn erasure(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    id: Result<Path<DatumId>, PathRejection>,
) -> Result<Json<Erasure>, ConsoleFault> {
    let Path(id) = id.map_err(|_| ConsoleFault::not_found())?;
    Ok(Json(console.erasure(&who.place, id).await?))
}

/// What is on record about the organisation's protected data: calls and refusals, and acts of people and of the element.
#[utoipa::path(get, path = "/v1/protect/records", security(("session" = ["organisation_admin", "data_officer"])), params(Looked),
    responses((status = OK, body = OnRecord), (status = 400), (status = 401), (status = 403), (status = 404)))]
async fn records(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    looked: Result<Query<Looked>, QueryRejection>,
) -> Result<Json<OnRecord>, ConsoleFault> {
    let looked = looked.map_err(|_| ConsoleFault::malformed("the query has not the fields of this call"))?;
    Ok(Json(console.records(&who.place, &looked).await?))
}

/// The evidence file of one of these records, with its names in clear.
#[utoipa::path(get, path = "/v1/protect/records/{index}/evidence", security(("session" = ["organisation_admin", "data_officer"])),
    params(("index" = u64, Path)), responses((status = OK, body = Object), (status = 401), (status = 403), (status = 404)))]
async fn evidence(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    index: Result<Path<u64>, PathRejection>,
) -> Result<Json<serde_json::Value>, ConsoleFault> {
    let Path(index) = index.map_err(|_| ConsoleFault::not_found())?;
    Ok(Json(console.evidence(&who.place, index).await?))
}

/// How much the organisation's applications asked for, and how it ended: counted by hour.
#[utoipa::path(get, path = "/v1/protect/activity", security(("session" = ["organisation_admin", "data_officer"])), params(Span),
    responses((status = OK, body = Activity), (status = 400), (status = 401), (status = 403)))]
async fn activity(
    State(console): State<Console>,
    who: Authorised<DataSteward>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Json<Activity>, ConsoleFault> {
    let Query(span) = span.map_err(|_| ConsoleFault::malformed("from and until are Unix milliseconds"))?;
    Ok(Json(console.activity(&who.place, span).await?))
}
