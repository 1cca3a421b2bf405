//! What an organisation's key manager calls, as its confidential client.

use axum::Json;
use axum::extract::State;
use sceau_accounts::{AuthorisedClient, ForKeyManager, JsonBody};
use sceau_element_api::OrganisationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parts::At;
use super::refusal::Refusal;
use crate::evidence::everything;
use crate::{Code, Dossiers, Fault, KeyInUse, PublishedKey};

/// One signed statement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    jws: String,
}

/// Several signed statements.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignedMany {
    jws: Vec<String>,
}

/// Where the log holds them.
#[derive(Serialize, ToSchema)]
pub(super) struct Indices {
    indices: Vec<u64>,
}

/// The evidence that a decision was attested.
#[derive(Serialize, ToSchema)]
pub(super) struct DecisionReceipt {
    #[schema(value_type = Object)]
    evidence: serde_json::Value,
}

/// Each key that the organisation's root has stated.
#[utoipa::path(get, path = "/v1/organisations/{id}/key-statements", security(()), params(("id" = String, Path)),
    responses((status = OK, body = Vec<PublishedKey>), (status = 404)))]
pub(super) async fn statements(
    State(dossiers): State<Dossiers>,
    At(id): At<OrganisationId>,
) -> Result<Json<Vec<PublishedKey>>, Refusal> {
    Ok(Json(dossiers.published_keys(id).await?))
}

/// Publishes a key; the answer acknowledges it with its place in the log.
#[utoipa::path(put, path = "/v1/organisations/{id}/key-statements", security(("client" = ["key_manager"])), params(("id" = String, Path)),
    request_body = Signed, responses((status = OK, body = PublishedKey), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn publish(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At(id): At<OrganisationId>,
    JsonBody(body): JsonBody<Signed>,
) -> Result<Json<PublishedKey>, Refusal> {
    own(&client, id)?;
    Ok(Json(dossiers.publish_key(id, &body.jws).await?))
}

/// Delivers records of the key manager to the log.
#[utoipa::path(post, path = "/v1/organisations/{id}/records", security(("client" = ["key_manager"])), params(("id" = String, Path)),
    request_body = SignedMany, responses((status = OK, body = Indices), (status = 401), (status = 403)))]
pub(super) async fn records(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At(id): At<OrganisationId>,
    JsonBody(body): JsonBody<SignedMany>,
) -> Result<Json<Indices>, Refusal> {
    own(&client, id)?;
    Ok(Json(Indices { indices: dossiers.deliver_records(&body.jws).await? }))
}

/// Delivers a decision.
#[utoipa::path(post, path = "/v1/organisations/{id}/decisions", security(("client" = ["key_manager"])), params(("id" = String, Path)),
    request_body = Signed, responses((status = OK, body = DecisionReceipt), (status = 401), (status = 403), (status = 409)))]
pub(super) async fn decisions(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At(id): At<OrganisationId>,
    JsonBody(body): JsonBody<Signed>,
) -> Result<Json<DecisionReceipt>, Refusal> {
    own(&client, id)?;
    let index = dossiers.decide(id, &body.jws).await?;
    Ok(Json(DecisionReceipt { evidence: dossiers.evidence_showing(index, everything).await? }))
}

/// The dossiers of the organisation with the keys that they are sealed to.
#[utoipa::path(get, path = "/v1/organisations/{id}/open-dossiers", security(("client" = ["key_manager"])), params(("id" = String, Path)),
    responses((status = OK, body = Vec<KeyInUse>), (status = 401), (status = 403)))]
pub(super) async fn keys_in_use(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForKeyManager>,
    At(id): At<OrganisationId>,
) -> Result<Json<Vec<KeyInUse>>, Refusal> {
    own(&client, id)?;
    Ok(Json(dossiers.keys_in_use(id).await?))
}

pub(super) fn own(
    client: &AuthorisedClient<ForKeyManager>,
    organisation: OrganisationId,
) -> Result<(), Fault> {
    if client.organisation == organisation { Ok(()) } else { Err(Code::ForeignOrganisation.into()) }
}
