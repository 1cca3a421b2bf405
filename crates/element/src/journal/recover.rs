//! Reading a journal back: every frame is held to the chain; an interrupted write at the very end is cut off, and damage
//! anywhere else refuses.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sceau_trace::{Hash, Record};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::frame::{self, HEADER, Header};
use super::{EARLIER, Journal, JournalError, MAGIC, Place, failed, place, with_private_mode};
use crate::event::SealedEvent;

/// A journal that was read back.
#[derive(Debug)]
pub struct Recovered {
    /// The journal, open for appending after its last whole frame.
    pub journal: Journal,
    /// The checkpoint of the last frame; none when there is no frame.
    pub checkpoint: Option<String>,
    /// Bytes of an interrupted write that were cut off, and kept in a file beside the journal.
    pub cut: u64,
}

/// Reads a journal and hands each batch, with the places of its events and its checkpoint, to `batch`; what that
/// says is wrong refuses the journal.
///
/// # Errors
/// [`JournalError`].
pub fn recover(
    path: &Path,
    mut batch: impl FnMut(&[(SealedEvent, Place)], &str) -> Result<(), String>,
) -> Result<Recovered, JournalError> {
    let options = File::options().read(true).append(true).clone();
    let file = with_private_mode(options).open(path).map_err(failed(path, "opening it"))?;
    let mut frames = Frames::open(path, &file)?;
    let mut checkpoint = None;
    while let Some((start, body)) = frames.next_frame()? {
        let inconsistent =
            |reason: String| JournalError::Inconsistent { path: path.to_owned(), offset: start, reason };
        let (note, events) =
            frame::decode_body(&body).ok_or_else(|| inconsistent("it is of another version".to_owned()))?;
        let base = start + HEADER as u64;
        let events: Vec<_> = events.into_iter().map(|(event, at)| (event, place(base, &at))).collect();
        batch(&events, note).map_err(inconsistent)?;
        checkpoint = Some(note.to_owned());
    }
    let Frames { end, batch, chain, length, .. } = frames;
    if length > end {
        cut_off(path, &file, end)?;
    }
    Ok(Recovered { journal: Journal::at(path, file, end, batch, chain), checkpoint, cut: length - end })
}

/// Whether there is no journal; one of an earlier version, or something else of that name, is an error.
///
/// # Errors
/// [`JournalError`].
pub(crate) fn is_missing(path: &Path) -> Result<bool, JournalError> {
    if !path.exists() {
        return Ok(true);
    }
    let file = File::open(path).map_err(failed(path, "opening it"))?;
    Frames::open(path, &file).map(|_| false)
}

/// How far a journal goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many entries it has.
    pub entries: u64,
    /// When the last one was recorded (Unix milliseconds).
    pub last: Option<u64>,
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at =
            self.last.and_then(|last| OffsetDateTime::from_unix_timestamp((last / 1000).cast_signed()).ok());
        match at.and_then(|at| at.format(&Rfc3339).ok()) {
            Some(at) => write!(f, "{} entries, the last one of {at}", self.entries),
            None => write!(f, "{} entries", self.entries),
        }
    }
}

/// How far a journal goes, as far as it can be read: a start says what is wrong with the rest.
pub(super) fn extent(path: &Path) -> Extent {
    let mut extent = Extent::default();
    let Ok(file) = File::open(path) else { return extent };
    let Ok(mut frames) = Frames::open(path, &file) else { return extent };
    while let Ok(Some((_, body))) = frames.next_frame() {
        let events = frame::decode_body(&body).map(|(_, events)| events).unwrap_or_default();
        extent.entries += events.len() as u64;
        let last = events.last().and_then(|(event, _)| Record::parse(&event.leaf).ok());
        extent.last = last.map(|record| record.time()).or(extent.last);
    }
    extent
}

