//! The paths of a Vault, for clients that know nothing else. Who may call each is in the types of its handler's arguments.
//!
//! No path here exists unless the policy has a `[transit]` section.

mod answer;
mod cors;
mod entry;
mod keys;
mod kv;
mod permit;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};

use crate::manager::KeyManager;

/// The routes, if the organisation has them.
pub(super) fn routes(manager: &KeyManager) -> Router<KeyManager> {
    if manager.settings().transit.is_none() {
        return Router::new();
    }
    Router::new()
        .route("/v1/sys/health", get(entry::health))
        .route("/v1/auth/cert/login", post(entry::by_certificate).put(entry::by_certificate))
        .route("/v1/auth/approle/login", post(entry::by_approle).put(entry::by_approle))
        .route("/v1/auth/token/lookup-self", get(entry::lookup))
        .route("/v1/auth/token/revoke-self", post(entry::revoke).put(entry::revoke))
        .route("/v1/auth/approle/role", any(entry::list_roles))
        .route(
            "/v1/auth/approle/role/{name}",
            get(entry::role).post(entry::put_role).put(entry::put_role).delete(entry::delete_role),
        )
        .route("/v1/auth/approle/role/{name}/role-id", get(entry::role))
        .route("/v1/auth/approle/role/{name}/secret-id", post(entry::new_secret).put(entry::new_secret))
        .route("/v1/auth/approle/role/{name}/secret-id-accessor/destroy", any(entry::revoke_secret))
        .route("/v1/transit/keys", any(keys::list))
        .route("/v1/transit/keys/", any(keys::list))
        .route(
            "/v1/transit/keys/{name}",
            get(keys::describe).post(keys::make).put(keys::make).delete(keys::delete),
        )
        .route("/v1/transit/keys/{name}/{change}", post(keys::change).put(keys::change))
        .route("/v1/transit/export/{purpose}/{name}", get(keys::export))
        .route("/v1/transit/export/{purpose}/{name}/{version}", get(keys::export_version))
        .route("/v1/transit/datakey/{kind}/{name}", post(keys::data_key).put(keys::data_key))
        .route("/v1/transit/{act}/{name}", post(keys::act).put(keys::act))
        .route("/v1/transit/{act}/{name}/{algorithm}", post(keys::act_with).put(keys::act_with))
        .route("/v1/kv/data/{*path}", get(kv::read).post(kv::write).put(kv::write).delete(kv::delete))
        .route("/v1/kv/metadata/{*path}", any(kv::metadata))
        .route("/v1/kv/metadata", any(kv::list_all))
        .layer(from_fn_with_state(manager.clone(), cors::allow))
}
