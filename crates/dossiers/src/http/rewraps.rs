//! What an organisation's key manager calls to re-wrap dossiers.

use axum::Json;
use axum::extract::State;
use sceau_accounts::{AuthorisedClient, ForKeyManager, JsonBody};
use sceau_element_api::{DossierId, OrganisationId};
use serde::Serialize;
use utoipa::ToSchema;

use super::key_managers::own;
use super::parts::At;
use super::refusal::Refusal;
use crate::Dossiers;
use crate::rewrap::{NewHeaders, SealedDossier};

/// Where the log holds the record of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Rewrapped {
    index: u64,
}

/// A dossier of the organisation as it is sealed now, without its contents.
#[utoipa::path(get, path = "/v1/organisations/{id}/dossiers/{dossier}/headers", security(("client" = ["key_manager"])),
    params(("id" = String, Path), ("dossier" = String, Path)),
    responses((status = OK, body = SealedDossier), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn sealed(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At((id, dossier)): At<(OrganisationId, DossierId)>,
) -> Result<Json<SealedDossier>, Refusal> {
    own(&client, id)?;
    Ok(Json(dossiers.sealed(client.actor(), id, dossier).await?))
}

/// Puts other headers in their place: the same contents, sealed to the organisation's current key.
#[utoipa::path(put, path = "/v1/organisations/{id}/dossiers/{dossier}/headers", security(("client" = ["key_manager"])),
    params(("id" = String, Path), ("dossier" = String, Path)), request_body = NewHeaders,
    responses((status = OK, body = Rewrapped), (status = 401), (status = 403), (status = 404), (status = 409), (status = 422)))]
pub(super) async fn rewrap(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At((id, dossier)): At<(OrganisationId, DossierId)>,
    JsonBody(body): JsonBody<NewHeaders>,
) -> Result<Json<Rewrapped>, Refusal> {
    own(&client, id)?;
    Ok(Json(Rewrapped { index: dossiers.rewrap(id, dossier, body).await? }))
}