/// Cuts an interrupted write off, but keeps its bytes beside the journal: a last frame that was whole once and whose disk
/// then failed looks the same, and someone may want to look.
fn cut_off(path: &Path, file: &File, end: u64) -> Result<(), JournalError> {
    let kept = path.with_file_name(format!("journal.cut-at-{end}"));
    let mut rest = Vec::new();
    let mut source = file;
    source.seek(SeekFrom::Start(end)).map_err(failed(path, "reading"))?;
    source.read_to_end(&mut rest).map_err(failed(path, "reading"))?;
    let options = with_private_mode(File::options().write(true).create(true).truncate(true).clone());
    let mut copy = options.open(&kept).map_err(failed(&kept, "creating it"))?;
    copy.write_all(&rest).and_then(|()| copy.sync_all()).map_err(failed(&kept, "writing"))?;
    file.set_len(end).map_err(failed(path, "cutting off an interrupted write"))?;
    file.sync_all().map_err(failed(path, "syncing"))
}

/// The frames of a file, one after the other.
struct Frames<'a> {
    path: &'a Path,
    source: BufReader<&'a File>,
    length: u64,
    end: u64,
    batch: u64,
    chain: Hash,
}

impl<'a> Frames<'a> {
    fn open(path: &'a Path, file: &'a File) -> Result<Self, JournalError> {
        let length = file.metadata().map_err(failed(path, "reading"))?.len();
        let mut source = BufReader::with_capacity(1 << 20, file);
        let mut magic = [0; MAGIC.len()];
        let whole = source.read_exact(&mut magic);
        if whole.is_ok() && magic == EARLIER {
            return Err(JournalError::Earlier(path.to_owned()));
        }
        if whole.is_err() || magic != MAGIC {
            return Err(JournalError::Foreign(path.to_owned()));
        }
        let end = MAGIC.len() as u64;
        Ok(Self { path, source, length, end, batch: 0, chain: sceau_trace::sha256(MAGIC) })
    }

    /// The next whole frame with its offset; none at the end, or where an interrupted write begins.
    fn next_frame(&mut self) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
        let start = self.end;
        let Some(header) = self.read_header()? else { return self.end_or_damage(start) };
        if self.length - start - (HEADER as u64) < u64::from(header.length) {
            return self.end_or_damage(start);
        }
        let mut body = vec![0; header.length as usize];
        self.source.read_exact(&mut body).map_err(failed(self.path, "reading"))?;
        if header.batch != self.batch || !header.matches(&self.chain, &body) {
            return self.end_or_damage(start);
        }
        self.end = start + HEADER as u64 + u64::from(header.length);
        self.batch += 1;
        self.chain = header.chain;
        Ok(Some((start, body)))
    }

    fn read_header(&mut self) -> Result<Option<Header>, JournalError> {
        if self.length - self.end < HEADER as u64 {
            return Ok(None);
        }
        let mut bytes = [0; HEADER];
        self.source.read_exact(&mut bytes).map_err(failed(self.path, "reading"))?;
        Ok(Header::parse(&bytes))
    }

    /// What is not a frame is an interrupted write when nothing whole follows it; writes are one after the other, each
    /// on disk before the next begins.
    fn end_or_damage(&mut self, start: u64) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
        let follows = self.header_after(start + 1).map_err(failed(self.path, "reading"))?;
        if follows {
            return Err(JournalError::Damaged { path: self.path.to_owned(), offset: start });
        }
        Ok(None)
    }

    /// Whether the header of a later frame is anywhere from `offset` on.
    fn header_after(&mut self, offset: u64) -> io::Result<bool> {
        self.source.seek(SeekFrom::Start(offset))?;
        let mut window: Vec<u8> = Vec::with_capacity(2 << 20);
        loop {
            let read = self.source.by_ref().take(1 << 20).read_to_end(&mut window)?;
            let mut from = 0;
            while let Some(found) = window.get(from..).and_then(frame::find_start) {
                let candidate = window.get(from + found..).and_then(|bytes| bytes.first_chunk::<HEADER>());
                if candidate.and_then(Header::parse).is_some_and(|header| header.batch > self.batch) {
                    return Ok(true);
                }
                from += found + 1;
            }
            if read == 0 {
                return Ok(false);
            }
            // A header may lie across two reads.
            window.drain(..window.len().saturating_sub(HEADER - 1));
        }
    }
}
