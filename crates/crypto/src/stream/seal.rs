//! Sealing a stream.

use std::io::{Read, Write};

use super::parts::{Buffer, Part, Pieces};
use super::{StreamError, StreamOptions, pipeline};
use crate::envelope::{EnvelopeHash, Metadata, NewEnvelope, STREAM_HEADER, SealError, Sealer, StreamLayout};
use crate::{FileId, RecipientKey, sha256};

/// What was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Which file version it is.
    pub file_id: FileId,
    /// Plaintext bytes.
    pub size: u64,
    /// Number of parts.
    pub parts: u64,
    /// Its hash, if asked for.
    pub hash: Option<EnvelopeHash>,
}

/// Seals all that `reader` gives, to `recipients`, and writes the envelope.
///
/// # Errors
/// [`StreamError`]; what was written so far is not an envelope then.
pub fn seal_stream(
    reader: impl Read + Send,
    mut writer: impl Write,
    recipients: &[RecipientKey],
    metadata: Metadata,
    options: StreamOptions<'_>,
) -> Result<Sealed, StreamError> {
    let envelope = NewEnvelope::create(metadata, recipients)?;
    writer.write_all(envelope.header.as_bytes()).map_err(StreamError::Write)?;
    seal_content(envelope, reader, writer, options)
}

/// Seals all that `reader` gives and writes the content stream only; the header is the caller's to send.
///
/// # Errors
/// [`StreamError`]; what was written so far is not a stream then.
pub fn seal_content(
    envelope: NewEnvelope,
    reader: impl Read + Send,
    mut writer: impl Write,
    mut options: StreamOptions<'_>,
) -> Result<Sealed, StreamError> {
    let NewEnvelope { header, sealer } = envelope;
    let mut pieces = Pieces::new(reader);
    let mut next = sealer.next_index()?;
    let read = |bytes: Buffer| {
        let index = next.ok_or(SealError::TooLarge)?;
        next = index.checked_add(1);
        read_segment(&mut pieces, index, bytes)
    };
    let hash = options.hash;
    let work = |part: Part| seal_part(&sealer, part, hash);
    let mut hasher = header.hasher();
    let (mut size, mut parts) = (0, 0);
    let write = |part: &Part| {
        writer
            .write_all(part.bytes.get(part.output.clone()).unwrap_or_default())
            .map_err(StreamError::Write)?;
        part.hash.iter().for_each(|hash| hasher.part_hash(hash));
        size += part.plaintext as u64;
        parts += 1;
        if let Some(progress) = options.progress.as_mut() {
            progress(size);
        }
        Ok(())
    };
    pipeline::run(read, work, write, options.workers)?;
    writer.flush().map_err(StreamError::Write)?;
    Ok(Sealed { file_id: header.fixed().file_id(), size, parts, hash: hash.then(|| hasher.finish()) })
}

/// Leaves room for the stream header before the first segment's plaintext.
fn read_segment(pieces: &mut Pieces<impl Read>, index: u32, mut bytes: Buffer) -> Result<Part, StreamError> {
    let start = if index == 0 { STREAM_HEADER } else { 0 };
    bytes.extend_from_slice([0; STREAM_HEADER].get(..start).unwrap_or_default());
    let last = pieces.next(&mut bytes, StreamLayout::segment_size(index)).map_err(StreamError::Read)?;
    let plaintext = bytes.len() - start;
    Ok(Part { index, last, bytes, output: 0..0, plaintext, hash: None })
}

fn seal_part(sealer: &Sealer, mut part: Part, hash: bool) -> Result<Part, StreamError> {
    let start = part.bytes.len() - part.plaintext;
    let (head, text) = part.bytes.split_at_mut(start);
    if !head.is_empty() {
        head.copy_from_slice(sealer.stream_header());
    }
    let tag = sealer.stream().seal(part.index, part.last, text)?;
    part.bytes.extend_from_slice(&tag);
    part.output = 0..part.bytes.len();
    part.hash = hash.then(|| sha256(&part.bytes));
    Ok(part)
}
