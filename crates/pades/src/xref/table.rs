//! A table of cross-references, as text (ISO 32000-1 §7.5.4).

use super::{Entry, HIGHEST, Section, sorted};
use crate::{
    error::PdfError,
    parse::{Parser, Unread},
    reading::{Reading, misread},
    source::Source,
};

/// What is read of a table at once: entries are of 20 bytes.
const PIECE: u64 = 256 << 10;
const ENTRY: usize = 20;

/// Strictly as the standard has it: what readers make of anything else differs from one to the other.
pub(super) fn read<S: Source + ?Sized>(
    reading: Reading<'_, S>,
    at: u64,
    most: usize,
) -> Result<Section, PdfError> {
    let mut lines = Lines { reading, at, bytes: Vec::new(), used: 0 };
    lines.take(|parser| parser.expect("xref", "there are no cross-references where they should be"))?;
    let mut entries = Vec::new();
    while let Some((first, count)) = lines.take(heading)? {
        for place in 0..count {
            let (offset, generation, kind) = lines.take(entry)?;
            if place == 0 && first == 1 && (offset, generation, kind) == (0, 65535, b'f') {
                // Some readers count this from 0, and some do not.
                return Err(PdfError::damaged(
                    "its cross-references count from 1 what is counted from 0",
                    at,
                ));
            }
            let number = u32::try_from(first + place).ok().filter(|number| *number <= HIGHEST);
            let number = number.ok_or(PdfError::TooMuch("numbers of objects"))?;
            if entries.len() >= most {
                return Err(PdfError::TooMuch("numbers of objects"));
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
    let (trailer, until) = reading.dictionary_at(behind)?;
    Ok(Section { at, trailer, entries: sorted(entries, at)?, is_stream: false, until })
}

/// `first count` and what is blank behind it, or the word `trailer`.
fn heading(parser: &mut Parser<'_>) -> Result<Option<(u64, u64)>, Unread> {
    let blank = |parser: &mut Parser<'_>| match parser.blank() {
        Some(b'%') => Err(Unread::Wrong("its cross-references have a comment among them")),
        Some(_) => Ok(()),
        None => Err(Unread::Short),
    };
    blank(parser)?;
    let start = parser.at();
    if parser.word()? == b"trailer" {
        return Ok(None);
    }
    parser.go_to(start);
    let first = parser.unsigned()?;
    blank(parser)?;
    let count = parser.unsigned()?;
    blank(parser)?;
    Ok(Some((first.min(u64::from(u32::MAX)), count.min(u64::from(u32::MAX)))))
}

/// `oooooooooo ggggg n` and two bytes that end the line.
fn entry(parser: &mut Parser<'_>) -> Result<(u64, u64, u8), Unread> {
    let wrong = Unread::Wrong("its cross-references have an entry that is not one of 20 bytes");
    let line = parser.take(ENTRY)?;
    let number = |from: usize, to: usize| -> Option<u64> {
        let digits = line.get(from..to).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let (offset, generation) = number(0, 10).zip(number(11, 16)).ok_or(wrong)?;
    let kind = match line.get(17) {
        Some(kind @ (b'n' | b'f')) => *kind,
        _ => return Err(wrong),
    };
    let is_apart = line.get(10) == Some(&b' ') && line.get(16) == Some(&b' ');
    let ends = matches!(line.get(18..), Some(b" \r" | b" \n" | b"\r\n"));
    if is_apart && ends { Ok((offset, generation, kind)) } else { Err(wrong) }
}

/// Text that is read piece by piece.
struct Lines<'a, S: ?Sized> {
    reading: Reading<'a, S>,
    /// Where the piece begins.
    at: u64,
    bytes: Vec<u8>,
    used: usize,
}

impl<S: Source + ?Sized> Lines<'_, S> {
    /// Reads the next words, from the next piece where this one ends before them.
    fn take<T>(&mut self, read: impl Fn(&mut Parser<'_>) -> Result<T, Unread>) -> Result<T, PdfError> {
        loop {
            let behind = self.at + self.bytes.len() as u64;
            let last = behind >= self.reading.end;
            let mut parser = Parser::new(&self.bytes, last);
            parser.go_to(self.used);
            match read(&mut parser) {
                Ok(value) => {
                    self.used = parser.at();
                    return Ok(value);
                }
                Err(Unread::Short) if !last => {
                    let from = self.at + self.used as u64;
                    let next = self.reading.window(from, from.saturating_add(PIECE))?;
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
