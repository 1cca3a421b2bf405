//! What anyone in the organisation's network may ask.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use sceau_element_api::OrganisationId;
use sceau_element_api::documents::KeyUse;
use sceau_trace::Evidence;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::Presented;
use super::problem::ProblemResponse;
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::officer::VerifiedAdministrator;

/// Whether the key manager and what it stands on answer (the form of seed 001).
#[derive(Serialize, ToSchema)]
pub(super) struct Check {
    status: &'static str,
    role: &'static str,
    checks: BTreeMap<&'static str, &'static str>,
}

/// What the pages need to know.
#[derive(Serialize, ToSchema)]
pub(super) struct Config {
    organisation: Organisation,
    platform_origin: String,
    log_key: String,
    /// Whether documents are scanned before their keys leave. None: nothing is scanned, and the page says so.
    scanner: Option<bool>,
}

#[derive(Serialize, ToSchema)]
struct Organisation {
    #[schema(value_type = String)]
    id: OrganisationId,
    name: String,
    root_fingerprint: String,
}

/// Who the caller is here.
#[derive(Serialize, ToSchema)]
pub(super) struct WhoAmI {
    certificate: Option<CertificateView>,
    account: Option<AccountView>,
    /// Why the certificate is not accepted, if one was shown and is not.
    refusal: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct CertificateView {
    subject: String,
    fingerprint: String,
    role: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct AccountView {
    account: String,
    name: String,
    #[schema(value_type = String)]
    role: sceau_element_api::documents::DecisionRole,
}

/// Whether the key manager answers and can do its work: its trace can be read, it is connected, and its root states a recipient key and a signing key
/// that are valid now and that the platform acknowledged. `calendar` is `warn` while something is due: an administrator sees what.
/// `log` is `fail` while the platform's log holds records of ours that are not here, and `warn` until it was compared once since the start: no key leaves
/// then. An organisation that has only keys of the Transit kind is connected to no platform, and not asked whether it is; `mob` says whether the key that
/// is published to Mon Compte Mobilité was made. `scanner`, where one is configured, is `warn` while the antivirus does not answer;
/// `scanner_confined` is there, as `warn`, where the process that examined the last document could not be confined.
#[utoipa::path(get, path = "/check", responses((status = OK, body = Check), (status = 503, body = Check)))]
pub(super) async fn check(State(manager): State<KeyManager>) -> (StatusCode, Json<Check>) {
    let word = |well: bool| if well { "pass" } else { "fail" };
    let trace = word(manager.journal().undelivered().await.is_ok());
    let (ring, now) = (manager.keyring(), manager.now());
    let stated = |key_use| ring.current(key_use).is_some_and(|key| key.statement.is_valid_at(now));
    let keys = word(stated(KeyUse::Encrypt) && stated(KeyUse::Sign));
    // Something that is due is told and stops nothing.
    let calendar = match manager.alerts().await {
        Ok(alerts) if alerts.is_empty() => "pass",
        Ok(_) => "warn",
        Err(_) => "fail",
    };
    let mut checks = BTreeMap::from([("trace", trace), ("calendar", calendar)]);
    if manager.is_connected() || !manager.works_without_platform() {
        checks.extend([("connected", word(manager.is_connected())), ("keys", keys)]);
    }
    if manager.is_connected() {
        let standing = manager.standing();
        let log = match (standing.is_outdated(), standing.is_compared()) {
            (true, _) => "fail",
            (false, true) => "pass",
            (false, false) => "warn",
        };
        checks.insert("log", log);
    }
    if let Ok(Some(made)) = manager.mob_key_is_made().await {
        checks.insert("mob", word(made));
    }
    // Documents wait meanwhile; keys, decisions and records do not.
    if let Some(answers) = manager.scanner_answers().await {
        checks.insert("scanner", if answers { "pass" } else { "warn" });
    }
    if manager.scanner_is_confined() == Some(false) {
        checks.insert("scanner_confined", "warn");
    }
    let well = checks.values().all(|check| *check != "fail");
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Check { status: word(well), role: "keymanager", checks }))
}

