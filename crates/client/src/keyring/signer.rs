//! A private key in a file: of an officer, an authority, a provider, or of a terminal that has no better place for it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use sceau_crypto::SecretBytes;
use sceau_keyring::{Signs, SignsError};

/// A key of P-256, RSA or Ed25519, in memory.
pub struct FileKey {
    spki: Vec<u8>,
    pair: Pair,
}

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl FileKey {
    /// Draws a new key of P-256: the key, and its PKCS#8 to be kept.
    ///
    /// # Errors
    /// [`SignsError::Key`], which is not expected.
    pub fn generate() -> Result<(Self, SecretBytes), SignsError> {
        let failed = |_| SignsError::Key("no key can be drawn: try again".to_owned());
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(failed)?;
        let pkcs8 = SecretBytes::from(pkcs8.as_ref());
        Ok((Self::from_pkcs8(pkcs8.expose())?, pkcs8))
    }

    /// Reads a PKCS#8 DER.
    ///
    /// # Errors
    /// [`SignsError::Unsupported`].
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SignsError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map(Pair::P256)
            .or_else(|_| Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519))
            .or_else(|_| RsaKeyPair::from_pkcs8(pkcs8).map(|pair| Pair::Rsa(Box::new(pair))))
            .map_err(|_| SignsError::Unsupported)?;
        let spki: Result<PublicKeyX509Der<'_>, _> = match &pair {
            Pair::P256(pair) => pair.public_key().as_der(),
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ed25519(pair) => pair.public_key().as_der(),
        };
        let spki = spki.map_err(|_| SignsError::Unsupported)?.as_ref().to_vec();
        Ok(Self { spki, pair })
    }
}

impl Signs for FileKey {
    fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignsError> {
        let failed = |_| SignsError::Key("the library refuses; try again".to_owned());
        match &self.pair {
            Pair::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(failed),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
                signed.map(|()| signature).map_err(failed)
            }
        }
    }
}

impl std::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FileKey(redacted)")
    }
}
