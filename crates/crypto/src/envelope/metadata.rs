//! A file's name and type, encrypted in the header.

use serde::{Deserialize, Serialize};

use super::{FixedHeader, OpenError, SealError};
use crate::aead::{AeadKey, NONCE, TAG};
use crate::{Cek, Label, SecretBytes};

const BLOCK: usize = 256;

/// What the recipient is told of the file besides its content. `Debug` hides both, which may be personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    name: String,
    #[serde(rename = "type")]
    media_type: String,
}

impl Metadata {
    /// Checks a name (a file name, never a path) and a media type.
    ///
    /// # Errors
    /// [`SealError::Name`], [`SealError::MediaType`].
    pub fn new(name: &str, media_type: &str) -> Result<Self, SealError> {
        let metadata = Self { name: name.to_owned(), media_type: media_type.to_owned() };
        metadata.check()?;
        Ok(metadata)
    }

    /// File name: 1 to 255 bytes, without slash, backslash or control character, and neither `.` nor `..`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Media type, as the sender says: 1 to 127 printable ASCII characters.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    fn check(&self) -> Result<(), SealError> {
        let forbidden = |character: char| character == '/' || character == '\\' || character.is_control();
        if !(1..=255).contains(&self.name.len())
            || self.name.contains(forbidden)
            || matches!(self.name.as_str(), "." | "..")
        {
            return Err(SealError::Name);
        }
        let printable = self.media_type.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !(1..=127).contains(&self.media_type.len()) || !printable {
            return Err(SealError::MediaType);
        }
        Ok(())
    }

    /// `length (4) ‖ nonce (12) ‖ ciphertext and tag`.
    pub(super) fn seal(&self, cek: &Cek, fixed: &FixedHeader, nonce: [u8; NONCE]) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "two strings always serialise")]
        let mut text = serde_json::to_vec(self).expect("two strings");
        text.resize(text.len().next_multiple_of(BLOCK), b' ');
        seal_text(text, cek, fixed, nonce)
    }

    /// Opens what follows the length.
    pub(super) fn open(cek: &Cek, fixed: &FixedHeader, sealed: &[u8]) -> Result<Self, OpenError> {
        let (nonce, sealed) = sealed.split_first_chunk().ok_or(OpenError::Metadata)?;
        let mut text = SecretBytes::from(sealed);
        let text =
            key(cek).open(*nonce, &fixed.to_bytes(), text.expose_mut()).map_err(|_| OpenError::Metadata)?;
        if text.len() % BLOCK != 0 {
            return Err(OpenError::Metadata);
        }
        let metadata: Self = serde_json::from_slice(text).map_err(|_| OpenError::Metadata)?;
        metadata.check().map_err(|_| OpenError::Metadata)?;
        Ok(metadata)
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metadata(redacted)")
    }
}

pub(super) fn seal_text(mut text: Vec<u8>, cek: &Cek, fixed: &FixedHeader, nonce: [u8; NONCE]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "AES-GCM only refuses more than 64 GiB")]
    let tag = key(cek).seal(nonce, &fixed.to_bytes(), &mut text).expect("a name and a type are short");
    let length = u32::try_from(NONCE + text.len() + TAG).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), nonce.as_slice(), &text, &tag].concat()
}

fn key(cek: &Cek) -> AeadKey {
    AeadKey::new(cek.derive(Label::EnvelopeMetadata).expose())
}
