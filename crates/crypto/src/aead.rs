//! AES-256-GCM (SP 800-38D), in place. Private: a nonce given twice would break it, so only the rooms of this crate that
//! make their own nonces use it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;

pub(crate) struct AeadKey(LessSafeKey);

/// The tag does not match, or the text is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl AeadKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        #[expect(clippy::expect_used, reason = "32 bytes by its type")]
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("32 bytes")))
    }

    /// Encrypts `text` in place; the tag comes back. Fails above 64 GiB only.
    pub(crate) fn seal(&self, nonce: [u8; NONCE], aad: &[u8], text: &mut [u8]) -> Result<[u8; TAG], Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), text).map_err(|_| Refused)?;
        let mut tag = [0; TAG];
        tag.copy_from_slice(sealed.as_ref());
        Ok(tag)
    }

    /// Verifies and decrypts ciphertext and tag in place; the plaintext comes back. On error no plaintext is left.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], Refused> {
        self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), sealed).map_err(|_| Refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_text_leaves_no_plaintext_behind() {
        let key = AeadKey::new(&[1; 32]);
        let mut sealed = vec![0x5A; 4096];
        let tag = key.seal([2; NONCE], b"", &mut sealed).unwrap_or_default();
        sealed.extend_from_slice(&tag);
        sealed.iter_mut().rev().take(1).for_each(|byte| *byte ^= 1);
        assert_eq!(key.open([2; NONCE], b"", &mut sealed), Err(Refused));
        assert!(!sealed.windows(16).any(|window| window == [0x5A; 16]));
    }
}
