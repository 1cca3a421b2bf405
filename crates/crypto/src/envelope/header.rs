//! The header: parsed, then proven with the content key, then usable.

use super::segment::{Opener, StreamKey};
use super::{
    EnvelopeHasher, FIXED, FixedHeader, MAC, MAX_BODY, MAX_METADATA, MAX_RECIPIENTS, MAX_WRAPPED,
    MIN_METADATA, Metadata, OpenError, STREAM_HEADER, SealError, build, reader::Reader,
};
use crate::{Cek, KeyId, Label, RecipientKey, RecipientPrivateKey, RecipientSuite, Stanza, hmac_verify};

/// A header that has the right form. Nothing in it is proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedHeader {
    bytes: Vec<u8>,
    fixed: FixedHeader,
    stanzas: Vec<Stanza>,
    /// `length (4) ‖ nonce (12) ‖ ciphertext and tag`.
    metadata: Vec<u8>,
}

impl UnverifiedHeader {
    /// Parses a header that is `bytes` exactly.
    ///
    /// # Errors
    /// [`OpenError`] with a code `header-…`.
    pub fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        match Self::parse_prefix(bytes)? {
            (header, []) => Ok(header),
            _ => Err(OpenError::HeaderMalformed),
        }
    }

    /// Parses the header that `bytes` begin with; also returns the bytes after it (the stream).
    ///
    /// # Errors
    /// [`OpenError`] with a code `header-…`.
    pub fn parse_prefix(bytes: &[u8]) -> Result<(Self, &[u8]), OpenError> {
        let mut reader = Reader::new(bytes);
        let fixed = FixedHeader::parse(&mut reader)?;
        let length = body_length(reader.u32()?)?;
        let body = reader.take(length)?;
        reader.take(MAC)?;
        let (stanzas, metadata) = parse_body(body).map_err(|_| OpenError::HeaderMalformed)?;
        let (own, rest) = bytes.split_at(bytes.len() - reader.rest().len());
        Ok((Self { bytes: own.to_vec(), fixed, stanzas, metadata: metadata.to_vec() }, rest))
    }

    /// Length of the header that `start`, at least 60 bytes of it, begins.
    ///
    /// # Errors
    /// [`OpenError`] with a code `header-…`.
    pub fn length(start: &[u8]) -> Result<usize, OpenError> {
        let mut reader = Reader::new(start);
        FixedHeader::parse(&mut reader)?;
        Ok(FIXED + 4 + body_length(reader.u32()?)? + MAC)
    }

    /// The bytes that were parsed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The fixed header.
    #[must_use]
    pub fn fixed(&self) -> &FixedHeader {
        &self.fixed
    }

    /// The wrapped keys.
    #[must_use]
    pub fn stanzas(&self) -> &[Stanza] {
        &self.stanzas
    }

    /// The stanza of one recipient.
    ///
    /// # Errors
    /// [`OpenError::NotARecipient`].
    pub fn stanza_for(&self, suite: RecipientSuite, key: &KeyId) -> Result<&Stanza, OpenError> {
        let mine = |stanza: &&Stanza| stanza.suite == suite.number() && stanza.key_id == *key;
        self.stanzas.iter().find(mine).ok_or(OpenError::NotARecipient)
    }

    /// Starts the envelope hash, which needs no key.
    #[must_use]
    pub fn hasher(&self) -> EnvelopeHasher {
        EnvelopeHasher::new(&self.fixed, &self.metadata)
    }

    /// Proves the header with the content key: commitment, then mac, then metadata.
    ///
    /// # Errors
    /// [`OpenError::Commitment`], [`OpenError::HeaderForged`], [`OpenError::Metadata`].
    pub fn open_with(self, cek: Cek) -> Result<OpenedHeader, OpenError> {
        if !self.fixed.commits_to(&cek) {
            return Err(OpenError::Commitment);
        }
        let (authenticated, mac) = self.bytes.split_at(self.bytes.len() - MAC);
        let mac = mac.try_into().map_err(|_| OpenError::HeaderTruncated)?;
        if !hmac_verify(cek.derive(Label::EnvelopeHeader).expose(), &[authenticated], mac) {
            return Err(OpenError::HeaderForged);
        }
        let sealed = self.metadata.get(4..).unwrap_or_default();
        let metadata = Metadata::open(&cek, &self.fixed, sealed)?;
        Ok(OpenedHeader { header: self, metadata, cek })
    }

    /// Unwraps the content key with a private key held in software, and proves the header with it.
    ///
    /// # Errors
    /// [`OpenError`]: not a recipient, or what [`UnverifiedHeader::open_with`] gives.
    pub fn unlock(self, key: &RecipientPrivateKey) -> Result<OpenedHeader, OpenError> {
        let recipient = key.recipient_key();
        let stanza = self.stanza_for(recipient.suite(), &recipient.key_id())?;
        let cek = key.unwrap_cek(&self.fixed.file_id(), &stanza.wrapped)?;
        self.open_with(cek)
    }
}

