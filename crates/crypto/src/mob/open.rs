//! Opening: the ciphertext is read twice, first to be judged, then to be decrypted, part by part under the hashes of the first time.

use std::io::{Read, Seek, SeekFrom, Write};

use aws_lc_rs::cipher::{AES_256, DecryptionContext, StreamingDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::hash::FileHasher;
use super::{BLOCK, MobFile, MobOpenError, PART, Refused, VerifiedManifest};
use crate::{Secret, SecretBytes, sha256};

/// Key and IV of a dossier, decrypted, and the manifest that says what they open.
pub struct OpenedKeys<'m> {
    manifest: &'m VerifiedManifest,
    key: Secret<32>,
    iv: Secret<16>,
}

impl<'m> OpenedKeys<'m> {
    /// Of a key and an IV that the organisation's key manager decrypted.
    #[must_use]
    pub fn new(manifest: &'m VerifiedManifest, key: Secret<32>, iv: Secret<16>) -> Self {
        Self { manifest, key, iv }
    }

    /// Opens the file that the manifest calls `name`. Holds one part of 1 MiB, and 32 bytes for each, in memory.
    ///
    /// # Errors
    /// [`MobOpenError`]. If it is [`MobOpenError::Refused`] because of the ciphertext, nothing was written, unless the ciphertext changed
    /// between its two readings: write beside, then rename.
    pub fn open(
        &self,
        name: &str,
        mut sealed: impl Read + Seek,
        mut plain: impl Write,
    ) -> Result<u64, MobOpenError> {
        let file = self.manifest.file(name)?;
        sealed.seek(SeekFrom::Start(0)).map_err(MobOpenError::Read)?;
        let parts = self.judged(file, &mut sealed)?;
        sealed.seek(SeekFrom::Start(0)).map_err(MobOpenError::Read)?;
        self.decrypt(file, &parts, &mut sealed, &mut plain)?;
        plain.flush().map_err(MobOpenError::Write)?;
        Ok(file.size)
    }

    /// The hashes of the parts of a ciphertext that has the manifest's hash.
    fn judged(&self, file: &MobFile, sealed: &mut impl Read) -> Result<Vec<[u8; 32]>, MobOpenError> {
        let mut hasher = FileHasher::new(&self.manifest.manifest().encryption);
        let (mut part, mut parts) = (Vec::with_capacity(PART), Vec::new());
        while next(sealed, &mut part)? {
            if parts.len() >= file.parts as usize {
                return Err(Refused.into());
            }
            let hash = sha256(&part);
            hasher.part_hash(&hash);
            parts.push(hash);
        }
        if hasher.finish() == (file.hash, file.parts) { Ok(parts) } else { Err(Refused.into()) }
    }

    fn decrypt(
        &self,
        file: &MobFile,
        parts: &[[u8; 32]],
        sealed: &mut impl Read,
        plain: &mut impl Write,
    ) -> Result<(), MobOpenError> {
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv.expose()));
        let mut cipher = UnboundCipherKey::new(&AES_256, self.key.expose())
            .and_then(|key| StreamingDecryptingKey::cbc_pkcs7(key, context))
            .map_err(|_| Refused)?;
        let mut part = Vec::with_capacity(PART);
        let mut text = SecretBytes::new(vec![0; PART + BLOCK]);
        let mut size = 0;
        for hash in parts {
            next(sealed, &mut part)?;
            if sha256(&part) != *hash {
                return Err(Refused.into());
            }
            let update = cipher.update(&part, text.expose_mut()).map_err(|_| Refused)?;
            size += update.written().len() as u64;
            plain.write_all(update.written()).map_err(MobOpenError::Write)?;
        }
        let update = cipher.finish(text.expose_mut()).map_err(|_| Refused)?;
        size += update.written().len() as u64;
        plain.write_all(update.written()).map_err(MobOpenError::Write)?;
        if size == file.size { Ok(()) } else { Err(Refused.into()) }
    }
}

impl std::fmt::Debug for OpenedKeys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenedKeys({}, redacted)", self.manifest.manifest().subscription)
    }
}

/// Reads a part; whether there was one.
fn next(sealed: &mut impl Read, part: &mut Vec<u8>) -> Result<bool, MobOpenError> {
    part.clear();
    sealed.by_ref().take(PART as u64).read_to_end(part).map_err(MobOpenError::Read)?;
    Ok(!part.is_empty())
}
