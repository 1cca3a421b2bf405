//! Decrypting a message that was verified, as it is read a second time.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, StreamingDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroize as _;

use super::{BLOCK, MOST_METADATA, Refused, Verified};
use crate::Secret;
use crate::envelope::Metadata;

/// Decrypts a message that was verified. What comes out is the content, once name and type were read.
pub struct Opener {
    cipher: StreamingDecryptingKey,
    message: Verified,
    /// How many of its parts were opened.
    opened: usize,
    /// Name and type as far as they came; then what they are.
    begun: Result<Metadata, Vec<u8>>,
}

impl Opener {
    /// Begins to decrypt a message.
    ///
    /// # Errors
    /// [`Refused`], which is not expected.
    pub fn new(key: &Secret<32>, message: Verified) -> Result<Self, Refused> {
        let context = DecryptionContext::Iv128(FixedLength::from(&message.head().iv));
        let cipher = UnboundCipherKey::new(&AES_256, key.expose())
            .and_then(|key| StreamingDecryptingKey::cbc_pkcs7(key, context))
            .map_err(|_| Refused)?;
        Ok(Self { cipher, message, opened: 0, begun: Err(Vec::with_capacity(MOST_METADATA)) })
    }

    /// Takes the next part of the message, head and all, which has [`super::PART`] bytes unless it is the last; and appends the content that is ready. A part that is
    /// not the one that was verified is not decrypted.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn part(&mut self, part: &[u8], content: &mut Vec<u8>) -> Result<(), Refused> {
        if !self.message.has(self.opened, part) {
            return Err(Refused);
        }
        let head = if self.opened == 0 { self.message.start } else { 0 };
        self.opened += 1;
        let sealed = part.get(head..).ok_or(Refused)?;
        let start = content.len();
        content.resize(start + sealed.len() + BLOCK, 0);
        let room = content.get_mut(start..).unwrap_or_default();
        let written = self.cipher.update(sealed, room).map_err(|_| Refused)?.written().len();
        content.truncate(start + written);
        take_metadata(&mut self.begun, content, start)
    }

    /// Whether each part was opened.
    #[must_use]
    pub fn is_at_the_end(&self) -> bool {
        self.opened == self.message.parts.len()
    }

    /// Appends the end of the content; its name and type.
    ///
    /// # Errors
    /// [`Refused`]: not every part was opened, or whoever sealed it did it wrong.
    pub fn finish(self, content: &mut Vec<u8>) -> Result<Metadata, Refused> {
        if !self.is_at_the_end() {
            return Err(Refused);
        }
        let Self { cipher, mut begun, .. } = self;
        let start = content.len();
        let mut last = [0; BLOCK];
        let update = cipher.finish(&mut last).map_err(|_| Refused)?;
        content.extend_from_slice(update.written());
        take_metadata(&mut begun, content, start)?;
        last.zeroize();
        begun.map_err(|_| Refused)
    }

    /// Name and type, once they came.
    #[must_use]
    pub fn metadata(&self) -> Option<&Metadata> {
        self.begun.as_ref().ok()
    }
}

/// Takes name and type off what was appended from `start` on, until they are whole.
fn take_metadata(
    begun: &mut Result<Metadata, Vec<u8>>,
    content: &mut Vec<u8>,
    start: usize,
) -> Result<(), Refused> {
    let Err(text) = begun else { return Ok(()) };
    text.extend(content.drain(start..));
    let Some((length, rest)) = text.split_first_chunk::<2>() else { return Ok(()) };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > MOST_METADATA {
        return Err(Refused);
    }
    let Some((json, rest)) = rest.split_at_checked(length) else { return Ok(()) };
    let read: Metadata = serde_json::from_slice(json).map_err(|_| Refused)?;
    content.extend_from_slice(rest);
    let read = Metadata::new(read.name(), read.media_type()).map_err(|_| Refused)?;
    text.zeroize();
    *begun = Ok(read);
    Ok(())
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opener(redacted)")
    }
}
