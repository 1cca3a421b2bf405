//! The organisation's keys, as its administrators see and change them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::IntoResponse;
use sceau_crypto::KeyId;
use sceau_element_api::documents::{KeySuite, KeyUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::guard::{JsonBody, SameOrigin};
use super::problem::ProblemResponse;
use crate::backup::LastBackup;
use crate::calendar::Alert;
use crate::denial::Denial;
use crate::keyring::KeyStanding;
use crate::lifecycle::WithdrawalReason;
use crate::manager::KeyManager;
use crate::mob::MobKeys;
use crate::officer::VerifiedAdministrator;
use crate::rewrap::Rewrapped;

/// The organisation's keys.
#[derive(Serialize, ToSchema)]
pub(super) struct Keys {
    root_fingerprint: String,
    /// Of a root that was made and waits to be enrolled.
    next_root_fingerprint: Option<String>,
    keys: Vec<KeyView>,
    /// What is due, the most urgent first.
    alerts: Vec<Alert>,
    /// The last backup; none while there is none.
    backup: Option<LastBackup>,
    /// Name of the platform's log, which acknowledges keys.
    acknowledged_by: Option<String>,
    /// The key that is published to MOB; none where the policy names none.
    mob: Option<MobKeys>,
    /// The last re-wrapping, or the one under way; none since the start.
    rewrapped: Option<Rewrapped>,
}

#[derive(Serialize, ToSchema)]
struct KeyView {
    #[schema(value_type = String)]
    key_id: KeyId,
    #[serde(rename = "use")]
    #[schema(value_type = String)]
    key_use: KeyUse,
    #[schema(value_type = String)]
    suite: KeySuite,
    serial: u64,
    state: KeyStanding,
    not_before: u64,
    not_after: u64,
    index: Option<u64>,
    /// When the platform acknowledged it, in Unix milliseconds; unknown for keys of before this was kept.
    acknowledged: Option<u64>,
    /// As many as the platform names or the log holds, whichever is more. None: the platform does not answer.
    open_dossiers: Option<u64>,
}

/// The organisation's keys, old ones included.
#[utoipa::path(get, path = "/v1/keys", responses((status = OK, body = Keys), (status = 401), (status = 403)))]
pub(super) async fn keys(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
) -> Result<Json<Keys>, ProblemResponse> {
    view(&manager).await
}

/// Replaces the recipient key now.
#[utoipa::path(post, path = "/v1/keys/rotate", responses((status = OK, body = Keys), (status = 403), (status = 502)))]
pub(super) async fn rotate(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
) -> Result<Json<Keys>, ProblemResponse> {
    manager.rotate().await?;
    view(&manager).await
}

/// Why keys are withdrawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    reason: WithdrawalReason,
}

/// Withdraws the keys in use and puts new ones in their place, now.
#[utoipa::path(post, path = "/v1/keys/withdraw", request_body = Withdrawal,
    responses((status = OK, body = Keys), (status = 400), (status = 403), (status = 502)))]
pub(super) async fn withdraw_keys(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    JsonBody(Withdrawal { reason }): JsonBody<Withdrawal>,
) -> Result<Json<Keys>, ProblemResponse> {
    manager.withdraw_keys(reason).await?;
    view(&manager).await
}

/// Begins to seal each dossier to the key in use; `rewrapped` says how far it is.
#[utoipa::path(post, path = "/v1/keys/rewrap", responses((status = OK, body = Keys), (status = 403), (status = 503)))]
pub(super) async fn rewrap(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
) -> Result<Json<Keys>, ProblemResponse> {
    manager.begin_rewrapping()?;
    view(&manager).await
}

/// Makes the organisation's next root, or gives the one that waits: its fingerprint goes to the platform's administrator over another channel.
#[utoipa::path(post, path = "/v1/root", responses((status = OK, body = Keys), (status = 403)))]
pub(super) async fn new_root(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
) -> Result<Json<Keys>, ProblemResponse> {
    manager.new_root().await?;
    view(&manager).await
}

/// Destroys an old key that no dossier needs any more.
#[utoipa::path(post, path = "/v1/keys/{id}/destroy", params(("id" = String, Path)),
    responses((status = OK, body = Keys), (status = 403), (status = 404), (status = 409)))]
pub(super) async fn destroy(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    Path(id): Path<String>,
) -> Result<Json<Keys>, ProblemResponse> {
    let id = id.parse().map_err(|_| Denial::NotFound)?;
    manager.destroy_key(&id).await?;
    view(&manager).await
}

/// The certificate of a key's destruction: an evidence file.
#[utoipa::path(get, path = "/v1/keys/{id}/certificate", params(("id" = String, Path)),
    responses((status = OK, body = Object), (status = 403), (status = 404)))]
pub(super) async fn certificate_of_destruction(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ProblemResponse> {
    let id: KeyId = id.parse().map_err(|_| Denial::NotFound)?;
    let evidence = manager.certificate_of_destruction(&id).await?;
    let name = format!("attachment; filename=\"destruction-{id}.json\"");
    Ok(([(CONTENT_DISPOSITION, name)], Json(evidence)))
}

async fn view(manager: &KeyManager) -> Result<Json<Keys>, ProblemResponse> {
    let (ring, roots, now) = (manager.keyring(), manager.roots(), manager.now());
    let named = dossiers_by_key(manager).await;
    let mut keys = Vec::with_capacity(ring.all().len());
    for key in ring.all() {
        let key_id = key.statement.key_id;
        let held = manager.open_manifests(&key_id).await?;
        let named = named.as_ref().map(|named| named.get(&key_id.to_string()).copied().unwrap_or_default());
        keys.push(KeyView {
            key_id,
            key_use: key.statement.key_use,
            suite: key.statement.suite,
            serial: key.statement.serial,
            state: ring.standing(key, now),
            not_before: key.statement.not_before,
            not_after: key.statement.not_after,
            index: key.index,
            acknowledged: key.acknowledged,
            open_dossiers: named.map(|named| named.max(held)),
        });
    }
    Ok(Json(Keys {
        root_fingerprint: roots.in_force().fingerprint.to_string(),
        next_root_fingerprint: roots.next().map(|next| next.fingerprint.to_string()),
        keys,
        alerts: manager.alerts().await?,
        backup: manager.last_backup().await?,
        acknowledged_by: manager.link().map(|link| link.log_key.name().to_owned()),
        mob: manager.mob_keys().await?,
        rewrapped: manager.rewrapped(),
    }))
}

async fn dossiers_by_key(manager: &KeyManager) -> Option<HashMap<String, u64>> {
    let mut counts = HashMap::new();
    for dossier in manager.link()?.machine.keys_in_use().await.ok()? {
        *counts.entry(dossier.key_id).or_default() += 1;
    }
    Some(counts)
}
