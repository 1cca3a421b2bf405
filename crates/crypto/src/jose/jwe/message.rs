//! The recipient's side: a message as it came in, and what it says to the key that it is for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::agreement::{self, WRAPPED};
use super::header::{self, Header};
use super::{DecryptError, DecryptionKey, JweError, KeyAlgorithm};
use crate::aead::{AeadKey, NONCE, TAG};
use crate::{Secret, SecretBytes};

/// The longest content, in bytes. What is longer goes into an envelope, which is opened as it comes in.
pub const MAX_PLAINTEXT: usize = 128 * 1024;
/// The longest message, in characters.
pub const MAX_LENGTH: usize =
    header::LONGEST + text(*RSA.end()) + text(NONCE) + text(MAX_PLAINTEXT) + text(TAG) + 4;

/// Lengths of what RSA encrypts, in bytes: that of the modulus.
const RSA: std::ops::RangeInclusive<usize> = 256..=512;

/// How many characters of base64url a number of bytes takes.
const fn text(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// A message that nobody has decrypted. What its header says is proven by [`Encrypted::decrypt`], and only to be its sender's, whoever that is.
#[derive(Clone)]
pub struct Encrypted {
    header: Header,
    /// The header as it came in: what the tag covers.
    associated: String,
    encrypted_key: Vec<u8>,
    nonce: [u8; NONCE],
    /// Ciphertext and tag.
    sealed: Vec<u8>,
}

/// Shows how it is encrypted and no more.
impl std::fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encrypted").field("algorithm", &self.header.algorithm).finish_non_exhaustive()
    }
}

impl Encrypted {
    /// Takes a message apart. Its header is read first, and nothing more where that is not accepted.
    ///
    /// # Errors
    /// [`JweError::Malformed`], [`JweError::Algorithm`] or [`JweError::Header`].
    pub fn parse(text: &str, accepted: &[KeyAlgorithm]) -> Result<Self, JweError> {
        if text.len() > MAX_LENGTH {
            return Err(JweError::Malformed);
        }
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(JweError::Malformed);
        let (header, key, nonce, ciphertext, tag) = (next()?, next()?, next()?, next()?, next()?);
        if parts.next().is_some() || header.len() > header::LONGEST {
            return Err(JweError::Malformed);
        }
        let associated = header.to_owned();
        let header = Header::parse(&decode(header, header::LONGEST)?, accepted)?;
        let encrypted_key = decode(key, *RSA.end())?;
        let long = match header.algorithm {
            KeyAlgorithm::EcdhEs => encrypted_key.is_empty(),
            KeyAlgorithm::EcdhEsA256Kw => encrypted_key.len() == WRAPPED,
            KeyAlgorithm::RsaOaep256 | KeyAlgorithm::DangerRsaOaepSha1 => RSA.contains(&encrypted_key.len()),
        };
        if !long {
            return Err(JweError::Malformed);
        }
        let nonce = decode(nonce, NONCE)?.try_into().map_err(|_| JweError::Malformed)?;
        let tag: [u8; TAG] = decode(tag, TAG)?.try_into().map_err(|_| JweError::Malformed)?;
        let mut sealed = decode(ciphertext, MAX_PLAINTEXT)?;
        sealed.extend_from_slice(&tag);
        Ok(Self { header, associated, encrypted_key, nonce, sealed })
    }

    /// How its content key is encrypted.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.header.algorithm
    }

    /// The name of the key that it is for, to find it. Proves nothing.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// What it says that it is. The tag covers it.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// What it says is inside. The tag covers it.
    #[must_use]
    pub fn cty(&self) -> Option<&str> {
        self.header.cty.as_deref()
    }

    /// What it says, if it was encrypted to this key.
    ///
    /// # Errors
    /// [`DecryptError::Refused`], whatever is wrong; [`DecryptError::Unavailable`] if the key could not be used.
    pub fn decrypt<K: DecryptionKey + ?Sized>(&self, key: &K) -> Result<SecretBytes, DecryptError> {
        if key.algorithm() != self.header.algorithm {
            return Err(DecryptError::Refused);
        }
        // Drawn before anything is known, so that a wrong key costs what a right one does (RFC 7516 section 11.5).
        let none = Secret::<32>::random();
        let cek = self.content_key(key)?.unwrap_or(none);
        let mut text = SecretBytes::from(self.sealed.as_slice());
        let length = AeadKey::new(cek.expose())
            .open(self.nonce, self.associated.as_bytes(), text.expose_mut())
            .map_err(|_| DecryptError::Refused)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    /// The content key; none where what came does not give one.
    fn content_key<K: DecryptionKey + ?Sized>(&self, key: &K) -> Result<Option<Secret<32>>, DecryptError> {
        let Some(agreed) = &self.header.agreed else {
            let cek = key.decrypt_oaep(&self.encrypted_key)?;
            return Ok(cek.and_then(|cek| Secret::from_slice(cek.expose()).ok()));
        };
        let Some(z) = key.agree(&agreed.ephemeral)? else { return Ok(None) };
        let derived = agreement::derive(self.header.algorithm, &z, agreed);
        if self.header.algorithm == KeyAlgorithm::EcdhEs {
            return Ok(Some(derived));
        }
        Ok(self.encrypted_key.as_slice().try_into().ok().and_then(|key| agreement::unwrap(&derived, key)))
    }
}

/// Decodes a part that may have `most` bytes; a longer one is not looked at.
fn decode(part: &str, most: usize) -> Result<Vec<u8>, JweError> {
    if part.len() > text(most) {
        return Err(JweError::Malformed);
    }
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JweError::Malformed)
}
