//! Cryptography of Sceau: envelopes, key wrapping, signatures, and the few primitives that other rooms may use.
//!
//! Everything here is pure but the `std::io` adapters: bytes and keys come in, bytes come out. This room never reads a
//! clock, a file or a socket by itself, never logs, and never prints a secret: secret types are boxed, zeroized when they
//! are dropped, compared in constant time, and their `Debug` is redacted. Primitives come from `aws-lc-rs`, but X-Wing,
//! which comes from the `hpke` crate. Domain separation goes through [`label`] only.
//!
//! The envelope is specified byte for byte in `docs/envelope.md`; `vectors/` holds the vectors that this crate and the
//! browser's code both pass.

mod aead;
mod blob;
mod cek;
mod credential;
mod ed25519;
mod ids;
mod kdf;
mod pem;
mod primitives;
mod recipient;
mod secret;

pub mod cbc;
pub mod envelope;
pub mod http_signature;
pub mod jose;
pub mod jws;
pub mod label;
pub mod mob;
pub mod sharing;
pub mod stream;
pub mod transit;

#[cfg(test)]
mod tests;

pub use blob::{BlobError, SealedBlob};
pub use cek::Cek;
pub use credential::{Es256Key, Rs256Key};
pub use ed25519::{SigningKey, VerifyingKey};
pub use ids::{FileId, Fingerprint, IdError, KeyId};
pub use kdf::Derivation;
pub use label::{Label, Typ};
pub use primitives::{Sha256, hkdf, hmac, hmac_verify, random, sha256};
pub use recipient::{
    KeyError, RecipientKey, RecipientPrivateKey, RecipientSuite, RsaParts, RsaPrivateKey, RsaSize, Stanza,
    UnwrapError, XWingPrivateKey, oaep_decode, wrap_cek,
};
pub use secret::{Secret, SecretBytes, SecretLength};
