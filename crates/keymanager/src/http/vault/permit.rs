//! The token of a request, as proof.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use sceau_trace::Action;

use super::answer::Refused;
use crate::manager::KeyManager;
use crate::transit::{LiveToken, Permit, Refusal, Right};

impl FromRequestParts<KeyManager> for LiveToken {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, Refused> {
        match manager.live_token(text(parts)).await {
            Ok(token) => Ok(token),
            Err(refusal) => {
                let refused = manager.own_record(Action::TRANSIT_OUTCOME).refused(refusal.code);
                manager.record_refusal(None, refused).await?;
                Err(refusal.into())
            }
        }
    }
}

impl<R: Right> FromRequestParts<KeyManager> for Permit<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, manager: &KeyManager) -> Result<Self, Refused> {
        let token = LiveToken::from_request_parts(parts, manager).await?;
        let actor = token.actor.clone();
        match token.permit() {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                let mut refused = manager.own_record(Action::TRANSIT_OUTCOME).refused(refusal.code);
                refused.actor = actor.clone();
                manager.record_refusal(Some(&actor.id), refused).await?;
                Err(Refusal::forbidden().into())
            }
        }
    }
}

fn text(parts: &Parts) -> &str {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    header("x-vault-token").or(bearer).unwrap_or_default()
}
