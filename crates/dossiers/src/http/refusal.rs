//! Faults on their way out, and the two things that happen to every answer of this room: incidents are recorded, floods are held.

use axum::extract::{FromRef, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sceau_accounts::{Accounts, AccountsError, ProblemResponse, Source};
use sceau_store::Rule;

use super::Platform;
use crate::{Dossiers, Fault};

/// A fault as a problem document (RFC 9457). Each handler answers with it, so that none forgets what [`note`] needs.
#[derive(Debug)]
pub(super) struct Refusal(Fault);

impl<F: Into<Fault>> From<F> for Refusal {
    fn from(fault: F) -> Self {
        Self(fault.into())
    }
}

/// Left in a response for [`note`].
#[derive(Clone)]
struct Incident {
    kind: &'static str,
    id: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = self.0.problem();
        if problem.status >= 500 {
            tracing::error!(fault = %self.0, "a request failed");
        }
        match self.0 {
            Fault::TooMany { retry_ms } => {
                ProblemResponse::from(AccountsError::TooMany { retry_ms }).into_response()
            }
            Fault::Tampered { kind, id } => {
                let mut response = ProblemResponse::from(problem).into_response();
                response.extensions_mut().insert(Incident { kind, id });
                response
            }
            _ => ProblemResponse::from(problem).into_response(),
        }
    }
}

/// Records, before the answer leaves, that a row was not what was attested.
pub(super) async fn note(State(dossiers): State<Dossiers>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(Incident { kind, id }) = response.extensions_mut().remove::<Incident>() {
        dossiers.note_tampering(&Fault::Tampered { kind, id }).await;
    }
    response
}

/// Which reads are counted together, and how many there may be.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) platform: Platform,
    pub(super) what: &'static str,
    pub(super) rule: Rule,
}

impl FromRef<Held> for Accounts {
    fn from_ref(held: &Held) -> Self {
        held.platform.accounts.clone()
    }
}

/// Holds a flood from one machine.
pub(super) async fn hold(State(held): State<Held>, source: Source, request: Request, next: Next) -> Response {
    match held.platform.dossiers.throttle(held.what, source, held.rule) {
        Ok(()) => next.run(request).await,
        Err(fault) => Refusal(fault).into_response(),
    }
}
