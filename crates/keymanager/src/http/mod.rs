//! The edge: routes, who may call each (the types of a handler's arguments say so), what they read and answer.

mod administration;
mod connectors;
mod guard;
mod keys;
mod pages;
mod problem;
mod public;
mod reading;
mod serve;
mod timely;
mod vault;

pub use problem::ProblemResponse;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::manager::KeyManager;

/// The largest body, in bytes: a header of a mebibyte, a manifest and its evidence fit, in base64url.
const MAX_BODY: usize = 4 << 20;

/// Every route, and the OpenAPI document of `/v1`.
pub(crate) fn router(manager: KeyManager) -> Router {
    let (api, mut document) = OpenApiRouter::new()
        .routes(routes!(public::check))
        .routes(routes!(public::config))
        .routes(routes!(public::whoami))
        .routes(routes!(public::checkpoint))
        .routes(routes!(public::witnessed))
        .routes(routes!(public::evidence))
        .routes(routes!(reading::unwrap))
        .routes(routes!(reading::decide))
        .routes(routes!(reading::colleagues))
        .routes(routes!(reading::exceptions, reading::except))
        .routes(routes!(reading::revoke_exception))
        .routes(routes!(connectors::unwrap))
        .routes(routes!(connectors::decide))
        .routes(routes!(connectors::manifests))
        .routes(routes!(connectors::decided))
        .routes(routes!(connectors::list, connectors::grant))
        .routes(routes!(connectors::revoke))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::withdraw_keys))
        .routes(routes!(keys::rewrap))
        .routes(routes!(keys::new_root))
        .routes(routes!(keys::destroy))
        .routes(routes!(keys::certificate_of_destruction))
        .routes(routes!(administration::status))
        .routes(routes!(administration::bindings, administration::bind))
        .routes(routes!(administration::assignments, administration::assign))
        .routes(routes!(administration::records))
        .routes(routes!(administration::issue))
        .routes(routes!(administration::withdraw))
        .split_for_parts();
    document.info = utoipa::openapi::Info::new("Sceau key manager", env!("CARGO_PKG_VERSION"));
    api.merge(vault::routes(&manager))
        .route("/trace/tile/entries/{*path}", axum::routing::get(public::entries))
        .route("/trace/tile/{*path}", axum::routing::get(public::tile))
        .route("/v1/openapi.json", axum::routing::get(async move || axum::Json(document)))
        .route("/v1/{*rest}", axum::routing::any(public::nothing))
        .fallback(pages::page)
        .layer(from_fn(timely::answer_in_time))
        .layer(from_fn(pages::harden))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(manager)
}
