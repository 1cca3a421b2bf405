//! The pull API of organisations' connectors, and what their administrators say of them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sceau_accounts::{
    Accounts, Authorised, AuthorisedClient, ClientId, ForReceiving, JsonBody, OrganisationAdmin,
};
use sceau_element_api::DossierId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parts::{Asked, At};
use super::refusal::Refusal;
use crate::{
    ConnectorView, Discard, Dossiers, Fault, NewConnector, Page, ReadingToken, WebhookForm, WebhookView,
    guard,
};

/// Where to go on, and how long to wait.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The cursor of the page before; what was acknowledged last, if left out.
    after: Option<u64>,
    /// Seconds to wait for the first entry, 30 at most; none, if left out.
    wait: Option<u64>,
    /// Entries at most, up to 200.
    limit: Option<u64>,
}

/// What a connector has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Through {
    through: u64,
}

/// What is kept of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Acknowledged {
    acknowledged: u64,
}

/// Credentials, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeConnector {
    client_id: String,
    client_secret: String,
}

/// The feed of the connector's organisation, in order.
#[utoipa::path(get, path = "/v1/deliveries", security(("client" = ["dossiers.receive"])), params(From),
    responses((status = OK, body = Page), (status = 401)))]
pub(super) async fn list(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForReceiving>,
    Asked(From { after, wait, limit }): Asked<From>,
) -> Result<Json<Page>, Refusal> {
    hold(&dossiers, &client)?;
    let wait = wait.unwrap_or(0);
    Ok(Json(dossiers.deliveries(client.organisation, client.client, after, wait, limit).await?))
}

/// Says up to which position the connector has everything: a feed that is asked for without a cursor goes on from there.
#[utoipa::path(post, path = "/v1/deliveries/acknowledge", security(("client" = ["dossiers.receive"])), request_body = Through,
    responses((status = OK, body = Acknowledged), (status = 400), (status = 401)))]
pub(super) async fn acknowledge(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForReceiving>,
    JsonBody(Through { through }): JsonBody<Through>,
) -> Result<Json<Acknowledged>, Refusal> {
    hold(&dossiers, &client)?;
    let acknowledged = dossiers.acknowledge(client.organisation, client.client, through).await?;
    Ok(Json(Acknowledged { acknowledged }))
}

/// A reading session of one dossier, for an hour: its bundle and parts are fetched as a key manager's page does.
#[utoipa::path(post, path = "/v1/deliveries/{dossier}/reading", security(("client" = ["dossiers.receive"])),
    params(("dossier" = String, Path)), responses((status = OK, body = ReadingToken), (status = 401), (status = 404)))]
pub(super) async fn read(
    State(dossiers): State<Dossiers>,
    client: AuthorisedClient<ForReceiving>,
    At(dossier): At<DossierId>,
) -> Result<Json<ReadingToken>, Refusal> {
    hold(&dossiers, &client)?;
    Ok(Json(dossiers.begin_machine_reading(client.client, client.organisation, dossier).await?))
}

/// Holds the connectors of an organisation to a pace: a reading is a row and a record.
fn hold(dossiers: &Dossiers, client: &AuthorisedClient<ForReceiving>) -> Result<(), Fault> {
    dossiers.throttle_known(&format!("connectors of {}", client.organisation), guard::OF_CONNECTORS)
}

/// The connectors of the organisation.
#[utoipa::path(get, path = "/v1/organisation/connectors", security(("session" = ["organisation_admin"])),
    responses((status = OK, body = Vec<ConnectorView>), (status = 401), (status = 403)))]
pub(super) async fn connectors(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
) -> Result<Json<Vec<ConnectorView>>, Refusal> {
    Ok(Json(dossiers.connectors(admin.place).await?))
}

/// Makes a connector; its secret is shown this once.
#[utoipa::path(post, path = "/v1/organisation/connectors", security(("session" = ["organisation_admin"])), request_body = NewConnector,
    responses((status = CREATED, body = MadeConnector), (status = 400), (status = 401), (status = 403)))]
