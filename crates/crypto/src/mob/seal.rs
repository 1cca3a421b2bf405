//! Sealing the files of a dossier as they come, in constant memory.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use aws_lc_rs::cipher::{AES_256, EncryptionContext, StreamingEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroize;

use super::hash::FileHasher;
use super::{BLOCK, CHUNK, EncryptionFields, MobPublicKey};
use crate::Secret;
use crate::envelope::EnvelopeHash;

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
    /// Of a file that somebody else sealed: what MOB itself made, adopted under a manifest. `size` is the plaintext's.
    #[must_use]
    pub fn of_ciphertext(fields: &EncryptionFields, size: u64, sealed: &[u8]) -> Self {
        let mut hasher = FileHasher::new(fields);
        hasher.update(sealed);
        let (hash, parts) = hasher.finish();
        Self { size, sealed_size: sealed.len() as u64, parts, hash }
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
        FileSealer { cipher: self.cipher(), hasher: FileHasher::new(&self.fields), size: 0, sealed_size: 0 }
    }

    /// Seals all that `reader` gives. Hashes on a second thread, since neither CBC nor SHA-256 can be split.
    ///
    /// # Errors
    /// What reading or writing says; what was written so far is not a file then.
    pub fn seal_stream(&self, reader: impl Read, writer: impl Write) -> io::Result<SealedFile> {
        let (filled, to_hash) = sync_channel::<Vec<u8>>(4);
        let (done, empty) = sync_channel::<Vec<u8>>(8);
        std::thread::scope(|scope| {
            let mut hasher = FileHasher::new(&self.fields);
            let hashing = scope.spawn(move || {
                for buffer in to_hash {
                    hasher.update(&buffer);
                    let _: Result<_, _> = done.try_send(buffer);
                }
                hasher.finish()
            });
            let sealed = encrypt(self.cipher(), reader, writer, &filled, &empty);
            drop(filled);
            let hashed = hashing.join().map_err(|_| io::Error::other("the hashing thread ended early"));
            let ((size, sealed_size), (hash, parts)) = (sealed?, hashed?);
            Ok(SealedFile { size, sealed_size, parts, hash })
        })
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

/// Seals one file from bytes that are pushed in.
pub struct FileSealer {
    cipher: StreamingEncryptingKey,
    hasher: FileHasher,
    size: u64,
    sealed_size: u64,
}

impl FileSealer {
    /// Takes plaintext in, cut anyhow, and appends the ciphertext that is ready.
    pub fn update(&mut self, plain: &[u8], sealed: &mut Vec<u8>) {
        let start = sealed.len();
        for piece in plain.chunks(CHUNK) {
            push(&mut self.cipher, piece, sealed);
        }
        self.take(plain.len(), sealed.get(start..).unwrap_or_default());
    }

    /// Appends the last block, which is always there, and says what was sealed.
    #[must_use]
    pub fn finish(mut self, sealed: &mut Vec<u8>) -> SealedFile {
        let mut last = [0; BLOCK];
        let length = finish(self.cipher, &mut last);
        let block = last.get(..length).unwrap_or_default();
        sealed.extend_from_slice(block);
        self.hasher.update(block);
        let (hash, parts) = self.hasher.finish();
        SealedFile { size: self.size, sealed_size: self.sealed_size + length as u64, parts, hash }
    }

    fn take(&mut self, plain: usize, sealed: &[u8]) {
        self.hasher.update(sealed);
        self.size += plain as u64;
        self.sealed_size += sealed.len() as u64;
    }
}

impl std::fmt::Debug for FileSealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileSealer({} bytes so far)", self.size)
    }
}

/// Plaintext and ciphertext bytes. Each piece of ciphertext is written, then handed to the hashing thread.
fn encrypt(
    mut cipher: StreamingEncryptingKey,
    mut reader: impl Read,
    mut writer: impl Write,
    filled: &SyncSender<Vec<u8>>,
    empty: &Receiver<Vec<u8>>,
) -> io::Result<(u64, u64)> {
    let (mut size, mut sealed_size) = (0, 0);
    let mut plain = Plain(vec![0; CHUNK]);
    loop {
        let read = match reader.read(&mut plain.0) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let mut sealed = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK + BLOCK));
        sealed.clear();
        if read > 0 {
            push(&mut cipher, plain.0.get(..read).unwrap_or_default(), &mut sealed);
        } else {
            let mut last = [0; BLOCK];
            let length = finish(cipher, &mut last);
            sealed.extend_from_slice(last.get(..length).unwrap_or_default());
            sealed_size += send(sealed, &mut writer, filled)?;
            writer.flush()?;
            return Ok((size, sealed_size));
        }
        size += read as u64;
        sealed_size += send(sealed, &mut writer, filled)?;
    }
}

fn send(sealed: Vec<u8>, writer: &mut impl Write, filled: &SyncSender<Vec<u8>>) -> io::Result<u64> {
    writer.write_all(&sealed)?;
    let length = sealed.len() as u64;
    filled.send(sealed).map_err(|_| io::Error::other("the hashing thread ended early"))?;
    Ok(length)
}

/// A buffer of plaintext, wiped when it goes.
struct Plain(Vec<u8>);

impl Drop for Plain {
    fn drop(&mut self) {
        self.0.zeroize();
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
