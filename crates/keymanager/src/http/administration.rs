//! What administrators of the key manager ask for, beside its keys: how it is, its trace, certificates, bindings, assignments. None of it opens a document.

use std::sync::PoisonError;

use axum::Json;
use axum::extract::{Path, Query, State};
use sceau_element_api::Base64Url;
use sceau_pki::CertificateRole;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::guard::{JsonBody, SameOrigin};
use super::problem::ProblemResponse;
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::officer::VerifiedAdministrator;
use crate::register::{Assignment, Binding};
use crate::watch::FOREIGN_STATEMENT;

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
#[into_params(parameter_in = Query)]
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

fn all_bindings(manager: &KeyManager) -> Vec<Binding> {
    manager.registers().read().unwrap_or_else(PoisonError::into_inner).bindings.values().cloned().collect()
}

fn all_assignments(manager: &KeyManager) -> Vec<Assignment> {
    let lists = manager.registers().read().unwrap_or_else(PoisonError::into_inner);
    let view =
        |(dossier, accounts): (&_, &Vec<_>)| Assignment { dossier: *dossier, accounts: accounts.clone() };
    lists.assignments.iter().map(view).collect()
}
