//! Where a document's bytes are: read at any place, never held.

use std::io::{self, Write};
use std::ops::Range;

/// Bytes that are read at any place.
pub trait Source {
    /// Reads at `at` into `into`; how much was read, 0 at the end alone.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;

    /// How many bytes there are.
    ///
    /// # Errors
    /// The system's.
    fn size(&self) -> io::Result<u64>;
}

impl Source for [u8] {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let length = from.len().min(into.len());
        into.iter_mut().zip(from).for_each(|(to, octet)| *to = *octet);
        Ok(length)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

impl Source for Vec<u8> {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(at, into)
    }

    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }
}

impl Source for std::fs::File {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, into, at)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(at, into)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

/// A document with what is added behind it.
#[derive(Debug)]
pub struct Extended<S> {
    base: S,
    size: u64,
    tail: Vec<u8>,
}

impl<S: Source> Extended<S> {
    pub(crate) fn new(base: S, size: u64, tail: Vec<u8>) -> Self {
        Self { base, size, tail }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        copy(self, 0..self.size()?, out)
    }
}

impl<S: Source> Source for Extended<S> {
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        if at >= self.size {
            return self.tail.read_at(at - self.size, into);
        }
        let left = usize::try_from(self.size - at).unwrap_or(usize::MAX);
        let length = left.min(into.len());
        self.base.read_at(at, into.get_mut(..length).unwrap_or_default())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.size + self.tail.len() as u64)
    }
}

/// What is copied and hashed at once.
const PIECE: usize = 64 << 10;

/// Gives these bytes, piece by piece.
///
/// # Errors
/// The system's; that the source ends before them.
pub(crate) fn each_piece(
    source: &(impl Source + ?Sized),
    range: Range<u64>,
    mut act: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        let place = buffer.get_mut(..left.min(PIECE)).unwrap_or_default();
        let read = source.read_at(at, place)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        act(place.get(..read).unwrap_or_default())?;
        at += read as u64;
    }
    Ok(())
}

/// Copies these bytes.
pub(crate) fn copy(
    source: &(impl Source + ?Sized),
    range: Range<u64>,
    out: &mut impl Write,
) -> io::Result<()> {
    each_piece(source, range, |piece| out.write_all(piece))
}

/// These bytes, as far as they go.
pub(crate) fn window(source: &(impl Source + ?Sized), range: Range<u64>) -> io::Result<Vec<u8>> {
    let end = range.end.min(source.size()?);
    let mut bytes = Vec::new();
    if range.start < end {
        each_piece(source, range.start..end, |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_is_added_is_read_as_if_it_were_there() {
        let both = Extended::new(b"abcdef".as_slice(), 6, b"ghi".to_vec());
        assert_eq!(both.size().unwrap(), 9);
        for start in 0..9 {
            for end in start..=9 {
                let read = window(&both, start..end).unwrap();
                assert_eq!(read, b"abcdefghi"[start as usize..end as usize]);
            }
        }
        let mut out = Vec::new();
        both.write(&mut out).unwrap();
        assert_eq!(out, b"abcdefghi");
        assert!(copy(&both, 0..10, &mut out).is_err());
    }
}
