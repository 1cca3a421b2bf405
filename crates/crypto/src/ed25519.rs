//! Ed25519 keys (RFC 8032).

use std::fmt;

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::{Fingerprint, KeyError, Label, Secret, SecretBytes, pem};

const PKCS8: &str = "PRIVATE KEY";

/// An Ed25519 private key. `Debug` shows its fingerprint only.
pub struct SigningKey {
    seed: Secret<32>,
    pair: Ed25519KeyPair,
    public: VerifyingKey,
}

impl SigningKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(Secret::random())
    }

    /// The key of a 32-byte seed (RFC 8032, section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: Secret<32>) -> Self {
        #[expect(clippy::expect_used, reason = "every 32-byte string is a seed")]
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).expect("a 32-byte seed");
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        Self { seed, pair, public: VerifyingKey(public) }
    }

    /// The key of a PEM file, PKCS#8 (RFC 5958, RFC 8410), as `openssl genpkey -algorithm ED25519` writes it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for anything else, a key of another algorithm or one under a passphrase.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = pem::decode(PKCS8, text)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.expose());
        let seed = pair.map_err(|_| KeyError::Malformed)?.seed().and_then(|seed| seed.as_be_bytes());
        let seed = seed.map_err(|_| KeyError::Malformed)?;
        Secret::from_slice(seed.as_ref()).map(Self::from_seed).map_err(|_| KeyError::Malformed)
    }

    /// The key as [`SigningKey::from_pem`] reads it.
    #[must_use]
    pub fn to_pem(&self) -> SecretBytes {
        // Version 1 of PKCS#8, the algorithm 1.3.101.112, and the seed in an octet string within another (RFC 8410 section 7).
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = SecretBytes::new([prefix.as_slice(), self.seed.expose()].concat());
        pem::encode(PKCS8, der.expose())
    }

    /// The seed, to be sealed at rest.
    #[must_use]
    pub fn seed(&self) -> &Secret<32> {
        &self.seed
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.public
    }

    /// Signs `message`. For statements use [`crate::jws`], which says what is being signed.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(message).as_ref());
        bytes
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, private part redacted)", self.public.fingerprint())
    }
}

/// An Ed25519 public key: 32 raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey([u8; 32]);

impl VerifyingKey {
    /// From 32 raw bytes. That they are a point of the curve is checked at each verification.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless there are exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError::Malformed)
    }

    /// The 32 raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256("sceau/ed25519" ‖ 00 ‖ public key): the kid, and what people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from_bytes(Label::Ed25519.hash(&[&self.0]))
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&signature::ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn rfc8410_section_10_3_is_read_and_written() {
        let plain = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = SigningKey::from_pem(plain).unwrap();
        // The same section's public key, by which its second example is the same key.
        let public = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";
        assert_eq!(hex::encode(key.verifying_key().as_bytes()), public);
        assert_eq!(key.to_pem().expose(), plain.as_bytes());
        let of_another = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        for wrong in ["", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", of_another] {
            assert!(matches!(SigningKey::from_pem(wrong), Err(KeyError::Malformed)), "{wrong}");
        }
    }

    #[test]
    fn rfc8032_section_7_1_test_2() {
        let seed = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let key = SigningKey::from_seed(Secret::from_slice(&seed).unwrap());
        assert_eq!(
            hex::encode(key.verifying_key().as_bytes()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        let signature = key.sign(&[0x72]);
        assert_eq!(
            hex::encode(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.verifying_key().verifies(&[0x72], &signature));
        assert!(!key.verifying_key().verifies(&[0x73], &signature));
    }

    #[test]
    fn debug_shows_no_seed() {
        let key = SigningKey::generate();
        assert!(!format!("{key:?}").contains(&hex::encode(key.seed().expose())));
    }
}
