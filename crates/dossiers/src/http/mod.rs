//! The edge: routes, who may call each (the types of a handler's arguments say so), what they read and answer. No decision is
//! taken here.

mod about;
mod api;
mod deliveries;
mod deposits;
mod key_managers;
mod octets;
mod organisations;
mod parts;
mod reading;
mod refusal;
mod rewraps;
mod scanned;
mod schemes;
mod standing;
mod trace;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::from_fn_with_state;
use sceau_accounts::Accounts;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{Dossiers, guard};

pub use api::{Beside, api};

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

/// Every route of this room, with its part of the OpenAPI document.
fn routes(platform: Platform) -> OpenApiRouter {
    let json = OpenApiRouter::new()
        .routes(routes!(organisations::prepare))
        .routes(routes!(organisations::enrol))
        .routes(routes!(organisations::prepare_root))
        .routes(routes!(organisations::replace_root))
        .routes(routes!(schemes::prepare))
        .routes(routes!(schemes::publish))
        .routes(routes!(deposits::list, deposits::begin))
        .routes(routes!(deposits::one))
        .routes(routes!(deposits::evidence))
        .routes(routes!(deposits::arrived))
        .routes(routes!(deposits::nonce))
        .routes(routes!(deposits::submit))
        .routes(routes!(deposits::withdraw))
        .routes(routes!(scanned::grant))
        .routes(routes!(scanned::redeem))
        .routes(routes!(scanned::word))
        .routes(routes!(reading::list))
        .routes(routes!(reading::ticket))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::acknowledge))
        .routes(routes!(deliveries::read))
        .routes(routes!(deliveries::connectors, deliveries::make_connector))
        .routes(routes!(deliveries::end_connector))
        .routes(routes!(deliveries::webhook, deliveries::set_webhook))
        .routes(routes!(deliveries::end_webhook))
        .routes(routes!(deliveries::replay_webhook))
        .routes(routes!(deliveries::discard_webhook))
        .routes(routes!(standing::list))
        .routes(routes!(standing::replay))
        .routes(routes!(standing::discard))
        .routes(routes!(key_managers::publish))
        .routes(routes!(key_managers::records))
        .routes(routes!(key_managers::decisions))
        .routes(routes!(key_managers::keys_in_use))
        .routes(routes!(rewraps::sealed, rewraps::rewrap))
        .layer(DefaultBodyLimit::max(MAX_JSON));
    let octets = OpenApiRouter::new()
        .routes(routes!(deposits::put_header))
        .routes(routes!(deposits::put_part))
        .routes(routes!(scanned::put_header))
        .routes(routes!(scanned::put_part))
        .layer(DefaultBodyLimit::max(MAX_OCTETS));
    json.merge(octets)
        .merge(reading::session_routes(&platform))
        .merge(public_routes(&platform))
        .layer(from_fn_with_state(platform.dossiers.clone(), refusal::note))
        .with_state(platform)
}

/// What anybody may read, at a bounded rate for each machine.
fn public_routes(platform: &Platform) -> OpenApiRouter<Platform> {
    let held = |what, rule| {
        let held = refusal::Held { platform: platform.clone(), what, rule };
        from_fn_with_state(held, refusal::hold)
    };
    let tiles = OpenApiRouter::new()
        .routes(routes!(trace::checkpoint))
        .routes(routes!(trace::cosigned))
        .routes(routes!(trace::policy))
        .routes(routes!(trace::stamp_anchors))
        .routes(routes!(trace::tile))
        .layer(held("tiles", guard::TILES));
    let reads = OpenApiRouter::new()
        .routes(routes!(organisations::list))
        .routes(routes!(organisations::one))
        .routes(routes!(schemes::list))
        .routes(routes!(schemes::one))
        .routes(routes!(key_managers::statements))
        .routes(routes!(deliveries::webhook_keys))
        .routes(routes!(trace::evidence))
        .routes(routes!(trace::consistency))
        .routes(routes!(trace::records))
        .layer(held("reads", guard::PUBLIC_READS));
    tiles.merge(reads)
}
