//! What is OAuth 2 here, and nothing of keyrings: who the clients are and how they prove it, what they ask for, codes and tokens that are handed out once.
//!
//! Pure: time and what came by HTTP are passed in, nothing is on disk. What a code or token stands for is its user's own type (`G`), so that logins and any other
//! grant share one set of endpoints. Everything that is kept here ends by itself, and is bounded.
//!
//! RFC 6749, 6750, 7009, 7521, 7523, 7636, 8414, 9126, 9207, 9396 and 9700 are followed. PKCE by S256 is demanded of every client.

mod authenticate;
mod bearer;
mod clients;
mod error;
mod params;
mod request;
mod server;
mod shelf;
#[cfg(test)]
mod tests;

pub use authenticate::{AuthenticatedClient, Endpoint};
pub use bearer::bearer;
pub use clients::{Authenticates, Client, ClientError, ClientId, Clients, GrantKind};
pub use error::{ErrorCode, OAuthError};
pub use params::Params;
pub use request::{Asked, AuthorizationRequest, Redirectable, Unanswerable};
pub use server::{AccessToken, Issued, PUSHED_SECONDS, Server, Supports};
pub use shelf::{Full, Shelf};
