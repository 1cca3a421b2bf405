//! The edge: routes, who may call each (the types of a handler's arguments say so), what they read and answer. No decision is
//! taken here.

mod deposits;
mod key_managers;
mod octets;
mod organisations;
mod reading;
mod schemes;
mod trace;

use axum::extract::{DefaultBodyLimit, FromRef};
use sceau_accounts::{Accounts, ProblemResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Dossiers, Fault};

/// The largest JSON body, in bytes: a manifest of 200 files in base64url fits.
const MAX_JSON: usize = 512 * 1024;
/// The largest binary body, in bytes: a part.
const MAX_OCTETS: usize = sceau_crypto::envelope::PART;

/// What this room's routes need: its own services and the accounts that say who asks.
#[derive(Debug, Clone)]
pub struct Platform {
    /// This room.
    pub dossiers: Dossiers,
    /// Who asks.
    pub accounts: Accounts,
}

impl FromRef<Platform> for Dossiers {
    fn from_ref(platform: &Platform) -> Self {
        platform.dossiers.clone()
    }
}

impl FromRef<Platform> for Accounts {
    fn from_ref(platform: &Platform) -> Self {
        platform.accounts.clone()
    }
}

impl From<Fault> for ProblemResponse {
    fn from(fault: Fault) -> Self {
        let problem = fault.problem();
        if problem.status >= 500 || matches!(fault, Fault::Tampered { .. }) {
            tracing::error!(%fault, "a request failed");
        }
        problem.into()
    }
}

/// Every route of this room, with its part of the OpenAPI document.
pub fn routes(platform: Platform) -> OpenApiRouter {
    let json = OpenApiRouter::new()
        .routes(routes!(organisations::prepare))
        .routes(routes!(organisations::list, organisations::enrol))
        .routes(routes!(organisations::one))
        .routes(routes!(schemes::prepare))
        .routes(routes!(schemes::list, schemes::publish))
        .routes(routes!(schemes::one))
        .routes(routes!(deposits::list, deposits::begin))
        .routes(routes!(deposits::one))
        .routes(routes!(deposits::evidence))
        .routes(routes!(deposits::arrived))
        .routes(routes!(deposits::nonce))
        .routes(routes!(deposits::submit))
        .routes(routes!(reading::list))
        .routes(routes!(reading::ticket))
        .routes(routes!(key_managers::statements, key_managers::publish))
        .routes(routes!(key_managers::records))
        .routes(routes!(key_managers::decisions))
        .routes(routes!(key_managers::keys_in_use))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    let octets = OpenApiRouter::new()
        .routes(routes!(deposits::put_header))
        .routes(routes!(deposits::put_part))
        .layer(DefaultBodyLimit::max(MAX_OCTETS));
    let public = OpenApiRouter::new()
        .routes(routes!(trace::checkpoint))
        .routes(routes!(trace::evidence))
        .routes(routes!(trace::consistency))
        .routes(routes!(trace::records))
        .route("/trace/tile/{*path}", axum::routing::get(trace::tile));
    json.merge(octets).merge(reading::session_routes(&platform)).merge(public).with_state(platform)
}