pub(super) async fn make_connector(
    State(dossiers): State<Dossiers>,
    State(accounts): State<Accounts>,
    admin: Authorised<OrganisationAdmin>,
    JsonBody(new): JsonBody<NewConnector>,
) -> Result<(StatusCode, Json<MadeConnector>), Refusal> {
    let made = dossiers.make_connector(&accounts, admin.account.id, admin.place, &new).await?;
    let made = MadeConnector {
        client_id: made.client_id.to_string(),
        client_secret: made.client_secret.as_str().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Ends a connector, at once.
#[utoipa::path(post, path = "/v1/organisation/connectors/{id}/end", security(("session" = ["organisation_admin"])),
    params(("id" = String, Path)), responses((status = OK, body = Vec<ConnectorView>), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn end_connector(
    State(dossiers): State<Dossiers>,
    State(accounts): State<Accounts>,
    admin: Authorised<OrganisationAdmin>,
    At(id): At<String>,
) -> Result<Json<Vec<ConnectorView>>, Refusal> {
    let client: ClientId = id.parse().map_err(|_| Fault::not_found())?;
    dossiers.end_connector(&accounts, admin.account.id, admin.place, client).await?;
    Ok(Json(dossiers.connectors(admin.place).await?))
}

/// Where the organisation is told of news, and what could not be delivered.
#[utoipa::path(get, path = "/v1/organisation/webhook", security(("session" = ["organisation_admin"])),
    responses((status = OK, body = WebhookView), (status = 401), (status = 403)))]
pub(super) async fn webhook(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
) -> Result<Json<WebhookView>, Refusal> {
    Ok(Json(dossiers.webhook(admin.place).await?))
}

/// Sets where the organisation is told of news: a signed request for each entry of the feed.
#[utoipa::path(put, path = "/v1/organisation/webhook", security(("session" = ["organisation_admin"])), request_body = WebhookForm,
    responses((status = OK, body = WebhookView), (status = 400), (status = 401), (status = 403)))]
pub(super) async fn set_webhook(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
    JsonBody(form): JsonBody<WebhookForm>,
) -> Result<Json<WebhookView>, Refusal> {
    dossiers.set_webhook(admin.account.id, admin.place, Some(&form.url)).await?;
    Ok(Json(dossiers.webhook(admin.place).await?))
}

/// The organisation is told of nothing any more.
#[utoipa::path(post, path = "/v1/organisation/webhook/end", security(("session" = ["organisation_admin"])),
    responses((status = OK, body = WebhookView), (status = 401), (status = 403)))]
pub(super) async fn end_webhook(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
) -> Result<Json<WebhookView>, Refusal> {
    dossiers.set_webhook(admin.account.id, admin.place, None).await?;
    Ok(Json(dossiers.webhook(admin.place).await?))
}

/// Sends again what could not be delivered.
#[utoipa::path(post, path = "/v1/organisation/webhook/dead-letters/{id}/replay", security(("session" = ["organisation_admin"])),
    params(("id" = String, Path)), responses((status = OK, body = WebhookView), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn replay_webhook(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
    At(id): At<String>,
) -> Result<Json<WebhookView>, Refusal> {
    dossiers.replay_webhook(admin.account.id, admin.place, &id).await?;
    Ok(Json(dossiers.webhook(admin.place).await?))
}

/// Discards what could not be delivered, for a reason.
#[utoipa::path(post, path = "/v1/organisation/webhook/dead-letters/{id}/discard", security(("session" = ["organisation_admin"])),
    params(("id" = String, Path)), request_body = Discard,
    responses((status = OK, body = WebhookView), (status = 400), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn discard_webhook(
    State(dossiers): State<Dossiers>,
    admin: Authorised<OrganisationAdmin>,
    At(id): At<String>,
    JsonBody(Discard { reason }): JsonBody<Discard>,
) -> Result<Json<WebhookView>, Refusal> {
    dossiers.discard_webhook(admin.account.id, admin.place, &id, reason).await?;
    Ok(Json(dossiers.webhook(admin.place).await?))
}

/// The keys that webhooks are, were or will soon be signed with, the newest first, as a JSON Web Key Set (RFC 7517).
#[utoipa::path(get, path = "/.well-known/http-message-signatures-directory", security(()), responses((status = OK, body = Object)))]
pub(super) async fn webhook_keys(
    State(dossiers): State<Dossiers>,
) -> Result<Json<serde_json::Value>, Refusal> {
    let jwk = |key: &sceau_crypto::VerifyingKey| {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "x": sceau_element_api::Base64Url(key.as_bytes().to_vec()), "kid": sceau_crypto::http_signature::key_id(key),
        })
    };
    let keys: Vec<_> = dossiers.webhook_keys().await?.iter().map(jwk).collect();
    Ok(Json(serde_json::json!({ "keys": keys })))
}
