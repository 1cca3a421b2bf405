//! What sites and browsers call.

mod browser;
mod endpoints;
mod metadata;
mod reading;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use crate::asking::Lang;
use crate::pages::{self, Page, Stop};
use crate::provider::Provider;

/// The largest body, in bytes.
const LARGEST: usize = 32 * 1024;

/// Where things are, for the routes and for what is published.
pub(crate) mod places {
    pub(crate) const AUTHORIZE: &str = "/authorize";
    pub(crate) const TOKEN: &str = "/token";
    pub(crate) const PUSH: &str = "/par";
    pub(crate) const BACK: &str = "/bc-authorize";
    pub(crate) const REVOKE: &str = "/revoke";
    pub(crate) const USERINFO: &str = "/userinfo";
    pub(crate) const KEYS: &str = "/jwks";
}

/// What a provider answers. What carries requests says where they come from (`ConnectInfo`).
pub fn routes(provider: Provider) -> Router {
    use places::{AUTHORIZE, BACK, KEYS, PUSH, REVOKE, TOKEN, USERINFO};
    Router::new()
        .route(AUTHORIZE, get(browser::authorize).post(browser::authorize_by_form))
        .route("/login", post(browser::begin))
        .route("/login/{id}", get(browser::login))
        .route("/login/{id}/state", get(browser::news))
        .route("/login/{id}/cancel", post(browser::cancel))
        .route("/assets/{name}", get(browser::asset))
        .route(TOKEN, post(endpoints::token))
        .route(PUSH, post(endpoints::push))
        .route(BACK, post(endpoints::back))
        .route(REVOKE, post(endpoints::revoke))
        .route(USERINFO, get(endpoints::userinfo).post(endpoints::userinfo))
        .route(KEYS, get(metadata::keys))
        .route("/.well-known/openid-configuration", get(metadata::configuration))
        .route("/.well-known/oauth-authorization-server", get(metadata::configuration))
        .route("/check", get(check))
        .fallback(nowhere)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(map_response(async |response| pages::harden(response)))
        .with_state(provider)
}

async fn check(State(provider): State<Provider>) -> Response {
    let (records, host) = provider.standing().await;
    let word = |well: bool| if well { "pass" } else { "fail" };
    let well = records.is_ok() && host;
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checks = json!({"records": word(records.is_ok()), "host": word(host)});
    (status, Json(json!({"status": word(well), "checks": checks}))).into_response()
}

async fn nowhere(State(provider): State<Provider>, headers: axum::http::HeaderMap) -> Response {
    let lang = Lang::choose(None, reading::accepted(&headers), provider.plan.lang);
    let page = Page { provider: &provider.plan.name, lang };
    let mut response = page.stop(Stop::Over);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
