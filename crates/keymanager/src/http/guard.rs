//! Who may call: proofs that handlers take as arguments.
//!
//! The certificate is judged at each request, for it may expire or be withdrawn while a connection stays open.

use std::error::Error as StdError;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::ORIGIN;
use axum::http::request::Parts;
use rustls::pki_types::CertificateDer;
use sceau_trace::{Action, Actor};
use serde::de::DeserializeOwned;

use super::problem::ProblemResponse;
use super::timely::TooSlow;
use crate::connector::VerifiedConnector;
use crate::denial::Denial;
use crate::manager::KeyManager;
use crate::officer::{Shown, VerifiedAdministrator, VerifiedOfficer};
use crate::scanning::Overseer;

/// What the TLS client showed, put beside each request by the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Presented(pub(super) Option<Arc<[CertificateDer<'static>]>>);

impl Presented {
    pub(super) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        self.0.as_deref()
    }
}

/// Proof that an unsafe request was made by our own pages: its `Origin` is ours, to the byte (Fetch standard, section 3.2).
#[derive(Debug)]
pub(super) struct SameOrigin(());

impl FromRequestParts<KeyManager> for SameOrigin {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        let mut origins = parts.headers.get_all(ORIGIN).iter();
        let own = origins.next().is_some_and(|origin| origin.as_bytes() == manager.address().as_bytes());
        if own && origins.next().is_none() {
            return Ok(Self(()));
        }
        let who = manager.judge_officer(Presented::of(parts).shown()).ok();
        refuse(manager, parts, who.as_ref().map(VerifiedOfficer::actor), Denial::ForeignOrigin).await
    }
}

impl FromRequestParts<KeyManager> for VerifiedOfficer {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        match manager.judge_officer(Presented::of(parts).shown()) {
            Ok(officer) => Ok(officer),
            Err(denial) => refuse(manager, parts, None, denial).await,
        }
    }
}

impl FromRequestParts<KeyManager> for VerifiedConnector {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        match manager.judge_connector(Presented::of(parts).shown()) {
            Ok(connector) => Ok(connector),
            Err(denial) => refuse(manager, parts, None, denial).await,
        }
    }
}

impl FromRequestParts<KeyManager> for VerifiedAdministrator {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        match manager.judge_administrator(Presented::of(parts).shown()) {
            Ok(administrator) => Ok(administrator),
            Err(denial) => refuse(manager, parts, None, denial).await,
        }
    }
}

impl FromRequestParts<KeyManager> for Overseer {
    type Rejection = ProblemResponse;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        match manager.judge_overseer(Presented::of(parts).shown()) {
            Ok(overseer) => Ok(overseer),
            Err(denial) => refuse(manager, parts, None, denial).await,
        }
    }
}

/// Records a refusal at the door, and gives it its answer.
async fn refuse<T>(
    manager: &KeyManager,
    parts: &Parts,
    who: Option<Actor>,
    denial: Denial,
) -> Result<T, ProblemResponse> {
    let action = match parts.uri.path() {
        "/v1/unwrap" | "/v1/connector/unwrap" => Action::UNWRAP_OUTCOME,
        "/v1/exceptions" => Action::EXCEPTION_OUTCOME,
        "/v1/decisions" | "/v1/connector/decisions" => Action::DECISION,
        _ => Action::ADMINISTER,
    };
    let mut draft = manager.own_record(action).refused(denial.code());
    let id = who.as_ref().map(|actor| actor.id.clone());
    if let Some(actor) = who {
        draft.actor = actor;
    }
    if let Some(certificate) = manager.connector_shown(Presented::of(parts).shown()) {
        draft = draft.detail("certificate", certificate);
    }
    manager.record_refusal(id.as_deref(), draft).await?;
    Err(denial.into())
}

/// A JSON body; what cannot be read is answered with a problem that does not repeat it.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<KeyManager> for JsonBody<T> {
    type Rejection = ProblemResponse;

    async fn from_request(request: Request, manager: &KeyManager) -> Result<Self, ProblemResponse> {
        match Json::<T>::from_request(request, manager).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) if is_too_slow(&rejection) => Err(Denial::TooSlow.into()),
            Err(rejection) => Err(Denial::Body(match rejection {
                JsonRejection::JsonDataError(_) => "the fields are not those that this call takes",
                JsonRejection::JsonSyntaxError(_) => "the body is not JSON",
                JsonRejection::MissingJsonContentType(_) => "send Content-Type: application/json",
                _ => "the body could not be read, or is too large",
            })
            .into()),
        }
    }
}

fn is_too_slow(rejection: &JsonRejection) -> bool {
    let causes = std::iter::successors(rejection.source(), |&cause| cause.source());
    causes.into_iter().any(<dyn StdError>::is::<TooSlow>)
}