/// The organisation, its platform, and the log key that everything is verified under.
#[utoipa::path(get, path = "/v1/config", responses((status = OK, body = Config), (status = 503)))]
pub(super) async fn config(State(manager): State<KeyManager>) -> Result<Json<Config>, ProblemResponse> {
    let link = manager.link().ok_or(Denial::NotConnected)?;
    let organisation = Organisation {
        id: link.organisation,
        name: manager.organisation_name().to_owned(),
        root_fingerprint: manager.root_fingerprint().to_string(),
    };
    let platform_origin = link.platform.clone();
    let scanner = manager.settings().scanner.as_ref().map(|_| true);
    Ok(Json(Config { organisation, platform_origin, log_key: link.log_key.to_string(), scanner }))
}

impl FromRequestParts<KeyManager> for Presented {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &KeyManager) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// The certificate that the browser showed, and the account that it is bound to.
#[utoipa::path(get, path = "/v1/whoami", responses((status = OK, body = WhoAmI)))]
pub(super) async fn whoami(State(manager): State<KeyManager>, presented: Presented) -> Json<WhoAmI> {
    let nobody = WhoAmI { certificate: None, account: None, refusal: None };
    let identity = presented.shown().and_then(<[_]>::first).map(sceau_pki::ClientIdentity::read);
    let Some(Ok(identity)) = identity else { return Json(nobody) };
    let judged = manager.judge_client(presented.shown());
    let certificate = Some(CertificateView {
        subject: identity.subject.to_string(),
        fingerprint: identity.fingerprint.to_string(),
        role: judged.as_ref().ok().map(|client| client.role().as_str()),
    });
    Json(match judged {
        Ok(client) => {
            let account = manager.binding_of(&client).map(|binding| AccountView {
                account: binding.account.to_string(),
                name: binding.name,
                role: binding.role,
            });
            WhoAmI { certificate, account, refusal: None }
        }
        Err(denial) => WhoAmI { certificate, account: None, refusal: Some(denial.code().to_owned()) },
    })
}

/// The last checkpoint of the key manager's own trace, a signed note.
#[utoipa::path(get, path = "/trace/checkpoint", responses((status = OK, body = String), (status = 404)))]
pub(super) async fn checkpoint(State(manager): State<KeyManager>) -> Result<Response, ProblemResponse> {
    let checkpoint = manager.journal().checkpoint().ok_or(Denial::NotFound)?;
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    Ok((headers, checkpoint.note().to_string()).into_response())
}

/// The evidence file of a record of the key manager's own trace; for administrators, since it names people and dossiers.
#[utoipa::path(get, path = "/v1/trace/evidence/{index}", params(("index" = u64, Path)),
    responses((status = OK, body = Object), (status = 403), (status = 404)))]
pub(super) async fn evidence(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    Path(index): Path<u64>,
) -> Result<Json<Evidence>, ProblemResponse> {
    Ok(Json(manager.journal().evidence(index).await?.ok_or(Denial::NotFound)?))
}

/// The last checkpoint of the platform's log that this key manager verified, to be shown to an element that starts.
#[utoipa::path(get, path = "/trace/witnessed", responses((status = OK, body = String), (status = 404)))]
pub(super) async fn witnessed(State(manager): State<KeyManager>) -> Result<Response, ProblemResponse> {
    let note = manager.witnessed().await?.ok_or(Denial::NotFound)?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// A tile of it, by its path (C2SP tlog-tiles): hashes, for whoever follows it.
pub(super) async fn tile(
    State(manager): State<KeyManager>,
    Path(path): Path<String>,
) -> Result<Response, ProblemResponse> {
    serve_tile(&manager, &path).await
}

/// An entry bundle of it, by its path; for administrators, since it names people and dossiers.
pub(super) async fn entries(
    State(manager): State<KeyManager>,
    _: VerifiedAdministrator,
    Path(path): Path<String>,
) -> Result<Response, ProblemResponse> {
    serve_tile(&manager, &format!("entries/{path}")).await
}

async fn serve_tile(manager: &KeyManager, path: &str) -> Result<Response, ProblemResponse> {
    let tile = manager.journal().tile(&format!("tile/{path}")).await?.ok_or(Denial::NotFound)?;
    Ok(([(CONTENT_TYPE, "application/octet-stream")], tile).into_response())
}

pub(super) async fn nothing() -> ProblemResponse {
    Denial::NotFound.into()
}
