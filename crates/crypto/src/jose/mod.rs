//! Statements that others sign: compact JWS (RFC 7515) under the keys of a set (RFC 7517) that their signer publishes.
//!
//! Ours have one form ([`crate::jws`]); those of a provider of identities have many. What never passes: `none`, an algorithm with a shared
//! secret, a key for encryption, an algorithm that the key is not for, a `crit` header, a key that the statement brings along. What is read
//! of a statement before its signature is verified is its algorithm and the name of its key, to choose among keys that are known.
//!
//! One public key alone is a [`PublicJwk`]: to verify by, or to encrypt to ([`jwe`]).

mod algorithm;
mod jwk;
mod key_set;
mod rs256;
mod spki;
mod statement;

pub mod jwe;

#[cfg(test)]
mod jwk_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof_tests;

pub use algorithm::Algorithm;
pub use jwk::{JwkError, PublicJwk, Thumbprint};
pub use key_set::{KeySet, KeySetError};
pub use rs256::{Rs256PrivateKey, rs256_input, rs256_token};
pub use statement::{Statement, StatementError};
