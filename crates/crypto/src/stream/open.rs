//! Opening a stream.

use std::io::{Read, Write};

use super::parts::{Buffer, Part, Pieces};
use super::{StreamError, StreamOptions, pipeline};
use crate::envelope::{
    EnvelopeHash, FIXED, Metadata, OpenError, OpenedHeader, Opener, PART, STREAM_HEADER, UnverifiedHeader,
};
use crate::{RecipientPrivateKey, sha256};

/// What was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Name and type of the file.
    pub metadata: Metadata,
    /// Plaintext bytes.
    pub size: u64,
    /// The envelope's hash, if asked for.
    pub hash: Option<EnvelopeHash>,
}

/// Opens an envelope with a private key held in software, and writes the file.
///
/// # Errors
/// [`StreamError`]; what was written so far is authentic then, but not the file.
pub fn open_stream(
    mut reader: impl Read + Send,
    writer: impl Write,
    key: &RecipientPrivateKey,
    options: StreamOptions<'_>,
) -> Result<Opened, StreamError> {
    let header = read_header(&mut reader)?.unlock(key)?;
    open_content(&header, reader, writer, options)
}

/// Reads a header, and not a byte more, so that [`open_content`] goes on with the same reader.
///
/// # Errors
/// [`StreamError::Read`], or [`OpenError`] with a code `header-…`.
pub fn read_header(reader: &mut impl Read) -> Result<UnverifiedHeader, StreamError> {
    let mut bytes = Vec::with_capacity(4096);
    read_up_to(reader, &mut bytes, FIXED + 4)?;
    let length = UnverifiedHeader::length(&bytes)?;
    read_up_to(reader, &mut bytes, length)?;
    Ok(UnverifiedHeader::parse(&bytes)?)
}

/// Opens the content of an envelope whose header is proven; `reader` stands at the stream header.
///
/// # Errors
/// [`StreamError`]; what was written so far is authentic then, but not the file.
pub fn open_content(
    header: &OpenedHeader,
    mut reader: impl Read + Send,
    mut writer: impl Write,
    mut options: StreamOptions<'_>,
) -> Result<Opened, StreamError> {
    let mut stream_header = Vec::with_capacity(STREAM_HEADER);
    read_up_to(&mut reader, &mut stream_header, STREAM_HEADER)?;
    let opener = header.opener(&stream_header)?;
    let mut pieces = Pieces::new(reader);
    let mut next = Some(0);
    let read = |mut bytes: Buffer| {
        let index = next.ok_or(OpenError::StreamTooLong)?;
        next = u32::checked_add(index, 1);
        let head = if index == 0 { stream_header.as_slice() } else { &[] };
        bytes.extend_from_slice(head);
        let last = pieces.next(&mut bytes, PART - head.len()).map_err(StreamError::Read)?;
        Ok(Part { index, last, output: head.len()..head.len(), bytes, plaintext: 0, hash: None })
    };
    let hash = options.hash;
    let work = |part: Part| open_part(&opener, part, hash);
    let mut hasher = header.hasher();
    let mut size = 0;
    let write = |part: &Part| {
        writer
            .write_all(part.bytes.get(part.output.clone()).unwrap_or_default())
            .map_err(StreamError::Write)?;
        part.hash.iter().for_each(|hash| hasher.part_hash(hash));
        size += part.plaintext as u64;
        if let Some(progress) = options.progress.as_mut() {
            progress(size);
        }
        Ok(())
    };
    pipeline::run(read, work, write, options.workers)?;
    writer.flush().map_err(StreamError::Write)?;
    Ok(Opened { metadata: header.metadata().clone(), size, hash: hash.then(|| hasher.finish()) })
}

/// Fills `bytes` up to `length`, or to the end of the source.
fn read_up_to(reader: &mut impl Read, bytes: &mut Vec<u8>, length: usize) -> Result<(), StreamError> {
    let missing = length.saturating_sub(bytes.len()) as u64;
    reader.by_ref().take(missing).read_to_end(bytes).map_err(StreamError::Read)?;
    Ok(())
}

fn open_part(opener: &Opener, mut part: Part, hash: bool) -> Result<Part, StreamError> {
    part.hash = hash.then(|| sha256(&part.bytes));
    part.plaintext = opener.open_part(part.index, part.last, &mut part.bytes)?.len();
    part.output.end = part.output.start + part.plaintext;
    Ok(part)
}
