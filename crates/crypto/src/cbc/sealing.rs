//! Encrypting a content, and hashing what comes of it.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::{BLOCK, Head, Refused};
use crate::envelope::Metadata;
use crate::{Secret, Sha256};

/// Name and type take a multiple of this, so that their length does not show.
const METADATA: usize = 256;

/// Encrypts a content from bytes that are pushed in, and hashes what comes out.
pub struct Sealer {
    cipher: StreamingEncryptingKey,
    hash: Sha256,
}

impl Sealer {
    /// Begins a message: appends its head, and what is ready of name and type. Key and vector are for this message alone.
    ///
    /// # Errors
    /// [`Refused`] where the head is none.
    pub fn begin(
        key: &Secret<32>,
        head: &Head,
        metadata: &Metadata,
        sealed: &mut Vec<u8>,
    ) -> Result<Self, Refused> {
        let context = EncryptionContext::Iv128(FixedLength::from(&head.iv));
        let cipher = UnboundCipherKey::new(&AES_256, key.expose())
            .and_then(|key| StreamingEncryptingKey::less_safe_cbc_pkcs7(key, context))
            .map_err(|_| Refused)?;
        let mut sealer = Self { cipher, hash: Sha256::new() };
        let head = head.to_bytes()?;
        sealer.hash.update(&head);
        sealed.extend_from_slice(&head);
        sealer.update(&text_of(metadata)?, sealed)?;
        Ok(sealer)
    }

    /// Takes content in, cut anyhow, and appends the ciphertext that is ready.
    ///
    /// # Errors
    /// [`Refused`], which is not expected: for pieces of 2 GiB.
    pub fn update(&mut self, content: &[u8], sealed: &mut Vec<u8>) -> Result<(), Refused> {
        let start = sealed.len();
        sealed.resize(start + content.len() + BLOCK, 0);
        let room = sealed.get_mut(start..).unwrap_or_default();
        let written = self.cipher.update(content, room).map_err(|_| Refused)?.written().len();
        sealed.truncate(start + written);
        self.hash.update(sealed.get(start..).unwrap_or_default());
        Ok(())
    }

    /// Appends the last block, which is always there; SHA-256 of the message so far, which is to be signed.
    ///
    /// # Errors
    /// [`Refused`], which is not expected.
    pub fn finish(self, sealed: &mut Vec<u8>) -> Result<[u8; 32], Refused> {
        let Self { cipher, mut hash } = self;
        let mut last = [0; BLOCK];
        let (_, update) = cipher.finish(&mut last).map_err(|_| Refused)?;
        hash.update(update.written());
        sealed.extend_from_slice(update.written());
        Ok(hash.finish())
    }
}

/// `length (2) ‖ JSON`, a multiple of [`METADATA`] in all: JSON may end in spaces.
fn text_of(metadata: &Metadata) -> Result<Vec<u8>, Refused> {
    let mut json = serde_json::to_vec(metadata).map_err(|_| Refused)?;
    json.resize((json.len() + 2).next_multiple_of(METADATA) - 2, b' ');
    let length = u16::try_from(json.len()).map_err(|_| Refused)?;
    Ok([length.to_be_bytes().as_slice(), &json].concat())
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(redacted)")
    }
}
