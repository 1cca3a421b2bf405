//! Providers of identities (OpenID Connect): whom we believe when somebody says who they are elsewhere.
//!
//! What decides is pure: bytes of a provider and the time come in ([`AccessPolicy`], [`IdTokenPolicy`], [`Times`]). One rim asks the provider
//! ([`Provider`], over [`Http`]) and keeps its keys for a while; [`RelyingParty`] is the platform as its client. Tokens are never kept, logged or written into an error.

mod access;
mod fault;
mod http;
mod id_token;
mod metadata;
pub mod parsers;
mod person;
mod preset;
mod provider;
mod relying_party;
mod times;
mod tokens;

pub use access::{AccessClaims, AccessPolicy, AccessTokens};
pub use fault::SignInFault;
pub use http::{Ask, Http, HttpAnswer, HttpFailure, WebClient};
pub use id_token::{IdClaims, IdTokenPolicy};
pub use metadata::{IssuerUrl, Metadata, MetadataError};
pub(crate) use person::person;
pub use preset::{ClientAuthentication, Preset, ProviderName};
pub use provider::{Known, Provider, ProviderError};
pub(crate) use relying_party::{Leg, SignedIn};
pub use relying_party::{ProviderSettings, Providers, RelyingParty, accepted_levels};
pub use times::{Clocks, LEEWAY_MS, TimeError, Times};

use sceau_crypto::jose::{KeySetError, StatementError};

/// Why a provider's token is not believed. No part of the token is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is not signed by a key of the provider, in a way that is accepted.
    #[error("{0}")]
    Statement(#[from] StatementError),
    /// A JWE where a JWS was expected: FranceConnect+ encrypts, FranceConnect does not.
    #[error("it is encrypted, and only tokens that are signed alone are read")]
    Encrypted,
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
    /// Made for another sign-in than this one.
    #[error("it answers another sign-in")]
    Nonce,
    /// The provider is less sure of the person than we demand.
    #[error("the person did not sign in at the level, or by the means, that is demanded")]
    Level,
    /// The code is not exchanged.
    #[error("the provider does not exchange the code: {code}")]
    Exchange {
        /// The error that it names.
        code: &'static str,
    },
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
