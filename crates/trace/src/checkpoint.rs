use crate::note::VerifierKey;
use crate::{CheckpointError, Hash, Note, NoteError, NoteSignature, verify_consistency};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::ops::Deref;

const MAP_ROOT: &str = "map-root ";

/// A log's state (C2SP tlog-checkpoint): origin, size, root, and extension lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint of the log named `origin`, which is also the name of its key.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if !is_line(origin) {
            return Err(CheckpointError::Malformed("the origin is empty or has a control character"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size, root, extensions: Vec::new() })
    }

    /// Binds the root of the authenticated map at this size: the line `map-root <base64>`.
    pub fn with_map_root(self, root: Hash) -> Result<Self, CheckpointError> {
        self.with_extension(&format!("{MAP_ROOT}{}", STANDARD.encode(root)))
    }

    /// Adds an extension line.
    pub fn with_extension(mut self, line: &str) -> Result<Self, CheckpointError> {
        if !is_line(line) {
            return Err(CheckpointError::Malformed("an extension line is empty or has a control character"));
        }
        if let Some(root) = line.strip_prefix(MAP_ROOT) {
            decode_hash(root).ok_or(CheckpointError::Malformed("its map root"))?;
            if self.map_root().is_some() {
                return Err(CheckpointError::Malformed("it has two map roots"));
            }
        }
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree over them.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The root of the authenticated map after the last entry.
    pub fn map_root(&self) -> Option<Hash> {
        self.extensions.iter().find_map(|line| decode_hash(line.strip_prefix(MAP_ROOT)?))
    }

    /// All extension lines.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// The text that is signed.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Signs with `key`'s private half, which the closure uses on [`to_text`](Self::to_text)'s bytes (64-byte Ed25519).
    ///
    /// The result is verified under `key` before it is returned, so that a faulty signer is noticed at once.
    pub fn sign<E: From<CheckpointError>>(
        &self,
        key: &VerifierKey,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<VerifiedCheckpoint, E> {
        let text = self.to_text();
        let signature = sign(text.as_bytes())?;
        Ok(self.with_signature(key, signature)?)
    }

    /// The same in two steps, where signing is asynchronous: `signature` is over [`to_text`](Self::to_text)'s bytes.
    pub fn with_signature(
        &self,
        key: &VerifierKey,
        signature: [u8; 64],
    ) -> Result<VerifiedCheckpoint, CheckpointError> {
        let mut note = Note::unsigned(self.to_text())?;
        note.add(NoteSignature::new(key, signature.to_vec()))?;
        SignedCheckpoint { checkpoint: self.clone(), note }.verify(key)
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Malformed("the last line is not ended"))?;
        let mut lines = body.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Malformed("fewer than three lines"));
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = decimal(size).ok_or(CheckpointError::Malformed("its size"))?;
        let root = decode_hash(root).ok_or(CheckpointError::Malformed("its root"))?;
        lines.try_fold(Checkpoint::new(origin, size, root)?, Checkpoint::with_extension)
    }
}

/// A checkpoint as received: well formed, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a signed note whose text is a checkpoint.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        Ok(SignedCheckpoint { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// Checks that the log whose key this is signed it; its origin must be the key's name.
    pub fn verify(self, key: &VerifierKey) -> Result<VerifiedCheckpoint, CheckpointError> {
        if self.checkpoint.origin != key.name() {
            return Err(CheckpointError::WrongOrigin);
        }
        self.note.verify(key)?;
        Ok(VerifiedCheckpoint(self))
    }

    /// The signed note, with all of its signature lines.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// What it claims, unverified; for choosing the key.
    pub fn unverified(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

/// A checkpoint that the log's key signed. Reads as a [`Checkpoint`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint(SignedCheckpoint);

impl VerifiedCheckpoint {
    /// The signed note, with all of its signature lines.
    pub fn note(&self) -> &Note {
        self.0.note()
    }

    /// The same as it was received, to be sent on.
    pub fn into_signed(self) -> SignedCheckpoint {
        self.0
    }

    /// Checks that this checkpoint extends `older`, one of the same log: nothing that was logged then is gone or changed
    /// now. A failure is proof that the log forked, if `proof` is its honest answer: keep both checkpoints.
    pub fn extends(&self, older: &Self, proof: &[Hash]) -> Result<(), CheckpointError> {
        if self.origin() != older.origin() {
            return Err(CheckpointError::WrongOrigin);
        }
        verify_consistency(older.size(), self.size(), proof, &older.root(), &self.root())
            .map_err(CheckpointError::NotAnExtension)
    }

    /// The same, signed by its log alone: without the lines of witnesses and of others. Its bytes are the same whoever cosigned, and are what a time stamp is of.
    pub fn alone(&self, log: &VerifierKey) -> Result<Self, CheckpointError> {
        let mut note = Note::unsigned(self.to_text())?;
        note.add(self.note().signature_of(log)?.clone())?;
        SignedCheckpoint { checkpoint: self.0.checkpoint.clone(), note }.verify(log)
    }

    /// What a time stamp (RFC 3161) is of: SHA-256 of it, signed by its log alone, so that later cosignatures change nothing.
    pub fn imprint(&self, log: &VerifierKey) -> Result<Hash, CheckpointError> {
        Ok(crate::sha256(self.alone(log)?.note().to_string().as_bytes()))
    }

    pub(crate) fn with_line(mut self, line: NoteSignature) -> Result<Self, NoteError> {
        self.0.note.add(line)?;
        Ok(self)
    }
}

impl Deref for VerifiedCheckpoint {
    type Target = Checkpoint;

    fn deref(&self) -> &Checkpoint {
        &self.0.checkpoint
    }
}

fn is_line(line: &str) -> bool {
    !line.is_empty() && !line.bytes().any(|b| b < 0x20)
}

/// A decimal number without sign or leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

pub(crate) fn decode_hash(base64: &str) -> Option<Hash> {
    Hash::from_slice(&STANDARD.decode(base64).ok()?)
}
