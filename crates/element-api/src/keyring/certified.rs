//! What the platform carries between the element and an authority outside: requests of certificates, and what came of them. The element believes nothing of it.

use serde::{Deserialize, Serialize};

use crate::{Base64Url, KeyringId};

/// Keyrings that wait, in one answer.
pub const MOST_AWAITED: usize = 16;
/// Certificates that are brought for one keyring: the holder's, those above it, and what an authority hands out besides.
pub const MOST_BROUGHT: usize = 24;
/// The longest of them, in bytes.
pub const LONGEST_BROUGHT: usize = 8192;

/// A keyring whose holder's key waits for its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwaitedCertificate {
    /// The keyring.
    pub keyring: KeyringId,
    /// The request (PKCS#10, RFC 2986), DER, which the holder's key signed.
    pub request: Base64Url,
    /// Where the authority is, as the security officer signed it.
    pub url: String,
    /// Its label, where it has several (RFC 7030 section 3.2.2).
    pub label: Option<String>,
    /// Since when it waits, in Unix milliseconds.
    pub since: u64,
}

/// What an authority answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroughtCertificate {
    /// For this keyring.
    pub keyring: KeyringId,
    /// The holder's certificate and those that may stand above it, in any order, DER: at most [`MOST_BROUGHT`] of at most [`LONGEST_BROUGHT`] bytes each.
    pub certificates: Vec<Base64Url>,
}
