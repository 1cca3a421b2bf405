//! Health, logins, tokens, AppRoles.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{Method, Uri};
use serde_json::{Value, json};

use super::super::guard::Presented;
use super::answer::{Answer, Answered, Fields};
use super::keys::is_list;
use crate::manager::KeyManager;
use crate::transit::{LiveToken, LoggedIn, Manage, NewAppRole, Permit, Policy, Refusal, duration};

/// That it answers; a keystore that is not open serves nothing at all.
pub(super) async fn health(State(manager): State<KeyManager>) -> Json<Value> {
    Json(json!({
        "initialized": true, "sealed": false, "standby": false, "performance_standby": false,
        "version": env!("CARGO_PKG_VERSION"), "server_time_utc": manager.now() / 1000,
        "cluster_name": "sceau", "enterprise": false,
    }))
}

pub(super) async fn by_certificate(
    State(manager): State<KeyManager>,
    presented: Presented,
    fields: Fields,
) -> Answered {
    let name = Some(fields.text("name")).filter(|name| !name.is_empty());
    Ok(entered(&manager.login_by_certificate(presented.shown(), name).await?))
}

pub(super) async fn by_approle(State(manager): State<KeyManager>, fields: Fields) -> Answered {
    let (role, secret) = (fields.text("role_id"), fields.text("secret_id"));
    Ok(entered(&manager.login_by_approle(role, secret).await?))
}

fn entered(login: &LoggedIn) -> Answer {
    let policies = texts(&login.policies);
    Answer::Auth(json!({
        "client_token": login.token.as_str(), "accessor": login.accessor,
        "policies": policies, "token_policies": policies, "identity_policies": [],
        "metadata": {}, "lease_duration": login.ms / 1000, "renewable": false,
        "entity_id": "", "token_type": "service", "orphan": true, "mfa_requirement": null, "num_uses": 0,
    }))
}

pub(super) async fn lookup(token: LiveToken, State(manager): State<KeyManager>) -> Answer {
    let left = token.expires.saturating_sub(manager.now()) / 1000;
    Answer::Data(json!({
        "accessor": token.accessor, "creation_time": token.made / 1000,
        "creation_ttl": token.expires.saturating_sub(token.made) / 1000, "ttl": left,
        "display_name": token.actor.id, "entity_id": "", "explicit_max_ttl": 0, "id": "",
        "expire_time": token.expires / 1000, "meta": {}, "num_uses": 0, "orphan": true, "path": "auth",
        "policies": texts(&token.policies), "renewable": false, "type": "service",
    }))
}

pub(super) async fn revoke(token: LiveToken, State(manager): State<KeyManager>) -> Answered {
    manager.revoke_token(&token).await?;
    Ok(Answer::Done)
}

pub(super) async fn list_roles(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    method: Method,
    uri: Uri,
) -> Answered {
    if !is_list(&method, &uri) {
        return Err(Refusal::not_found().into());
    }
    Ok(Answer::Data(json!({"keys": manager.approle_names(&permit).await?})))
}

pub(super) async fn role(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
) -> Answered {
    let role = manager.approle(&permit, &name).await?;
    Ok(Answer::Data(json!({
        "role_id": role.role_id, "token_policies": role.policy_texts(), "token_ttl": role.token_ms / 1000,
        "bind_secret_id": true,
    })))
}

pub(super) async fn put_role(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
    fields: Fields,
) -> Answered {
    manager.put_approle(&permit, &name, NewAppRole::read(&fields.0)?).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete_role(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
) -> Answered {
    manager.delete_approle(&permit, &name).await?;
    Ok(Answer::Done)
}

pub(super) async fn new_secret(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
    fields: Fields,
) -> Answered {
    let ms = duration(fields.0.get("ttl"))?;
    let made = manager.new_secret_id(&permit, &name, ms).await?;
    Ok(Answer::Data(json!({
        "secret_id": made.secret.as_str(), "secret_id_accessor": made.accessor,
        "secret_id_ttl": ms / 1000, "secret_id_num_uses": 0,
    })))
}

pub(super) async fn revoke_secret(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
    fields: Fields,
) -> Answered {
    manager.revoke_secret_id(&permit, &name, fields.text("secret_id_accessor")).await?;
    Ok(Answer::Done)
}

fn texts(policies: &[Policy]) -> Vec<String> {
    policies.iter().map(Policy::text).collect()
}
