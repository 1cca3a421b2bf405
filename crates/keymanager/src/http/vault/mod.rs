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
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};

use crate::manager::KeyManager;

/// The largest body, in bytes, that is read of somebody who has shown nothing yet.
const STRANGERS: usize = 16 << 10;

/// Methods, path, the power that the caller's token must have, and the handlers. `docs/deploy/vault-clients.md` is compared with it by a test.
type Line = (&'static str, &'static str, &'static str, MethodRouter<KeyManager>);

#[rustfmt::skip]
fn table() -> Vec<Line> {
    vec![
        ("GET", "/v1/sys/health", "nobody's", get(entry::health)),
        ("POST PUT", "/v1/auth/cert/login", "a certificate",
            post(entry::by_certificate).put(entry::by_certificate).layer(DefaultBodyLimit::max(STRANGERS))),
        ("POST PUT", "/v1/auth/approle/login", "a secret id",
            post(entry::by_approle).put(entry::by_approle).layer(DefaultBodyLimit::max(STRANGERS))),
        ("GET", "/v1/auth/token/lookup-self", "any", get(entry::lookup)),
        ("POST PUT", "/v1/auth/token/revoke-self", "any", post(entry::revoke).put(entry::revoke)),
        ("LIST", "/v1/auth/approle/role", "`manage`", any(entry::list_roles)),
        ("GET POST PUT DELETE", "/v1/auth/approle/role/{name}", "`manage`",
            get(entry::role).post(entry::put_role).put(entry::put_role).delete(entry::delete_role)),
        ("GET", "/v1/auth/approle/role/{name}/role-id", "`manage`", get(entry::role)),
        ("POST PUT", "/v1/auth/approle/role/{name}/secret-id", "`manage`", post(entry::new_secret).put(entry::new_secret)),
        ("POST", "/v1/auth/approle/role/{name}/secret-id-accessor/destroy", "`manage`", any(entry::revoke_secret)),
        ("LIST", "/v1/transit/keys", "`read`", any(keys::list)),
        ("LIST", "/v1/transit/keys/", "`read`", any(keys::list)),
        ("GET POST PUT DELETE", "/v1/transit/keys/{name}", "`read`; `manage` to change",
            get(keys::describe).post(keys::make).put(keys::make).delete(keys::delete)),
        ("POST PUT", "/v1/transit/keys/{name}/{change}", "`manage`", post(keys::change).put(keys::change)),
        ("GET", "/v1/transit/export/{purpose}/{name}", "`export`", get(keys::export)),
        ("GET", "/v1/transit/export/{purpose}/{name}/{version}", "`export`", get(keys::export_version)),
        ("POST PUT", "/v1/transit/datakey/{kind}/{name}", "`use`", post(keys::data_key).put(keys::data_key)),
        ("POST PUT", "/v1/transit/{act}/{name}", "`use`", post(keys::act).put(keys::act)),
        ("POST PUT", "/v1/transit/{act}/{name}/{algorithm}", "`use`", post(keys::act_with).put(keys::act_with)),
        ("GET POST PUT DELETE", "/v1/kv/data/{*path}", "`kv-read`; `kv-write` to change",
            get(kv::read).post(kv::write).put(kv::write).delete(kv::delete)),
        ("GET LIST DELETE", "/v1/kv/metadata/{*path}", "`kv-read`; `kv-write` to change", any(kv::metadata)),
        ("LIST", "/v1/kv/metadata", "`kv-read`", any(kv::list_all)),
    ]
}

/// The routes, if the organisation has them.
pub(super) fn routes(manager: &KeyManager) -> Router<KeyManager> {
    if manager.settings().transit.is_none() {
        return Router::new();
    }
    table()
        .into_iter()
        .fold(Router::new(), |router, (_, path, _, methods)| router.route(path, methods))
        .layer(from_fn_with_state(manager.clone(), cors::allow))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn the_document_has_a_row_for_each_route_and_no_other() {
        let row = |(methods, path, power, _): Line| format!("| {methods} | `{path}` | {power} |");
        let rows: Vec<String> = table().into_iter().map(row).collect();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deploy/vault-clients.md");
        let kept = std::fs::read_to_string(path).unwrap();
        let kept: Vec<&str> = kept.lines().filter(|line| line.contains("| `/v1/")).collect();
        assert!(kept == rows, "the rows of docs/deploy/vault-clients.md must be\n{}", rows.join("\n"));
    }
}
