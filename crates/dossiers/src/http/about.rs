//! What the platform says of itself: whether it is well, what pages must know first, and which routes there are.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use sceau_element_api::documents::IntakeHost;
use sceau_store::{Glance, params};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Platform;
use crate::statements;

/// What these routes show.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) platform: Platform,
    /// The log's verifier key.
    pub(super) log_key: Arc<str>,
    /// Whether data are protected here.
    pub(super) protects: bool,
    /// The OpenAPI document, once it is whole.
    pub(super) document: Arc<OnceLock<Value>>,
    pub(super) glance: Arc<Glance<Standing>>,
}

/// What of it answers, and whether everything that is to be delivered is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    element: bool,
    records: bool,
    delivered: bool,
}

/// `pass`, `warn` or `fail`, of one thing or of all.
type Health = &'static str;

/// Whether the platform is well, in the form of `application/health+json`.
#[derive(Serialize, ToSchema)]
pub(super) struct Check {
    #[schema(value_type = String)]
    status: Health,
    role: &'static str,
    checks: Checks,
}

/// What it stands on.
#[derive(Serialize, ToSchema)]
struct Checks {
    /// The privileged zone answers.
    #[schema(value_type = String)]
    element: Health,
    /// The database answers.
    #[schema(value_type = String)]
    records: Health,
    /// Everything that is to be delivered is; `warn` where something is late or was given up.
    #[schema(value_type = String)]
    deliveries: Health,
}

/// What pages must know before anything else.
#[derive(Serialize, ToSchema)]
pub(super) struct Config {
    /// The web origin of the pages, which unsafe requests must come from.
    origin: String,
    /// The log's verifier key, as a signed note names it.
    log_key: String,
    /// The intake that scans, where there is one: its web origin and its public key.
    #[schema(value_type = Option<Object>)]
    intake: Option<IntakeHost>,
    /// Whether applications protect data here, and there is a console for that.
    protects: bool,
}

/// Whether the platform and what it stands on answer.
#[utoipa::path(get, path = "/check", security(()),
    responses((status = OK, body = Check), (status = SERVICE_UNAVAILABLE, body = Check)))]
pub(super) async fn check(State(about): State<About>) -> Response {
    let health = |well: bool| if well { "pass" } else { "fail" };
    let dossiers = &about.platform.dossiers;
    // However many ask, what it stands on is asked once a second.
    let look = async || Standing {
        element: dossiers.element().hello().await.is_ok(),
        records: dossiers.database.fetch_one(statements::ANSWER, params![]).await.is_ok(),
        delivered: dossiers.deliveries_are_well().await.unwrap_or(false),
    };
    let Standing { element, records, delivered } = about.glance.of(|| dossiers.clock.now_ms(), look).await;
    // What is late stops nothing: somebody else is away.
    let deliveries = if delivered { "pass" } else { "warn" };
    let well = element && records;
    let checks = Checks { element: health(element), records: health(records), deliveries };
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Check { status: health(well), role: "platform", checks })).into_response()
}

/// What pages must know before anything else.
#[utoipa::path(get, path = "/v1/config", security(()), responses((status = OK, body = Config)))]
pub(super) async fn config(State(about): State<About>) -> Json<Config> {
    let origin = about.platform.accounts.config().origin.clone();
    let intake = about.platform.dossiers.intake_host();
    Json(Config { origin, log_key: about.log_key.to_string(), intake, protects: about.protects })
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", security(()), responses((status = OK, body = Object)))]
pub(super) async fn openapi(State(about): State<About>) -> Json<Value> {
    Json(about.document.get().cloned().unwrap_or_default())
}
