//! Objects, read where they stand: none is read beyond the place where the next one begins.

use crate::{
    error::PdfError,
    object::{Dictionary, Object, Reference},
    parse::{Parser, Unread},
    source::{Source, window},
    work::Work,
};

/// What is read of an object at first, and at most.
const FIRST: u64 = 4 << 10;
const MOST: u64 = 4 << 20;
/// A stream of the structure is not longer, packed.
const LONGEST_STREAM: i64 = 16 << 20;

/// A document's bytes as far as one version goes, and what reading them costs.
#[derive(Debug)]
pub(crate) struct Reading<'a, S: ?Sized> {
    pub(crate) source: &'a S,
    pub(crate) end: u64,
    pub(crate) work: &'a Work,
}

impl<S: ?Sized> Clone for Reading<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: ?Sized> Copy for Reading<'_, S> {}

/// An object with its number, where it stands.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) reference: Reference,
    pub(crate) object: Object,
    /// Where the value of `/Contents` is.
    pub(crate) contents: Option<(u64, u64)>,
    /// Where the word ends behind which its stream begins, where it is one.
    pub(crate) stream: Option<u64>,
    /// Before which it must end.
    pub(crate) limit: u64,
}

/// A stream of the structure.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) reference: Reference,
    pub(crate) dictionary: Dictionary,
    /// As it is, packed.
    pub(crate) raw: Vec<u8>,
    /// Where its bytes end.
    pub(crate) until: u64,
}

impl<S: Source + ?Sized> Reading<'_, S> {
    /// These bytes.
    pub(crate) fn window(&self, from: u64, until: u64) -> Result<Vec<u8>, PdfError> {
        let bytes = window(self.source, from..self.end.min(until))?;
        self.work.read(bytes.len())?;
        Ok(bytes)
    }

    /// Reads with a window from `at`, which grows until it is long enough, to `limit` at most.
    pub(crate) fn growing<T>(
        &self,
        at: u64,
        limit: u64,
        read: impl Fn(&mut Parser<'_>) -> Result<T, Unread>,
    ) -> Result<T, PdfError> {
        let limit = limit.min(self.end);
        let mut length = FIRST;
        loop {
            let until = limit.min(at.saturating_add(length));
            let bytes = window(self.source, at..until)?;
            let mut parser = Parser::new(&bytes, until == limit);
            let outcome = read(&mut parser);
            self.work.parsed(parser.at())?;
            match outcome {
                Ok(value) => return Ok(value),
                Err(Unread::Short) if until < limit && length >= MOST => {
                    return Err(PdfError::TooMuch("an object is longer than 4 MiB"));
                }
                Err(Unread::Short) if until < limit => length *= 4,
                Err(why) => return Err(misread(why, at)),
            }
        }
    }

    /// The object that begins here, and ends before `limit`.
    pub(crate) fn object_at(&self, at: u64, limit: u64) -> Result<Standing, PdfError> {
        self.growing(at, limit, |parser| {
            let reference = parser.head()?;
            let object = parser.object()?;
            let contents = parser.contents().map(|(from, to)| (at + from as u64, at + to as u64));
            let stream = match parser.word()? {
                b"endobj" => None,
                b"stream" => Some(at + parser.at() as u64),
                _ => return Err(Unread::Wrong("an object does not end before what follows it")),
            };
            Ok(Standing { reference, object, contents, stream, limit })
        })
    }

    /// The dictionary that begins here, and where it ends.
    pub(crate) fn dictionary_at(&self, at: u64) -> Result<(Dictionary, u64), PdfError> {
        self.growing(at, self.end, |parser| match parser.object()? {
            Object::Dictionary(dictionary) => Ok((dictionary, at + parser.at() as u64)),
            _ => Err(Unread::Wrong("a dictionary is missing")),
        })
    }

    /// Where the bytes of a stream begin: one end of a line stands between them and the word (§7.3.8.1).
    pub(crate) fn beginning(&self, from: u64) -> Result<Option<u64>, PdfError> {
        let mark = window(self.source, from..self.end.min(from.saturating_add(2)))?;
        Ok(match mark.as_slice() {
            [13, 10] => Some(from + 2),
            [10, ..] | [13, ..] => Some(from + 1),
            _ => None,
        })
    }

    /// The stream that begins here, and ends before `limit`.
    pub(crate) fn stream_at(
        &self,
        at: u64,
        limit: u64,
        length: impl Fn(&Object) -> Result<i64, PdfError>,
    ) -> Result<Stream, PdfError> {
        let found = self.object_at(at, limit)?;
        let missing = |what| PdfError::damaged(what, at);
        let from = found.stream.ok_or(missing("a stream is missing"))?;
        let Object::Dictionary(dictionary) = found.object else {
            return Err(missing("a stream has no dictionary"));
        };
        let said = length(dictionary.get("Length").unwrap_or(&Object::Null))?;
        if !(0..=LONGEST_STREAM).contains(&said) {
            return Err(PdfError::TooMuch("a stream of its structure is longer than 16 MiB"));
        }
        let from = self.beginning(from)?.ok_or(missing("a stream does not begin"))?;
        let until = from.saturating_add(u64::try_from(said).unwrap_or_default());
        if until > limit.min(self.end) {
            return Err(PdfError::damaged("a stream does not end before what follows it", from));
        }
        let raw = self.window(from, until)?;
        Ok(Stream { reference: found.reference, dictionary, raw, until })
    }
}

/// What a parser's refusal says of the document.
pub(crate) fn misread(why: Unread, at: impl Into<Option<u64>>) -> PdfError {
    match why {
        Unread::Short => PdfError::damaged("an object does not end before what follows it", at),
        Unread::Wrong(what) => PdfError::damaged(what, at),
    }
}
