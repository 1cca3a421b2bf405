//! Encryption to somebody's key: compact JWE (RFC 7516), with AES-256-GCM (`A256GCM`) and nothing else for the content.
//!
//! Who opens one learns what it says, not who sent it: anybody can encrypt to a public key. What must be proven is signed inside.
//!
//! A key is for one algorithm, and a caller says which algorithms it accepts. What never passes: an algorithm or content encryption that is
//! not listed, `zip` (what is compressed with a secret shows it by its length), `crit`, passwords (`p2s`, `p2c`), a key that the message brings
//! along but its ephemeral one. Every part has a bound, which is checked before anything of it is decoded. What does not decrypt is refused by
//! one error after the same work: a wrapped key that is wrong is replaced by a random one, and the tag says no (RFC 7516 section 11.5).

mod agreement;
mod algorithm;
mod header;
mod key;
mod message;
mod private;

#[cfg(test)]
mod tests;

pub use agreement::EphemeralKey;
pub use algorithm::KeyAlgorithm;
pub use key::{EncryptionKey, Fields, SharedKey};
pub use message::{Encrypted, MAX_LENGTH, MAX_PLAINTEXT};
pub use private::{DecryptionKey, KeyKind, PrivateKey, Unavailable};

/// A message cannot be made, or is not one that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JweError {
    /// Not five parts of base64url of the lengths that they must have, with a JSON header.
    #[error("not a compact JWE of at most 128 KiB of content, encrypted with A256GCM")]
    Malformed,
    /// Its `alg` or `enc` is not among those that are accepted here.
    #[error("encrypted by an algorithm that is not accepted here")]
    Algorithm,
    /// It demands what is never done: an extension, compression, a password, a key that it brings along.
    #[error("its header demands what is not done here: remove crit, zip, p2s, p2c, jwk, jku, x5u and x5c")]
    Header,
    /// More than fits a message, or a name that is too long.
    #[error("more than 128 KiB to encrypt, or a header field of more than 256 bytes")]
    TooLong,
    /// The library could not encrypt.
    #[error("the message could not be encrypted: try again")]
    Encryption,
}

impl JweError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "jwe_malformed",
            Self::Algorithm => "jwe_algorithm",
            Self::Header => "jwe_header",
            Self::TooLong => "jwe_too_long",
            Self::Encryption => "jwe_encryption",
        }
    }
}

/// A message was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// For another key or algorithm, or altered. One error for all, so that it is no oracle.
    #[error(
        "the message does not decrypt: it is not for this key, or was altered; its sender must encrypt it again"
    )]
    Refused,
    /// What keeps the key did not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl DecryptError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused => "jwe_refused",
            Self::Unavailable(_) => "jwe_key_unavailable",
        }
    }
}
