//! The content profile `cbc-rs256`: AES-256-CBC with PKCS#7 padding (SP 800-38A section 6.2, RFC 5652 section 6.3), and a signature over all of it that is
//! verified before anything is decrypted. `docs/protect-by-tokens.md` has the form to the byte.
//!
//! CBC alone authenticates nothing, and its padding tells who may try what a text is (Vaudenay, EUROCRYPT 2002). So a message is taken in as [`Unverified`], which
//! decrypts nothing; compared with what was signed it is [`Verified`], and an [`Opener`] is made of that alone. The message is read a second time then: each part
//! must be the one that was taken in the first time, or it is not decrypted. The signature is none of the data key's: whoever reads cannot forge.

mod opening;
mod sealing;
#[cfg(test)]
mod tests;
mod verifying;

pub use opening::Opener;
pub use sealing::Sealer;
pub use verifying::{Unverified, Verified};

/// What a message begins with.
const MAGIC: &[u8; 9] = b"cbc-rs256";
const VERSION: u8 = 1;
const BLOCK: usize = 16;
/// The most that name and type take: a name of 255 bytes and a type of 127, as JSON escapes them.
const MOST_METADATA: usize = 1024;
/// Bytes of a head before the wrapped key: magic, version, datum, initialisation vector, and the wrapped key's length.
pub const FIXED: usize = 9 + 1 + 32 + BLOCK + 2;
/// The longest wrapped key, in bytes.
pub const MOST_WRAPPED: usize = 512;
/// The longest signature, in bytes.
pub const MOST_SIGNATURE: usize = 4096;
/// A message is opened in parts of so many bytes, the last of which may be shorter.
pub const PART: usize = crate::envelope::PART;

/// What comes of a part may be longer than the part by so many bytes: name and type, and a block.
pub const MORE: usize = 2048;

/// It is no message of this profile, or not the one that was signed. One error for all, so that it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a content that was signed for this datum, or it was altered")]
pub struct Refused;

/// What a message begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The datum.
    pub datum: [u8; 32],
    /// The initialisation vector.
    pub iv: [u8; BLOCK],
    /// Key and vector, as the element wrapped them: 1 to [`MOST_WRAPPED`] bytes.
    pub wrapped_key: Vec<u8>,
}

impl Head {
    /// Whether bytes begin as a message of this profile does, of any version.
    #[must_use]
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// How long the head is that begins with these [`FIXED`] bytes.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn length(fixed: &[u8]) -> Result<usize, Refused> {
        let (fixed, length) = fixed.split_last_chunk::<2>().ok_or(Refused)?;
        let known = fixed.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(&[VERSION]));
        let length = usize::from(u16::from_be_bytes(*length));
        match known {
            Some(rest) if rest.len() == 32 + BLOCK && (1..=MOST_WRAPPED).contains(&length) => {
                Ok(FIXED + length)
            }
            _ => Err(Refused),
        }
    }

    /// Reads a head of exactly these bytes.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Refused> {
        let (fixed, wrapped_key) = bytes.split_at_checked(FIXED).ok_or(Refused)?;
        if Self::length(fixed)? != bytes.len() {
            return Err(Refused);
        }
        let (datum, rest) =
            fixed.get(MAGIC.len() + 1..).unwrap_or_default().split_first_chunk().ok_or(Refused)?;
        let iv = rest.first_chunk().ok_or(Refused)?;
        Ok(Self { datum: *datum, iv: *iv, wrapped_key: wrapped_key.to_vec() })
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`Refused`] where the wrapped key is empty or too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Refused> {
        let length = u16::try_from(self.wrapped_key.len()).map_err(|_| Refused)?;
        let fixed: [&[u8]; 5] = [MAGIC, &[VERSION], &self.datum, &self.iv, &length.to_be_bytes()];
        let fixed = fixed.concat();
        Self::length(&fixed)?;
        Ok([fixed.as_slice(), &self.wrapped_key].concat())
    }
}

/// What ends a message: the signature over SHA-256 of all before, a compact JWS, and its length.
///
/// # Errors
/// [`Refused`] where it is empty or too long.
pub fn trailer(signature: &str) -> Result<Vec<u8>, Refused> {
    let length = u16::try_from(signature.len()).map_err(|_| Refused)?;
    if !(1..=MOST_SIGNATURE).contains(&signature.len()) {
        return Err(Refused);
    }
    Ok([signature.as_bytes(), &length.to_be_bytes()].concat())
}

/// The signature that a message ends with, from its last bytes: at least [`MOST_SIGNATURE`] + 2 of them, or all.
///
/// # Errors
/// [`Refused`].
pub fn signature_of(end: &[u8]) -> Result<&str, Refused> {
    let (before, length) = end.split_last_chunk::<2>().ok_or(Refused)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if !(1..=MOST_SIGNATURE).contains(&length) {
        return Err(Refused);
    }
    let signature = before.len().checked_sub(length).and_then(|start| before.get(start..));
    let signature = signature.filter(|it| it.is_ascii()).ok_or(Refused)?;
    std::str::from_utf8(signature).map_err(|_| Refused)
}
