//! Providers of identities (OpenID Connect): whom we believe when somebody says who they are elsewhere.
//!
//! What decides is pure: bytes of a provider and the time come in ([`times`], [`access`]). One rim asks the provider
//! ([`provider`], over [`http`]) and keeps its keys for a while. Tokens are never kept, logged or written into an error.

mod access;
mod http;
mod metadata;
mod provider;
mod times;

pub use access::{AccessClaims, AccessPolicy, AccessTokens};
pub use http::{Ask, Http, HttpAnswer, HttpFailure, WebClient};
pub use metadata::{IssuerUrl, Metadata, MetadataError};
pub use provider::{Provider, ProviderError};
pub use times::{Clocks, LEEWAY_MS, TimeError, Times};

use sceau_crypto::jose::{KeySetError, StatementError};

/// Why a provider's token is not believed. No part of the token is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not signed by a key of the provider, in a way that is accepted.
    #[error("{0}")]
    Statement(#[from] StatementError),
    /// A claim is missing or of another form.
    #[error("its claim {0} is missing or malformed")]
    Claim(&'static str),
    /// Of another issuer.
    #[error("it is another issuer's")]
    Issuer,
    /// For somebody else.
    #[error("it is for another audience")]
    Audience,
    /// It is bound to a key that its bearer would have to show (RFC 7800): as a bearer's token it is not taken.
    #[error("it is bound to a key, and is no bearer's token")]
    Bound,
    /// A token of another use: an identity, a logout, a refresh.
    #[error("it is no access token")]
    Use,
    /// Not in force.
    #[error("{0}")]
    Time(#[from] TimeError),
    /// The provider does not answer, or not as one.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

impl From<KeySetError> for ProviderError {
    fn from(error: KeySetError) -> Self {
        Self::Keys(error)
    }
}