/// A header whose content key, mac and metadata were verified, and that key.
#[derive(Debug)]
pub struct OpenedHeader {
    header: UnverifiedHeader,
    metadata: Metadata,
    cek: Cek,
}

impl OpenedHeader {
    pub(super) fn new(header: UnverifiedHeader, metadata: Metadata, cek: Cek) -> Self {
        Self { header, metadata, cek }
    }

    /// Name and type of the file.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The fixed header.
    #[must_use]
    pub fn fixed(&self) -> &FixedHeader {
        &self.header.fixed
    }

    /// The wrapped keys.
    #[must_use]
    pub fn stanzas(&self) -> &[Stanza] {
        &self.header.stanzas
    }

    /// The header's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.header.bytes
    }

    /// The content key.
    #[must_use]
    pub fn cek(&self) -> &Cek {
        &self.cek
    }

    /// Takes the content key out, to release it.
    #[must_use]
    pub fn into_cek(self) -> Cek {
        self.cek
    }

    /// Starts the envelope hash.
    #[must_use]
    pub fn hasher(&self) -> EnvelopeHasher {
        self.header.hasher()
    }

    /// Opens the content, whose first 40 bytes are `stream_header`.
    ///
    /// # Errors
    /// [`OpenError::StreamHeader`], [`OpenError::StreamTruncated`].
    pub fn opener(&self, stream_header: &[u8]) -> Result<Opener, OpenError> {
        let head: &[u8; STREAM_HEADER] = stream_header.first_chunk().ok_or(OpenError::StreamTruncated)?;
        StreamKey::parse(&self.cek, self.fixed(), head).map(Opener::new)
    }

    /// The header of the same envelope for other recipients. Content, hash and metadata do not change; whoever could
    /// open the old header still has the key.
    ///
    /// # Errors
    /// [`SealError`]: no recipient, too many, or one twice.
    pub fn rewrap(&self, recipients: &[RecipientKey]) -> Result<Vec<u8>, SealError> {
        let stanzas = build::wrap_all(recipients, &self.fixed().file_id(), &self.cek)?;
        Ok(build::assemble(&self.cek, self.fixed(), &stanzas, &self.header.metadata))
    }
}

fn body_length(length: u32) -> Result<usize, OpenError> {
    usize::try_from(length).ok().filter(|length| *length <= MAX_BODY).ok_or(OpenError::HeaderMalformed)
}

/// The stanzas, and the metadata with its length.
fn parse_body(body: &[u8]) -> Result<(Vec<Stanza>, &[u8]), OpenError> {
    let mut reader = Reader::new(body);
    let count = usize::from(reader.u16()?);
    if !(1..=MAX_RECIPIENTS).contains(&count) {
        return Err(OpenError::HeaderMalformed);
    }
    let mut stanzas: Vec<Stanza> = Vec::with_capacity(count);
    for _ in 0..count {
        let stanza = parse_stanza(&mut reader)?;
        if stanzas.iter().any(|other| (other.suite, other.key_id) == (stanza.suite, stanza.key_id)) {
            return Err(OpenError::HeaderMalformed);
        }
        stanzas.push(stanza);
    }
    let metadata = reader.rest();
    let length = usize::try_from(reader.u32()?).map_err(|_| OpenError::HeaderMalformed)?;
    if reader.rest().len() != length || !(MIN_METADATA..=MAX_METADATA).contains(&length) {
        return Err(OpenError::HeaderMalformed);
    }
    Ok((stanzas, metadata))
}

fn parse_stanza(reader: &mut Reader<'_>) -> Result<Stanza, OpenError> {
    let suite = reader.u16()?;
    let key_id = KeyId::from_bytes(reader.array()?);
    let length = usize::from(reader.u16()?);
    if !(1..=MAX_WRAPPED).contains(&length) {
        return Err(OpenError::HeaderMalformed);
    }
    Ok(Stanza { suite, key_id, wrapped: reader.take(length)?.to_vec() })
}
