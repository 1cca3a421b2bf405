//! Why an envelope cannot be made or opened. The codes are in `docs/envelope.md`; the browser's code gives the same ones.

use crate::UnwrapError;

/// An envelope cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It does not begin like an envelope.
    #[error("this is not a sealed file: choose the file that was sent")]
    NotAnEnvelope,
    /// Made in a version that this reader does not know.
    #[error("sealed in version {0} of the format, which this reader does not know: upgrade the reader")]
    Version(u8),
    /// Content suite that this reader does not know.
    #[error("sealed with content suite {0}, which this reader does not know: upgrade the reader")]
    ContentSuite(u16),
    /// The header ends too early.
    #[error("the header is cut short: fetch the file again")]
    HeaderTruncated,
    /// The header breaks a rule of the format.
    #[error(
        "the header is malformed: the file was damaged, or made by a faulty program; ask its sender again"
    )]
    HeaderMalformed,
    /// No stanza for this key.
    #[error("this envelope was not sealed for this key: open it with the recipient's")]
    NotARecipient,
    /// The wrapped content key does not unwrap.
    #[error(transparent)]
    Unwrap(#[from] UnwrapError),
    /// The content key is not the one that the envelope commits to.
    #[error("the content key is not this envelope's: it was altered, or wrapped wrongly by its sender")]
    Commitment,
    /// The header does not authenticate.
    #[error("the header was altered after sealing: do not trust this file, ask its sender again")]
    HeaderForged,
    /// Name and type do not authenticate, or break a rule.
    #[error("the file's name and type were altered or are not acceptable: ask its sender again")]
    Metadata,
    /// The stream header is not one.
    #[error("the content does not begin as it should: the file was damaged, fetch it again")]
    StreamHeader,
    /// The content ends where no segment can.
    #[error("the content is cut short: fetch the file again")]
    StreamTruncated,
    /// A segment does not authenticate in its place: altered, moved, or the last one is missing.
    #[error(
        "part {index} was altered, moved or cut off: nothing after it can be trusted, fetch the file again"
    )]
    Segment {
        /// Index of the part.
        index: u32,
    },
    /// More content than an envelope can hold, or content after the end.
    #[error("the content is longer than an envelope can be: the file was damaged, fetch it again")]
    StreamTooLong,
}

impl OpenError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnEnvelope => "header_not_an_envelope",
            Self::Version(_) => "header_version",
            Self::ContentSuite(_) => "header_content_suite",
            Self::HeaderTruncated => "header_truncated",
            Self::HeaderMalformed => "header_malformed",
            Self::NotARecipient => "envelope_not_a_recipient",
            Self::Unwrap(error) => error.code(),
            Self::Commitment => "envelope_commitment",
            Self::HeaderForged => "header_forged",
            Self::Metadata => "metadata_refused",
            Self::StreamHeader => "stream_header",
            Self::StreamTruncated => "stream_truncated",
            Self::Segment { .. } => "segment_refused",
            Self::StreamTooLong => "stream_too_long",
        }
    }
}

/// An envelope cannot be made: the caller's to correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Nobody could open it.
    #[error("an envelope needs a recipient: name at least one")]
    NoRecipient,
    /// More than 256 recipients, or wrapped keys that do not fit.
    #[error("too many recipients: at most 256 per envelope")]
    TooManyRecipients,
    /// The same key twice.
    #[error("a recipient is named twice: name each once")]
    DuplicateRecipient,
    /// Not an acceptable file name.
    #[error("not a file name: 1 to 255 bytes, without slash, backslash or control character")]
    Name,
    /// Not an acceptable media type.
    #[error("not a media type: 1 to 127 printable ASCII characters")]
    MediaType,
    /// A segment of the wrong size.
    #[error("a segment must be full unless it is the last, and not empty unless it is the only one")]
    SegmentSize,
    /// Sealing after the last segment.
    #[error("the last segment is already sealed")]
    Finished,
    /// More than 2^32 segments.
    #[error("the file is too large for one envelope: at most 4 PiB")]
    TooLarge,
}

impl SealError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRecipient => "seal_no_recipient",
            Self::TooManyRecipients => "seal_too_many_recipients",
            Self::DuplicateRecipient => "seal_duplicate_recipient",
            Self::Name => "seal_name",
            Self::MediaType => "seal_media_type",
            Self::SegmentSize => "seal_segment_size",
            Self::Finished => "seal_finished",
            Self::TooLarge => "seal_too_large",
        }
    }
}
