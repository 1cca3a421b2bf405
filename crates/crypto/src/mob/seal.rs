//! Sealing the files of a dossier as they come, in constant memory.

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use super::hash::FileHasher;
use super::{BLOCK, CHUNK, EncryptionFields, MobPublicKey, PART};
use crate::envelope::EnvelopeHash;
use crate::{Secret, sha256};

/// The key *and* the IV of every file of one dossier, as the protocol wants it: two files that begin with the same blocks have
/// ciphertexts that begin alike. Drawn per dossier, used for it alone, and gone with the last sealer.
pub struct SharedKeyAndIv {
    key: Secret<32>,
    iv: Secret<16>,
    fields: EncryptionFields,
}

/// What was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedFile {
    /// Plaintext bytes.
    pub size: u64,
    /// Ciphertext bytes: the next multiple of 16.
    pub sealed_size: u64,
    /// Parts of 1 MiB of ciphertext.
    pub parts: u32,
    /// What the manifest names.
    pub hash: EnvelopeHash,
}

impl SealedFile {
    /// A file of `size` bytes of plaintext under `fields`, by the SHA-256 of each [`PART`] of its ciphertext, in their order.
    #[must_use]
    pub fn of_parts(
        fields: &EncryptionFields,
        size: u64,
        hashes: impl IntoIterator<Item = [u8; 32]>,
    ) -> Self {
        let mut hasher = FileHasher::new(fields);
        hashes.into_iter().for_each(|hash| hasher.part_hash(&hash));
        let (hash, parts) = hasher.finish();
        Self { size, sealed_size: (size / BLOCK as u64 + 1) * BLOCK as u64, parts, hash }
    }

    /// The same of a ciphertext in memory: of a file that MOB itself sealed, adopted under a manifest.
    #[must_use]
    pub fn of_ciphertext(fields: &EncryptionFields, size: u64, sealed: &[u8]) -> Self {
        Self::of_parts(fields, size, sealed.chunks(PART).map(sha256))
    }
}

impl SharedKeyAndIv {
    /// Draws both, and encrypts each to the organisation's key, published as `key_id` in `key_version`.
    #[must_use]
    pub fn create(recipient: &MobPublicKey, key_id: &str, key_version: u32) -> Self {
        Self::with(Secret::random(), Secret::random(), recipient, key_id, key_version)
    }

    /// The fields that go with the subscription.
    #[must_use]
    pub fn fields(&self) -> &EncryptionFields {
        &self.fields
    }

    /// Begins a file.
    #[must_use]
    pub fn file(&self) -> FileSealer {
        FileSealer { cipher: self.cipher(), size: 0 }
    }

    pub(super) fn with(
        key: Secret<32>,
        iv: Secret<16>,
        recipient: &MobPublicKey,
        key_id: &str,
        key_version: u32,
    ) -> Self {
        let fields = EncryptionFields {
            key_id: key_id.to_owned(),
            key_version,
            aes_key: recipient.encrypt(key.expose()),
            iv: recipient.encrypt(iv.expose()),
        };
        Self { key, iv, fields }
    }

    fn cipher(&self) -> StreamingEncryptingKey {
        let context = EncryptionContext::Iv128(FixedLength::from(self.iv.expose()));
        #[expect(clippy::expect_used, reason = "only fails on a key or an IV of another length")]
        let cipher = UnboundCipherKey::new(&AES_256, self.key.expose())
            .and_then(|key| StreamingEncryptingKey::less_safe_cbc_pkcs7(key, context))
            .expect("a key of 32 bytes and an IV of 16");
        cipher
    }
}

impl std::fmt::Debug for SharedKeyAndIv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedKeyAndIv({} version {}, redacted)", self.fields.key_id, self.fields.key_version)
    }
}

/// Seals one file from bytes that are pushed in. Whoever stores the ciphertext hashes its parts, for [`SealedFile::of_parts`].
pub struct FileSealer {
    cipher: StreamingEncryptingKey,
    size: u64,
}

impl FileSealer {
    /// Takes plaintext in, cut anyhow, and appends the ciphertext that is ready.
    pub fn update(&mut self, plain: &[u8], sealed: &mut Vec<u8>) {
        for piece in plain.chunks(CHUNK) {
            push(&mut self.cipher, piece, sealed);
        }
        self.size += plain.len() as u64;
    }

    /// Appends the last block, which is always there; the bytes of plaintext that were sealed.
    pub fn finish(self, sealed: &mut Vec<u8>) -> u64 {
        let mut last = [0; BLOCK];
        let length = finish(self.cipher, &mut last);
        sealed.extend_from_slice(last.get(..length).unwrap_or_default());
        self.size
    }
}

impl std::fmt::Debug for FileSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSealer({} bytes so far)", self.size)
    }
}

fn push(cipher: &mut StreamingEncryptingKey, piece: &[u8], sealed: &mut Vec<u8>) {
    let start = sealed.len();
    sealed.resize(start + piece.len() + BLOCK, 0);
    #[expect(clippy::expect_used, reason = "only fails on an output that is too short or a piece of 2 GiB")]
    let written = cipher
        .update(piece, sealed.get_mut(start..).unwrap_or_default())
        .expect("the output has room for a block more")
        .written()
        .len();
    sealed.truncate(start + written);
}

fn finish(cipher: StreamingEncryptingKey, last: &mut [u8; BLOCK]) -> usize {
    #[expect(clippy::expect_used, reason = "only fails on an output that is shorter than a block")]
    let (_, update) = cipher.finish(last).expect("a whole block of room");
    update.written().len()
}
