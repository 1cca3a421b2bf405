//! What the platform's administrator sees of everything that is delivered, and does with what was given up.

use axum::Json;
use axum::extract::State;
use sceau_accounts::{Authorised, JsonBody, PlatformAdmin};

use super::parts::At;
use super::refusal::Refusal;
use crate::{DeliveriesView, Discard, Dossiers};

/// How all deliveries stand: what is late, and what was given up.
#[utoipa::path(get, path = "/v1/administration/deliveries", security(("session" = ["platform_admin"])),
    responses((status = OK, body = DeliveriesView), (status = 401), (status = 403)))]
pub(super) async fn list(
    State(dossiers): State<Dossiers>,
    _: Authorised<PlatformAdmin>,
) -> Result<Json<DeliveriesView>, Refusal> {
    Ok(Json(dossiers.deliveries_view().await?))
}

/// Has a message that was given up tried again.
#[utoipa::path(post, path = "/v1/administration/deliveries/{id}/replay", security(("session" = ["platform_admin"])),
    params(("id" = String, Path)),
    responses((status = OK, body = DeliveriesView), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn replay(
    State(dossiers): State<Dossiers>,
    admin: Authorised<PlatformAdmin>,
    At(id): At<String>,
) -> Result<Json<DeliveriesView>, Refusal> {
    dossiers.replay(admin.account.id, &id).await?;
    Ok(Json(dossiers.deliveries_view().await?))
}

/// Discards a message that was given up, for a reason.
#[utoipa::path(post, path = "/v1/administration/deliveries/{id}/discard", security(("session" = ["platform_admin"])),
    params(("id" = String, Path)), request_body = Discard,
    responses((status = OK, body = DeliveriesView), (status = 400), (status = 401), (status = 403), (status = 404)))]
pub(super) async fn discard(
    State(dossiers): State<Dossiers>,
    admin: Authorised<PlatformAdmin>,
    At(id): At<String>,
    JsonBody(Discard { reason }): JsonBody<Discard>,
) -> Result<Json<DeliveriesView>, Refusal> {
    dossiers.discard(admin.account.id, &id, reason).await?;
    Ok(Json(dossiers.deliveries_view().await?))
}
