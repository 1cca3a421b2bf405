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

/// Says each place once: for the router, and for the document of them.
macro_rules! routed {
    ($($path:expr => $method:expr;)*) => {
        /// Where a provider answers.
        pub const PLACES: &[&str] = &[$($path),*];

        fn routed() -> Router<Provider> {
            Router::new()$(.route($path, $method))*
        }
    };
}

routed! {
    places::AUTHORIZE => get(browser::authorize).post(browser::authorize_by_form);
    "/login" => post(browser::begin);
    "/login/{id}" => get(browser::login);
    "/login/{id}/state" => get(browser::news);
    "/login/{id}/cancel" => post(browser::cancel);
    "/assets/{name}" => get(browser::asset);
    places::TOKEN => post(endpoints::token);
    places::PUSH => post(endpoints::push);
    places::BACK => post(endpoints::back);
    places::REVOKE => post(endpoints::revoke);
    places::USERINFO => get(endpoints::userinfo).post(endpoints::userinfo);
    places::KEYS => get(metadata::keys);
    "/.well-known/openid-configuration" => get(metadata::configuration);
    "/.well-known/oauth-authorization-server" => get(metadata::configuration);
    "/check" => get(check);
}

/// What a provider answers. What carries requests says where they come from (`ConnectInfo`).
pub fn routes(provider: Provider) -> Router {
    let all = routed().fallback(nowhere).layer(DefaultBodyLimit::max(LARGEST));
    hardened(all.with_state(provider))
}

/// With the headers that hold each answer to itself; for what else the provider's process answers, too.
pub fn hardened(router: Router) -> Router {
    router.layer(map_response(async |response| pages::harden(response)))
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
