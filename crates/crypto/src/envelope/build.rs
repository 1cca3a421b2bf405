//! Making an envelope.

use super::segment::{Sealer, StreamKey};
use super::{FixedHeader, MAX_BODY, MAX_RECIPIENTS, Metadata, OpenedHeader, SealError, UnverifiedHeader};
use crate::{Cek, FileId, KeyError, Label, RecipientKey, Stanza, hmac, random, wrap_cek};

/// An envelope being made: its header, ready to be sent, and the sealer of its one content.
#[derive(Debug)]
pub struct NewEnvelope {
    /// The header, which the sender may also read.
    pub header: OpenedHeader,
    /// Seals the segments, in order.
    pub sealer: Sealer,
}

impl NewEnvelope {
    /// Draws a content key and a file id, and wraps the key to each recipient.
    ///
    /// # Errors
    /// [`SealError`]: no recipient, too many, or one twice.
    pub fn create(metadata: Metadata, recipients: &[RecipientKey]) -> Result<Self, SealError> {
        Self::create_for_file(FileId::random(), metadata, recipients)
    }

    /// The same, for a file id that was drawn before (where an upload was announced under it).
    ///
    /// # Errors
    /// [`SealError`]: no recipient, too many, or one twice.
    pub fn create_for_file(
        file: FileId,
        metadata: Metadata,
        recipients: &[RecipientKey],
    ) -> Result<Self, SealError> {
        let cek = Cek::random();
        let stanzas = wrap_all(recipients, &file, &cek)?;
        Ok(Self::from_choices(cek, file, &stanzas, metadata, random(), &random(), &random()))
    }

    /// Under a datum's data key, which the element gave out and wrapped (suite 0x0003).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless the wrapped key has 1 to 4,096 bytes.
    pub fn under(
        data_key: Cek,
        datum: [u8; 32],
        wrapped: Vec<u8>,
        metadata: Metadata,
    ) -> Result<Self, KeyError> {
        let stanza = Stanza::of_datum(datum, wrapped)?;
        let file = FileId::random();
        Ok(Self::from_choices(data_key, file, &[stanza], metadata, random(), &random(), &random()))
    }

    /// With every random choice given: for the vectors.
    pub(crate) fn from_choices(
        cek: Cek,
        file: FileId,
        stanzas: &[Stanza],
        metadata: Metadata,
        metadata_nonce: [u8; 12],
        salt: &[u8; 32],
        nonce_prefix: &[u8; 7],
    ) -> Self {
        let fixed = FixedHeader::new(file, &cek);
        let sealed_metadata = metadata.seal(&cek, &fixed, metadata_nonce);
        let bytes = assemble(&cek, &fixed, stanzas, &sealed_metadata);
        #[expect(
            clippy::expect_used,
            reason = "wrap_all, Stanza::of_datum and Metadata keep every limit that the parser checks"
        )]
        let header = UnverifiedHeader::parse(&bytes).expect("a header that was just made");
        let sealer = Sealer::new(StreamKey::new(&cek, &fixed, salt, nonce_prefix));
        Self { header: OpenedHeader::new(header, metadata, cek), sealer }
    }
}

/// Wraps to each recipient.
pub(super) fn wrap_all(
    recipients: &[RecipientKey],
    file: &FileId,
    cek: &Cek,
) -> Result<Vec<Stanza>, SealError> {
    match recipients.len() {
        0 => return Err(SealError::NoRecipient),
        1..=MAX_RECIPIENTS => {}
        _ => return Err(SealError::TooManyRecipients),
    }
    for (i, recipient) in recipients.iter().enumerate() {
        if recipients.iter().take(i).any(|other| other == recipient) {
            return Err(SealError::DuplicateRecipient);
        }
    }
    Ok(recipients.iter().map(|recipient| wrap_cek(recipient, file, cek)).collect())
}

/// `fixed ‖ length ‖ body ‖ mac`.
pub(super) fn assemble(cek: &Cek, fixed: &FixedHeader, stanzas: &[Stanza], metadata: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(stanzas.len() * 1300 + metadata.len());
    body.extend_from_slice(&length_16(stanzas.len()));
    for stanza in stanzas {
        body.extend_from_slice(&stanza.suite.to_be_bytes());
        body.extend_from_slice(stanza.key_id.as_bytes());
        body.extend_from_slice(&length_16(stanza.wrapped.len()));
        body.extend_from_slice(&stanza.wrapped);
    }
    body.extend_from_slice(metadata);
    debug_assert!(body.len() <= MAX_BODY, "256 stanzas of our suites and the longest metadata fit");
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let fixed = fixed.to_bytes();
    let mac = hmac(cek.derive(Label::EnvelopeHeader).expose(), &[&fixed, &length, &body]);
    [fixed.as_slice(), &length, &body, &mac].concat()
}

fn length_16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}
