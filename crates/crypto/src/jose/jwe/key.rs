//! The sender's side: a key to encrypt to, and what is encrypted to it.

use aws_lc_rs::rsa::{OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::agreement::{self, EphemeralKey};
use super::header::{Agreed, Header, LONGEST_FIELD};
use super::message::MAX_PLAINTEXT;
use super::{JweError, KeyAlgorithm};
use crate::aead::{AeadKey, NONCE};
use crate::jose::algorithm::PublicKey;
use crate::jose::{JwkError, PublicJwk};
use crate::{Secret, SecretBytes, random};

/// A public key to encrypt to, by the one algorithm that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    jwk: PublicJwk,
    algorithm: KeyAlgorithm,
}

/// What a header says besides. The recipient reads it unencrypted, and the tag covers it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fields<'a> {
    /// What the whole message is (RFC 7516 section 4.1.11).
    pub typ: Option<&'a str>,
    /// What is inside: `JWT` for a signed token (RFC 7519 section 5.2).
    pub cty: Option<&'a str>,
    /// What the sender is called, for an agreement on a key (RFC 7518 section 4.6.1.2); otherwise nothing is written.
    pub apu: &'a [u8],
    /// What the recipient is called.
    pub apv: &'a [u8],
}

/// A content key that several messages to one key have in common.
pub struct SharedKey {
    /// In base64url, as every message has it.
    header: String,
    encrypted_key: Vec<u8>,
    cek: Secret<32>,
}

impl EncryptionKey {
    /// Takes a key whose `alg` is among those that are accepted: [`KeyAlgorithm::HOUSE`] unless there is a reason.
    ///
    /// # Errors
    /// [`JwkError::Unsupported`].
    pub fn new(jwk: PublicJwk, accepted: &[KeyAlgorithm]) -> Result<Self, JwkError> {
        let algorithm = jwk
            .encrypts_by()
            .filter(|algorithm| accepted.contains(algorithm))
            .ok_or(JwkError::Unsupported)?;
        Ok(Self { jwk, algorithm })
    }

    /// Reads a key and takes it.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn parse(json: &[u8], accepted: &[KeyAlgorithm]) -> Result<Self, JwkError> {
        Self::new(PublicJwk::parse(json)?, accepted)
    }

    /// The key.
    #[must_use]
    pub fn jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// How others encrypt to it.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// Encrypts to the key. The content key and the nonce are drawn for this message alone; the header names the key by its `kid`.
    ///
    /// # Errors
    /// [`JweError::TooLong`], or [`JweError::Encryption`], which is not expected.
    pub fn encrypt(&self, fields: &Fields<'_>, plaintext: &[u8]) -> Result<String, JweError> {
        self.shared(fields)?.encrypt(plaintext)
    }

    /// Agrees on one content key for several messages to the key, which are sent together: a nonce is drawn for each, and their headers are one. An agreement, or an
    /// encryption by RSA, costs tens of what the rest of a short message does.
    ///
    /// # Errors
    /// As [`EncryptionKey::encrypt`].
    pub fn shared(&self, fields: &Fields<'_>) -> Result<SharedKey, JweError> {
        let Fields { typ, cty, apu, apv } = *fields;
        let long = |field: &[u8]| field.len() > LONGEST_FIELD;
        let texts = [typ, cty].into_iter().flatten().any(|field| long(field.as_bytes()));
        if texts || long(apu) || long(apv) {
            return Err(JweError::TooLong);
        }
        let (cek, encrypted_key, agreed) = self.content_key(apu, apv).ok_or(JweError::Encryption)?;
        let header = Header {
            algorithm: self.algorithm,
            kid: self.jwk.kid().map(str::to_owned),
            typ: typ.map(str::to_owned),
            cty: cty.map(str::to_owned),
            agreed,
        };
        Ok(SharedKey { header: URL_SAFE_NO_PAD.encode(header.to_json()), encrypted_key, cek })
    }

    /// A content key of nobody's message, and the key as a message would carry it: to try a private key with. None for a key that agrees on one.
    #[must_use]
    pub fn trial(&self) -> Option<(Secret<32>, Vec<u8>)> {
        self.algorithm.oaep()?;
        self.content_key(&[], &[]).map(|(cek, wrapped, _)| (cek, wrapped))
    }

    /// A new content key, the key as the message carries it, and what the header says of the agreement.
    fn content_key(&self, apu: &[u8], apv: &[u8]) -> Option<(Secret<32>, Vec<u8>, Option<Agreed>)> {
        if let PublicKey::Rsa { n, e } = &self.jwk.key {
            let cek = Secret::random();
            let key: PublicEncryptingKey = RsaPublicKeyComponents { n, e }.try_into().ok()?;
            let key = OaepPublicEncryptingKey::new(key).ok()?;
            let mut wrapped = vec![0; key.ciphertext_size()];
            key.encrypt(self.algorithm.oaep()?, cek.expose(), &mut wrapped, None).ok()?;
            return Some((cek, wrapped, None));
        }
        let (ephemeral, z) = EphemeralKey::agree_with(&self.jwk.key)?;
        let agreed = Agreed { ephemeral, apu: apu.to_vec(), apv: apv.to_vec() };
        let derived = agreement::derive(self.algorithm, &z, &agreed);
        if self.algorithm == KeyAlgorithm::EcdhEs {
            return Some((derived, Vec::new(), Some(agreed)));
        }
        let cek = Secret::random();
        let wrapped = agreement::wrap(&derived, &cek)?.to_vec();
        Some((cek, wrapped, Some(agreed)))
    }
}

impl SharedKey {
    /// Encrypts one of the messages. Nonces are random, so that a key is for far fewer than 2^32 of them (SP 800-38D section 8.3).
    ///
    /// # Errors
    /// As [`EncryptionKey::encrypt`].
    pub fn encrypt(&self, plaintext: &[u8]) -> Result<String, JweError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(JweError::TooLong);
        }
        seal(&self.header, &self.encrypted_key, &self.cek, random(), plaintext)
    }
}

impl std::fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedKey(redacted)")
    }
}

/// The five parts (RFC 7516 section 5.1, steps 11 to 19), under a header in base64url. No other message has this `nonce` under this `cek`.
fn seal(
    header: &str,
    encrypted_key: &[u8],
    cek: &Secret<32>,
    nonce: [u8; NONCE],
    plaintext: &[u8],
) -> Result<String, JweError> {
    let mut text = SecretBytes::from(plaintext);
    let tag = AeadKey::new(cek.expose())
        .seal(nonce, header.as_bytes(), text.expose_mut())
        .map_err(|_| JweError::Encryption)?;
    let mut message = header.to_owned();
    for part in [encrypted_key, &nonce, text.expose(), &tag] {
        message.push('.');
        URL_SAFE_NO_PAD.encode_string(part, &mut message);
    }
    Ok(message)
}
