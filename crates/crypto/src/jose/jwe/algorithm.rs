//! How the content key reaches its recipient (RFC 7518 section 4).

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm};

use crate::jose::algorithm::{Curve, PublicKey};

/// The one content encryption (RFC 7518 section 5.3).
pub(super) const A256GCM: &str = "A256GCM";

/// How a content key is encrypted to a key, or agreed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256; keys of 2,048 to 4,096 bits.
    RsaOaep256,
    /// The content key is what an ephemeral key and the recipient's agree on: P-256 or X25519.
    EcdhEs,
    /// What they agree on wraps the content key (AES-256 key wrap, RFC 3394).
    EcdhEsA256Kw,
    /// RSAES-OAEP with SHA-1 (`RSA-OAEP`): for callers that speak a published interface that knows no other. No attack on it is known
    /// that SHA-256 would stop, but SHA-1 is to be gone by 2030 (SP 800-131A), and no new caller has a reason to ask for it.
    DangerRsaOaepSha1,
}

impl KeyAlgorithm {
    /// Those that are accepted where nobody says otherwise.
    pub const HOUSE: &'static [Self] = &[Self::RsaOaep256, Self::EcdhEs, Self::EcdhEsA256Kw];

    /// Its name in headers and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
            Self::DangerRsaOaepSha1 => "RSA-OAEP",
        }
    }

    /// The algorithm of a name, whether or not it is accepted: who reads a name asks that next.
    pub(in crate::jose) fn parse(name: &str) -> Option<Self> {
        [Self::RsaOaep256, Self::EcdhEs, Self::EcdhEsA256Kw, Self::DangerRsaOaepSha1]
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Whether it takes keys of this kind.
    pub(in crate::jose) fn takes(self, key: &PublicKey) -> bool {
        match key {
            PublicKey::Rsa { .. } => self.oaep().is_some(),
            PublicKey::Ec { curve, .. } => *curve == Curve::P256 && self.oaep().is_none(),
            PublicKey::X25519(_) => self.oaep().is_none(),
            PublicKey::Ed25519(_) => false,
        }
    }

    /// For RSA: hash and mask.
    pub(super) fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Self::RsaOaep256 => Some(&OAEP_SHA256_MGF1SHA256),
            Self::DangerRsaOaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            Self::EcdhEs | Self::EcdhEsA256Kw => None,
        }
    }
}
