//! Public keys in calls and documents: a JSON Web Key (RFC 7517) with its public members alone.

use serde::{Deserialize, Serialize};

use crate::Base64Url;

/// A public key. A private or symmetric member (`d`, `k`…) makes it unreadable, as does any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyMembers {
    /// `EC`, `OKP` or `RSA`.
    pub kty: String,
    /// The curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// First coordinate, or the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// Exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

impl KeyMembers {
    /// Whether it is the same key, though its numbers were written with other leading zeros.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        let bare = |number: &Option<String>| {
            let bytes = Base64Url::decode(number.as_deref().unwrap_or_default()).unwrap_or_default().0;
            bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>()
        };
        (&self.kty, &self.crv, &self.x) == (&other.kty, &other.crv, &other.x)
            && bare(&self.n) == bare(&other.n)
    }

    /// Length of an RSA modulus in bytes, leading zeros not counted; none of a key of another type, or one that cannot be read.
    #[must_use]
    pub fn modulus_bytes(&self) -> Option<usize> {
        let modulus = Base64Url::decode(self.n.as_deref()?).ok()?;
        Some(modulus.iter().skip_while(|byte| **byte == 0).count())
    }
}

/// The key that a data key is encrypted to, of one session of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionKey {
    /// How the content key is encrypted to it: `ECDH-ES`, or `RSA-OAEP-256`. The content is under `A256GCM`.
    pub alg: String,
    /// The key.
    pub jwk: KeyMembers,
}
