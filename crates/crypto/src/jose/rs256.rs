//! Statements of ours under RSA keys (`RS256`, RFC 7518 section 3.3), for readers that know no other algorithm. Everything else of ours is signed by
//! Ed25519 ([`crate::jws`]).

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;

use super::algorithm::PublicKey;
use super::jwe::KeyAlgorithm;
use super::{Algorithm, JwkError, PublicJwk};
use crate::recipient::rsa_numbers;
use crate::{KeyError, SecretBytes};

/// An RSA private key that signs, of 3,072 bits. `Debug` shows nothing of it.
pub struct Rs256PrivateKey {
    pair: KeyPair,
    encoded: SecretBytes,
    public: Vec<u8>,
}

impl Rs256PrivateKey {
    /// Makes a new key. Takes up to seconds.
    ///
    /// # Errors
    /// [`KeyError::Generation`], which is not expected.
    pub fn generate() -> Result<Self, KeyError> {
        Self::new(KeyPair::generate(KeySize::Rsa3072).map_err(|_| KeyError::Generation)?)
    }

    /// Takes what [`Rs256PrivateKey::to_pkcs8`] gave.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::new(KeyPair::from_pkcs8(der).map_err(|_| KeyError::Malformed)?)
    }

    /// The PKCS#8 DER encoding (RFC 5958), to be sealed at rest.
    #[must_use]
    pub fn to_pkcs8(&self) -> &SecretBytes {
        &self.encoded
    }

    /// The public part, a SubjectPublicKeyInfo (RFC 5280 section 4.1); see [`super::PublicJwk::of_rs256`].
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.public
    }

    /// The signature of a message: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2), as long as the modulus.
    ///
    /// # Errors
    /// [`KeyError::Generation`], which is not expected.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let signed = self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map(|()| signature).map_err(|_| KeyError::Generation)
    }

    fn new(pair: KeyPair) -> Result<Self, KeyError> {
        let encoded: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Malformed)?;
        let encoded = SecretBytes::from(encoded.as_ref());
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Malformed)?;
        let public = public.as_ref().to_vec();
        Ok(Self { pair, encoded, public })
    }
}

impl fmt::Debug for Rs256PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rs256PrivateKey(redacted)")
    }
}

impl PublicJwk {
    /// An RSA key that signs tokens of ours, from its SubjectPublicKeyInfo. Its name is its thumbprint.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn of_rs256(info: &[u8]) -> Result<Self, JwkError> {
        Self::to_sign(Algorithm::Rs256, public(info)?)
    }

    /// An RSA key of ours that others encrypt to by this algorithm, from its SubjectPublicKeyInfo. Its name is its thumbprint.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn of_rsa_recipient(info: &[u8], algorithm: KeyAlgorithm) -> Result<Self, JwkError> {
        Self::to_encrypt(algorithm, public(info)?)
    }

    /// Whether this RSA key signed the message by `RS256`.
    #[must_use]
    pub fn signed_rs256(&self, message: &[u8], signature: &[u8]) -> bool {
        Algorithm::Rs256.verifies(&self.key, message, signature)
    }
}

fn public(info: &[u8]) -> Result<PublicKey, JwkError> {
    let (n, e) = rsa_numbers(info).ok_or(JwkError::Malformed)?;
    Ok(PublicKey::Rsa { n: n.to_vec(), e: e.to_vec() })
}

/// What is signed of a token (RFC 7519) of this `typ` under the RSA key of this name; then [`rs256_token`].
#[must_use]
pub fn rs256_input(typ: &str, kid: &str, claims: &[u8]) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        alg: &'static str,
        kid: &'a str,
        typ: &'a str,
    }
    let header = serde_json::to_vec(&Header { alg: "RS256", kid, typ }).unwrap_or_default();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

/// The token of an [`rs256_input`] and its signature.
#[must_use]
pub fn rs256_token(input: String, signature: &[u8]) -> String {
    let mut token = input;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    token
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use crate::jose::Statement;

    #[test]
    fn a_token_verifies_under_the_key_and_no_other() {
        let key = Rs256PrivateKey::generate().unwrap();
        let same = Rs256PrivateKey::from_pkcs8(key.to_pkcs8().expose()).unwrap();
        assert_eq!(same.public_key_info(), key.public_key_info());
        let public = PublicJwk::of_rs256(key.public_key_info()).unwrap();
        let input = rs256_input("JWT", public.kid().unwrap(), b"{}");
        let signature = key.sign(input.as_bytes()).unwrap();
        let statement = Statement::parse(&rs256_token(input, &signature)).unwrap();
        assert_eq!(statement.typ().as_deref(), Some("jwt"));
        assert_eq!(public.verify(&statement).unwrap(), b"{}");
        let other = PublicJwk::of_rs256(Rs256PrivateKey::generate().unwrap().public_key_info()).unwrap();
        assert!(other.verify(&statement).is_err());
        assert!(!format!("{key:?}").contains("30"));
    }
}
