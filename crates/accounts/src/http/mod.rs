//! The edge: routes, what they read, what they answer. No decision is taken here.

mod additions;
mod body;
mod creation;
mod headers;
mod invitations;
mod origin;
mod passkeys;
mod passwords;
mod problem;
mod providers;
mod sessions;
mod source;
mod token;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Accounts;

pub use body::{JsonBody, Prepared, Proven};
pub use headers::default_headers;
pub use origin::SameOrigin;
pub(crate) use origin::is_same_origin;
pub use problem::ProblemResponse;
pub use source::Source;

/// The largest body of these routes, in bytes: an attestation object with a certificate chain fits.
const MAX_BODY: usize = 128 * 1024;

/// Every route of this room under `/v1`, with its part of the OpenAPI document.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, or every source is taken for the same.
pub fn routes(accounts: Accounts) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(sessions::me))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::nonce))
        .routes(routes!(passkeys::register_begin))
        .routes(routes!(passkeys::register_finish))
        .routes(routes!(passkeys::login_begin))
        .routes(routes!(passkeys::login_finish))
        .routes(routes!(additions::begin))
        .routes(routes!(additions::prepare))
        .routes(routes!(additions::confirm))
        .routes(routes!(passwords::register))
        .routes(routes!(passwords::login))
        .routes(routes!(invitations::view))
        .routes(routes!(invitations::prepare))
        .routes(routes!(invitations::confirm))
        .routes(routes!(providers::list))
        .routes(routes!(providers::begin))
        .routes(routes!(providers::finish))
        .routes(routes!(providers::link_begin))
        .routes(routes!(providers::link_prepare))
        .routes(routes!(providers::link_confirm))
        .routes(routes!(providers::unlink))
        .routes(routes!(token::token))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(accounts)
}
