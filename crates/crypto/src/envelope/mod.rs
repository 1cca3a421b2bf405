//! The envelope `sceau-1`, without any I/O. Byte for byte: `docs/envelope.md`.

mod build;
mod error;
mod fixed;
mod hash;
mod header;
mod layout;
mod metadata;
mod reader;
mod segment;
#[cfg(test)]
mod vectors;

pub use build::NewEnvelope;
pub use error::{OpenError, SealError};
pub use fixed::FixedHeader;
pub use hash::{EnvelopeHash, EnvelopeHasher};
pub use header::{OpenedHeader, UnverifiedHeader};
pub use layout::StreamLayout;
pub use metadata::Metadata;
pub use segment::{Opener, Sealer};

/// Bytes of the fixed header.
pub const FIXED: usize = 56;
/// Bytes of the stream header.
pub const STREAM_HEADER: usize = 40;
/// Bytes of a part, but the last: the unit of upload and of hashing.
pub const PART: usize = 1 << 20;
/// Bytes of a segment's tag.
pub const TAG: usize = 16;
/// Longest header, in bytes.
pub const MAX_HEADER: usize = FIXED + 4 + MAX_BODY + MAC;
/// Most recipients of an envelope.
pub const MAX_RECIPIENTS: usize = 256;

const MAX_BODY: usize = 1 << 20;
pub(crate) const MAX_WRAPPED: usize = 4096;
const MIN_METADATA: usize = 28;
const MAX_METADATA: usize = 65_536;
const MAC: usize = 32;
