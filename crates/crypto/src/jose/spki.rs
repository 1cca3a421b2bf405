//! A public key as certificates have it: the DER of a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).

use super::algorithm::{Algorithm, Curve, PublicKey};
use super::{JwkError, PublicJwk};
use crate::recipient::rsa_numbers;

/// What stands before the point of P-256, uncompressed (RFC 5480 section 2.1.1.1).
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What stands before the 32 bytes of Ed25519 (RFC 8410 section 4).
const ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The algorithm of an RSA key that says nothing of its use (RFC 3279 section 2.3.1).
const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

impl PublicJwk {
    /// A key that signs, from its SubjectPublicKeyInfo: of P-256, RSA or Ed25519, and for no one algorithm of those that it takes. Its name is its thumbprint.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn of_spki(info: &[u8]) -> Result<Self, JwkError> {
        let key = if let Some(point) = info.strip_prefix(P256) {
            PublicKey::Ec { curve: Curve::P256, point: point.to_vec() }
        } else if let Some(x) = info.strip_prefix(ED25519) {
            if x.len() != 32 {
                return Err(JwkError::Malformed);
            }
            PublicKey::Ed25519(x.to_vec())
        } else {
            // SEQUENCE and its length, of one to three bytes more, stand before.
            let names_rsa = (2..=5).any(|at| info.get(at..).is_some_and(|rest| rest.starts_with(RSA)));
            if !names_rsa {
                return Err(JwkError::Unsupported);
            }
            let (n, e) = rsa_numbers(info).ok_or(JwkError::Malformed)?;
            PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() }
        };
        Self::to_sign_by_any(key)
    }

    /// The algorithm that we sign by with such a key; none for one that does not sign.
    #[must_use]
    pub fn own_algorithm(&self) -> Option<Algorithm> {
        match &self.key {
            PublicKey::Rsa { .. } => Some(Algorithm::Rs256),
            PublicKey::Ec { curve: Curve::P256, .. } => Some(Algorithm::Es256),
            PublicKey::Ed25519(_) => Some(Algorithm::EdDsa),
            PublicKey::Ec { .. } | PublicKey::X25519(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what must hold")]
    use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::jose::Rs256PrivateKey;

    #[test]
    fn keys_of_certificates_are_read_whole_or_not_at_all() {
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let p256: PublicKeyX509Der<'_> = p256.public_key().as_der().unwrap();
        let ed25519 = Ed25519KeyPair::generate().unwrap();
        let ed25519: PublicKeyX509Der<'_> = ed25519.public_key().as_der().unwrap();
        let rsa = Rs256PrivateKey::generate().unwrap();
        for (info, algorithm) in [
            (p256.as_ref(), Algorithm::Es256),
            (ed25519.as_ref(), Algorithm::EdDsa),
            (rsa.public_key_info(), Algorithm::Rs256),
        ] {
            let key = PublicJwk::of_spki(info).unwrap();
            assert_eq!(key.own_algorithm(), Some(algorithm));
            assert_eq!(key.kid(), Some(key.thumbprint().to_string().as_str()));
            assert_eq!(PublicJwk::parse(key.to_json().as_bytes()).unwrap().thumbprint(), key.thumbprint());
            assert!(PublicJwk::of_spki(&info[..info.len() - 1]).is_err());
        }
        let same = PublicJwk::of_rs256(rsa.public_key_info()).unwrap().thumbprint();
        assert_eq!(PublicJwk::of_spki(rsa.public_key_info()).unwrap().thumbprint(), same);
        assert_eq!(PublicJwk::of_spki(&[]), Err(JwkError::Unsupported));
    }
}
