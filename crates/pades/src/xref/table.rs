//! A table of cross-references, as text (ISO 32000-1 §7.5.4).

use super::{Entry, HIGHEST, Section, sorted};
use crate::{
    document::{dictionary_at, misread},
    error::PdfError,
    parse::{Parser, Unread},
    source::{Source, window},
};

/// What is read of a table at once: entries are of 20 bytes.
const PIECE: u64 = 256 << 10;

pub(super) fn read(
    source: &(impl Source + ?Sized),
    at: u64,
    end: u64,
    most: usize,
) -> Result<Section, PdfError> {
    let mut lines = Lines { source, at, end, bytes: Vec::new(), used: 0 };
    lines.take(|parser| parser.expect("xref", "there are no cross-references where they should be"))?;
    let mut entries = Vec::new();
    while let Some((first, count)) = lines.take(heading)? {
        // Some writers count from 1 what they list from 0.
        let mut shift = 0;
        for place in 0..count {
            let (offset, generation, kind) = lines.take(entry)?;
            if place == 0 && first == 1 && kind == b'f' && offset == 0 && generation == 65535 {
                shift = 1;
            }
            let number = u32::try_from(first + place - shift).ok().filter(|number| *number <= HIGHEST);
            let number = number.ok_or(PdfError::TooMuch("objects"))?;
            if entries.len() >= most {
                return Err(PdfError::TooMuch("objects"));
            }
            let generation = u16::try_from(generation).ok();
            let entry = match (kind, generation) {
                (b'n', Some(generation)) => Entry::At { offset, generation },
                _ => Entry::Free,
            };
            entries.push((number, entry));
        }
    }
    let behind = lines.at + lines.used as u64;
    let (trailer, _) = dictionary_at(source, behind, end)?;
    Ok(Section { at, trailer, entries: sorted(entries, at)?, is_stream: false })
}

/// `first count`, or the word `trailer`.
fn heading(parser: &mut Parser<'_>) -> Result<Option<(u64, u64)>, Unread> {
    let start = parser.at();
    if parser.word()? == b"trailer" {
        return Ok(None);
    }
    parser.go_to(start);
    let first = parser.unsigned()?;
    Ok(Some((first.min(u64::from(u32::MAX)), parser.unsigned()?.min(u64::from(u32::MAX)))))
}

fn entry(parser: &mut Parser<'_>) -> Result<(u64, u64, u8), Unread> {
    let (offset, generation) = (parser.unsigned()?, parser.unsigned()?);
    match parser.word()? {
        b"n" => Ok((offset, generation, b'n')),
        b"f" => Ok((offset, generation, b'f')),
        _ => Err(Unread::Wrong("its cross-references have an entry that is none")),
    }
}

/// Text that is read piece by piece.
struct Lines<'a, S: ?Sized> {
    source: &'a S,
    /// Where the piece begins.
    at: u64,
    end: u64,
    bytes: Vec<u8>,
    used: usize,
}

impl<S: Source + ?Sized> Lines<'_, S> {
    /// Reads the next words, from the next piece where this one ends before them.
    fn take<T>(&mut self, read: impl Fn(&mut Parser<'_>) -> Result<T, Unread>) -> Result<T, PdfError> {
        loop {
            let behind = self.at + self.bytes.len() as u64;
            let last = behind >= self.end;
            let mut parser = Parser::new(&self.bytes, last);
            parser.go_to(self.used);
            match read(&mut parser) {
                Ok(value) => {
                    self.used = parser.at();
                    return Ok(value);
                }
                Err(Unread::Short) if !last => {
                    let from = self.at + self.used as u64;
                    let next = window(self.source, from..self.end.min(from + PIECE))?;
                    // No words are as long as a piece, unless it is all blank.
                    if next.len() <= self.bytes.len() - self.used {
                        return Err(PdfError::damaged("its cross-references do not end", from));
                    }
                    (self.at, self.bytes, self.used) = (from, next, 0);
                }
                Err(why) => return Err(misread(why, self.at + self.used as u64)),
            }
        }
    }
}
