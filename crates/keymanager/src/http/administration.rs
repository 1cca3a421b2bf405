//! What administrators of the key manager ask for. None of it opens a document.

use axum::Json;
use axum::extract::{Path, Query, State};
use sceau_crypto::KeyId;
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{KeySuite, KeyUse};
use sceau_pki::CertificateRole;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::PoisonError;
use utoipa::{IntoParams, ToSchema};

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
use crate::register::{Assignment, Binding};
use crate::rewrap::Rewrapped;
use crate::watch::FOREIGN_STATEMENT;

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

/// How the key manager is.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    connected: bool,
    pending_records: u64,
    foreign_statements: u64,
    /// Kinds of alarms about the platform's log: `folder_outdated` (no key leaves), `foreign_statement`, `foreign_decision`, `foreign_record`, `restored_elsewhere`, `organisation_changed`,
    /// `log_inconsistent`.
    alarms: Vec<String>,
    assignments: u64,
    transit: TransitStanding,
    records: u64,
    /// Of these, how many were seen in the platform's log, as far as it was read.
    records_in_log: u64,
    log_key: String,
}

/// Whether the key manager answers as a Vault does, and whether keys leave it so.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TransitStanding {
    /// It does not.
    Off,
    /// It does, and keys stay.
    Kept,
    /// It does, and keys that were made exportable leave.
    Exports,
}

/// A record of the key manager's own trace.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnRecord {
    index: u64,
    #[schema(value_type = Object)]
    record: sceau_trace::Record,
    delivered: bool,
}

/// Which records.
#[derive(Deserialize, IntoParams)]
pub(super) struct Before {
    /// Those before this position; the newest ones otherwise. 200 at most.
    before: Option<u64>,
}

/// A certificate to issue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHolder {
    name: String,
    /// `case-officer`, `administrator` or `connector`.
    role: String,
}

/// A certificate, handed over once.
#[derive(Serialize, ToSchema)]
pub(super) struct HandedOver {
    #[schema(value_type = String)]
    pkcs12: Base64Url,
    password: String,
    fingerprint: String,
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
) -> Result<impl axum::response::IntoResponse, ProblemResponse> {
    let id: KeyId = id.parse().map_err(|_| Denial::NotFound)?;
    let evidence = manager.certificate_of_destruction(&id).await?;
    let name = format!("attachment; filename=\"destruction-{id}.json\"");
    Ok(([(axum::http::header::CONTENT_DISPOSITION, name)], Json(evidence)))
}

/// How the key manager is.
#[utoipa::path(get, path = "/v1/status", responses((status = OK, body = Status), (status = 403)))]
pub(super) async fn status(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
) -> Result<Json<Status>, ProblemResponse> {
    let connected = match manager.link() {
        Some(link) => link.machine.keys_in_use().await.is_ok(),
        None => false,
    };
    let assignments = manager.registers().read().unwrap_or_else(PoisonError::into_inner).assignments.len();
    Ok(Json(Status {
        connected,
        pending_records: manager.journal().undelivered().await?,
        alarms: {
            let outdated = manager.standing().is_outdated().then(|| Denial::FolderOutdated.code().to_owned());
            outdated.into_iter().chain(manager.alarm_kinds().await?).collect()
        },
        foreign_statements: manager.alarms(FOREIGN_STATEMENT).await?,
        assignments: assignments as u64,
        transit: match &manager.settings().transit {
            None => TransitStanding::Off,
            Some(transit) if transit.export => TransitStanding::Exports,
            Some(_) => TransitStanding::Kept,
        },
        records: manager.journal().size(),
        records_in_log: manager.journal().logged().await?,
        log_key: manager.log_key().to_string(),
    }))
}

/// Certificates and the accounts that they are bound to.
#[utoipa::path(get, path = "/v1/bindings", responses((status = OK, body = Vec<Binding>), (status = 403)))]
pub(super) async fn bindings(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
) -> Json<Vec<Binding>> {
    Json(all_bindings(&manager))
}

/// Binds a certificate to an account.
#[utoipa::path(post, path = "/v1/bindings", request_body = Binding,
    responses((status = OK, body = Vec<Binding>), (status = 400), (status = 403)))]
pub(super) async fn bind(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    JsonBody(binding): JsonBody<Binding>,
) -> Result<Json<Vec<Binding>>, ProblemResponse> {
    manager.bind(binding).await?;
    Ok(Json(all_bindings(&manager)))
}

/// Dossiers that are assigned.
#[utoipa::path(get, path = "/v1/assignments", responses((status = OK, body = Vec<Assignment>), (status = 403)))]
pub(super) async fn assignments(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
) -> Json<Vec<Assignment>> {
    Json(all_assignments(&manager))
}

/// Assigns a dossier; to nobody, it is open to each bound case officer again.
#[utoipa::path(post, path = "/v1/assignments", request_body = Assignment,
    responses((status = OK, body = Vec<Assignment>), (status = 400), (status = 403)))]
pub(super) async fn assign(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    JsonBody(assignment): JsonBody<Assignment>,
) -> Result<Json<Vec<Assignment>>, ProblemResponse> {
    manager.assign(assignment).await?;
    Ok(Json(all_assignments(&manager)))
}

/// The key manager's own trace, newest first.
#[utoipa::path(get, path = "/v1/records", params(Before), responses((status = OK, body = Vec<OwnRecord>), (status = 403)))]
pub(super) async fn records(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    Query(Before { before }): Query<Before>,
) -> Result<Json<Vec<OwnRecord>>, ProblemResponse> {
    let records = manager.journal().records(before.unwrap_or(u64::MAX), 200).await?;
    let shown = |placed: crate::journal::Placed| OwnRecord {
        index: placed.position,
        record: placed.record,
        delivered: placed.delivered,
    };
    Ok(Json(records.into_iter().map(shown).collect()))
}

/// Issues a client certificate; the password is shown this once.
#[utoipa::path(post, path = "/v1/certificates", request_body = NewHolder,
    responses((status = OK, body = HandedOver), (status = 400), (status = 403)))]
pub(super) async fn issue(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    JsonBody(NewHolder { name, role }): JsonBody<NewHolder>,
) -> Result<Json<HandedOver>, ProblemResponse> {
    let role = CertificateRole::parse(&role)
        .ok_or(Denial::Body("a role is case-officer, administrator or connector"))?;
    let made = manager.issue_certificate(&name, role).await?;
    Ok(Json(HandedOver {
        pkcs12: Base64Url(made.pkcs12),
        password: made.password.as_str().to_owned(),
        fingerprint: made.fingerprint,
    }))
}

/// Withdraws a client certificate.
#[utoipa::path(post, path = "/v1/certificates/{fingerprint}/withdraw", params(("fingerprint" = String, Path)),
    responses((status = OK, body = Vec<Binding>), (status = 400), (status = 403)))]
pub(super) async fn withdraw(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    _: SameOrigin,
    Path(fingerprint): Path<String>,
) -> Result<Json<Vec<Binding>>, ProblemResponse> {
    manager.withdraw_certificate(&fingerprint).await?;
    Ok(Json(all_bindings(&manager)))
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

fn all_bindings(manager: &KeyManager) -> Vec<Binding> {
    manager.registers().read().unwrap_or_else(PoisonError::into_inner).bindings.values().cloned().collect()
}

fn all_assignments(manager: &KeyManager) -> Vec<Assignment> {
    let lists = manager.registers().read().unwrap_or_else(PoisonError::into_inner);
    let view =
        |(dossier, accounts): (&_, &Vec<_>)| Assignment { dossier: *dossier, accounts: accounts.clone() };
    lists.assignments.iter().map(view).collect()
}
