//! A document: its objects, looked up where they are and never kept.

use std::cell::RefCell;

use crate::{
    error::PdfError,
    filter::decoded,
    object::{Dictionary, Object, Reference},
    parse::{Parser, Unread},
    source::{Source, window},
    xref::{Entry, Section, Sections},
};

/// What is read of an object at first, and at most.
const FIRST: u64 = 4 << 10;
const MOST: u64 = 4 << 20;
/// A stream of the structure is not longer, packed.
const LONGEST_STREAM: i64 = 16 << 20;
/// What is kept of streams of objects, unpacked, and what is unpacked in all.
const KEPT: usize = 48 << 20;
const UNPACKED: u64 = 2 << 30;
/// References that lead to references.
const CHAIN: usize = 16;

/// A document as it ends at some byte.
#[derive(Debug)]
pub struct Document<S> {
    pub(crate) source: S,
    pub(crate) end: u64,
    pub(crate) sections: Sections,
    /// The streams of objects that were read last.
    unpacked: RefCell<Unpacked>,
}

/// Streams of objects that are kept for a while, the last one first.
#[derive(Debug, Default)]
struct Unpacked {
    kept: Vec<(u32, Packed)>,
    /// What was unpacked in all.
    bytes: u64,
}

/// The objects in a stream of them.
#[derive(Debug)]
struct Packed {
    /// Number and offset of each.
    numbers: Vec<(u32, usize)>,
    bytes: Vec<u8>,
}

impl<S: Source> Document<S> {
    /// Reads the structure of a document.
    ///
    /// # Errors
    /// [`PdfError`]: damaged, encrypted, or more than is looked at.
    pub fn open(source: S) -> Result<Self, PdfError> {
        let end = source.size()?;
        Self::ending_at(source, end)
    }

    /// The document as it was when it ended here.
    pub(crate) fn ending_at(source: S, end: u64) -> Result<Self, PdfError> {
        if window(&source, 0..end.min(5))? != b"%PDF-" {
            return Err(PdfError::NotAPdf);
        }
        let sections = Sections::read(&source, end)?;
        let document = Self { source, end, sections, unpacked: RefCell::default() };
        if document.sections.all.iter().any(|section| section.trailer.get("Encrypt").is_some()) {
            return Err(PdfError::Encrypted);
        }
        Ok(document)
    }

    pub(crate) fn newest(&self) -> Result<&Section, PdfError> {
        self.sections.all.first().ok_or(PdfError::damaged("it has no cross-references", self.end))
    }

    /// The catalog, and which object it is.
    pub(crate) fn catalog(&self) -> Result<(Reference, Dictionary), PdfError> {
        let missing = || PdfError::damaged("it has no catalog", self.end);
        let reference = self.newest()?.trailer.reference("Root").ok_or_else(missing)?;
        match self.object(reference)? {
            Object::Dictionary(catalog) if catalog.get("Pages").is_some() => Ok((reference, catalog)),
            _ => Err(missing()),
        }
    }

    /// An object; null where there is none (ISO 32000-1 §7.3.10). Of a stream, its dictionary.
    pub(crate) fn object(&self, reference: Reference) -> Result<Object, PdfError> {
        match self.sections.entry(reference.number) {
            Entry::At { offset, generation } if generation == reference.generation => {
                let (found, object, _) = object_at(&self.source, offset, self.end)?;
                same(found, reference, offset)?;
                Ok(object)
            }
            Entry::In { stream, index } if reference.generation == 0 => {
                self.packed(stream, index, reference.number)
            }
            _ => Ok(Object::Null),
        }
    }

    /// An object, and behind which byte its stream begins, where it is one.
    pub(crate) fn object_and_stream(&self, reference: Reference) -> Result<(Object, Option<u64>), PdfError> {
        match self.sections.entry(reference.number) {
            Entry::At { offset, generation } if generation == reference.generation => {
                let ((found, object, _), stream) = object_and_stream_at(&self.source, offset, self.end)?;
                same(found, reference, offset)?;
                Ok((object, stream))
            }
            _ => Ok((self.object(reference)?, None)),
        }
    }

    /// An object that is a dictionary, and not that of a stream.
    pub(crate) fn plain(&self, reference: Reference) -> Result<Option<Dictionary>, PdfError> {
        Ok(match self.object_and_stream(reference)? {
            (Object::Dictionary(dictionary), None) => Some(dictionary),
            _ => None,
        })
    }

    /// Whether a stream that begins behind this byte ends where it says, and within the document.
    pub(crate) fn has_end(&self, dictionary: &Dictionary, from: u64) -> Result<bool, PdfError> {
        let length = self.get(dictionary, "Length")?.integer().and_then(|length| u64::try_from(length).ok());
        let begin = beginning(&self.source, from, self.end)?;
        let Some((begin, length)) = begin.zip(length) else { return Ok(false) };
        let until = begin.saturating_add(length);
        if until > self.end {
            return Ok(false);
        }
        let behind = window(&self.source, until..self.end.min(until.saturating_add(16)))?;
        let mut parser = Parser::new(&behind, true);
        Ok(parser.word().is_ok_and(|word| word == b"endstream"))
    }

    /// What a value is, where it is a reference.
    pub(crate) fn resolved(&self, value: &Object) -> Result<Object, PdfError> {
        let mut value = value.clone();
        for _ in 0..CHAIN {
            match value.reference() {
                Some(reference) => value = self.object(reference)?,
                None => return Ok(value),
            }
        }
        Err(PdfError::damaged("references lead to references in a circle", self.end))
    }

    /// What is under a key, looked up where it is a reference; null where it is not there.
    pub(crate) fn get(&self, dictionary: &Dictionary, key: &str) -> Result<Object, PdfError> {
        dictionary.get(key).map_or(Ok(Object::Null), |value| self.resolved(value))
    }

    /// The same, where a dictionary is expected.
    pub(crate) fn dictionary(
        &self,
        dictionary: &Dictionary,
        key: &str,
    ) -> Result<Option<Dictionary>, PdfError> {
        Ok(if let Object::Dictionary(found) = self.get(dictionary, key)? { Some(found) } else { None })
    }

    /// The same, where an array is expected.
    pub(crate) fn array(&self, dictionary: &Dictionary, key: &str) -> Result<Vec<Object>, PdfError> {
        Ok(if let Object::Array(found) = self.get(dictionary, key)? { found } else { Vec::new() })
    }

    /// The bytes that a stream stands for.
    pub(crate) fn stream(&self, reference: Reference) -> Result<Vec<u8>, PdfError> {
        let Entry::At { offset, .. } = self.sections.entry(reference.number) else {
            return Err(PdfError::damaged("a stream is not there", self.end));
        };
        let (found, dictionary, raw) = stream_at(&self.source, offset, self.end, |value| self.length(value))?;
        same(found, reference, offset)?;
        decoded(&dictionary, raw, offset)
    }

    /// The length of a stream, which may stand in an object of its own. Not in a stream of objects: it would be looked for in itself.
    fn length(&self, value: &Object) -> Result<i64, PdfError> {
        let missing = || PdfError::damaged("a stream has no length", self.end);
        let Some(reference) = value.reference() else { return value.integer().ok_or_else(missing) };
        let Entry::At { offset, .. } = self.sections.entry(reference.number) else { return Err(missing()) };
        let (found, object, _) = object_at(&self.source, offset, self.end)?;
        same(found, reference, offset)?;
        object.integer().ok_or_else(missing)
    }

    fn packed(&self, stream: u32, index: u32, number: u32) -> Result<Object, PdfError> {
        let mut unpacked = self.unpacked.borrow_mut();
        match unpacked.kept.iter().position(|(held, _)| *held == stream) {
            Some(at) => unpacked.kept.swap(0, at),
            None => {
                let packed = self.unpack(stream)?;
                unpacked.bytes = unpacked.bytes.saturating_add(packed.bytes.len() as u64);
                if unpacked.bytes > UNPACKED {
                    return Err(PdfError::TooMuch("objects that are packed together"));
                }
                unpacked.kept.insert(0, (stream, packed));
                let mut room = KEPT;
                unpacked.kept.retain(|(_, packed)| {
                    let fits = room >= packed.bytes.len() || room == KEPT;
                    room = room.saturating_sub(packed.bytes.len());
                    fits
                });
            }
        }
        let wrong = PdfError::damaged("an object is not where its cross-reference says", self.end);
        let Unpacked { kept, bytes: looked_at } = &mut *unpacked;
        let Some((_, packed)) = kept.first() else { return Err(wrong) };
        let at = usize::try_from(index).ok().and_then(|index| packed.numbers.get(index));
        let Some((_, at)) = at.filter(|(found, _)| *found == number) else { return Err(wrong) };
        let bytes = packed.bytes.get(*at..).unwrap_or_default();
        let mut parser = Parser::new(bytes, true);
        let object = parser.object().map_err(|why| misread(why, self.end))?;
        // Many numbers may name the same bytes: what is read of them counts too.
        *looked_at = looked_at.saturating_add(parser.at() as u64);
        Ok(object)
    }

    /// A stream of objects (ISO 32000-1 §7.5.7).
    fn unpack(&self, stream: u32) -> Result<Packed, PdfError> {
        let wrong = |what| PdfError::damaged(what, self.end);
        let Entry::At { offset, generation: 0 } = self.sections.entry(stream) else {
            return Err(wrong("a stream of objects is not there"));
        };
        let (found, dictionary, raw) = stream_at(&self.source, offset, self.end, |value| self.length(value))?;
        same(found, Reference { number: stream, generation: 0 }, offset)?;
        if !dictionary.has_name("Type", "ObjStm") {
            return Err(wrong("a stream of objects is another one"));
        }
        let bytes = decoded(&dictionary, raw, offset)?;
        let said = |key| dictionary.integer(key).and_then(|value| usize::try_from(value).ok());
        let (count, first) =
            said("N").zip(said("First")).ok_or(wrong("a stream of objects does not say what it has"))?;
        let mut parser = Parser::new(bytes.get(..first).unwrap_or_default(), true);
        let mut numbers = Vec::new();
        for _ in 0..count {
            let number = parser.unsigned().ok().and_then(|number| u32::try_from(number).ok());
            let at = parser
                .unsigned()
                .ok()
                .and_then(|at| usize::try_from(at).ok())
                .and_then(|at| at.checked_add(first));
            numbers.push(number.zip(at).ok_or(wrong("a stream of objects has fewer than it says"))?);
        }
        Ok(Packed { numbers, bytes })
    }
}

/// Whether what is there is what was looked for.
fn same(found: Reference, wanted: Reference, at: u64) -> Result<(), PdfError> {
    if found == wanted {
        Ok(())
    } else {
        Err(PdfError::damaged("an object is not where its cross-reference says", at))
    }
}

/// What a parser's refusal says of the document.
pub(crate) fn misread(why: Unread, at: u64) -> PdfError {
    match why {
        Unread::Short => PdfError::damaged("it ends within an object", at),
        Unread::Wrong(what) => PdfError::damaged(what, at),
    }
}

/// Reads with a window from `at`, which grows until it is long enough.
fn growing<T>(
    source: &(impl Source + ?Sized),
    at: u64,
    end: u64,
    read: impl Fn(&mut Parser<'_>) -> Result<T, Unread>,
) -> Result<T, PdfError> {
    let mut length = FIRST;
    loop {
        let until = end.min(at.saturating_add(length));
        let bytes = window(source, at..until)?;
        match read(&mut Parser::new(&bytes, until == end)) {
            Ok(value) => return Ok(value),
            Err(Unread::Short) if until < end && length >= MOST => {
                return Err(PdfError::TooMuch("an object is longer than 4 MiB"));
            }
            Err(Unread::Short) if until < end => length *= 4,
            Err(why) => return Err(misread(why, at)),
        }
    }
}

/// Where an object with a number stands, it, and where the value of `/Contents` stands in it.
pub(crate) type Found = (Reference, Object, Option<(u64, u64)>);

/// The object that begins here.
pub(crate) fn object_at(source: &(impl Source + ?Sized), at: u64, end: u64) -> Result<Found, PdfError> {
    object_and_stream_at(source, at, end).map(|(found, _)| found)
}

/// The same, and where the word ends behind which its stream begins.
fn object_and_stream_at(
    source: &(impl Source + ?Sized),
    at: u64,
    end: u64,
) -> Result<(Found, Option<u64>), PdfError> {
    growing(source, at, end, |parser| {
        let reference = parser.head()?;
        let object = parser.object()?;
        let contents = parser.contents().map(|(from, to)| (at + from as u64, at + to as u64));
        match parser.word()? {
            b"endobj" => Ok(((reference, object, contents), None)),
            b"stream" => Ok(((reference, object, contents), Some(at + parser.at() as u64))),
            _ => Err(Unread::Wrong("an object does not end")),
        }
    })
}

/// The dictionary that begins here, and where it ends.
pub(crate) fn dictionary_at(
    source: &(impl Source + ?Sized),
    at: u64,
    end: u64,
) -> Result<(Dictionary, u64), PdfError> {
    growing(source, at, end, |parser| match parser.object()? {
        Object::Dictionary(dictionary) => Ok((dictionary, at + parser.at() as u64)),
        _ => Err(Unread::Wrong("a dictionary is missing")),
    })
}

/// Where the bytes of a stream begin: one end of a line stands between them and the word (§7.3.8.1).
fn beginning(source: &(impl Source + ?Sized), from: u64, end: u64) -> Result<Option<u64>, PdfError> {
    let mark = window(source, from..end.min(from.saturating_add(2)))?;
    Ok(match mark.as_slice() {
        [13, 10] => Some(from + 2),
        [10, ..] | [13, ..] => Some(from + 1),
        _ => None,
    })
}

/// The stream that begins here: its dictionary, and its bytes as they are.
pub(crate) fn stream_at(
    source: &(impl Source + ?Sized),
    at: u64,
    end: u64,
    length: impl Fn(&Object) -> Result<i64, PdfError>,
) -> Result<(Reference, Dictionary, Vec<u8>), PdfError> {
    let (reference, object, from) = growing(source, at, end, |parser| {
        let reference = parser.head()?;
        let object = parser.object()?;
        parser.expect("stream", "a stream is missing")?;
        Ok((reference, object, at + parser.at() as u64))
    })?;
    let Object::Dictionary(dictionary) = object else {
        return Err(PdfError::damaged("a stream has no dictionary", at));
    };
    let said = length(dictionary.get("Length").unwrap_or(&Object::Null))?;
    if !(0..=LONGEST_STREAM).contains(&said) {
        return Err(PdfError::TooMuch("a stream of its structure is longer than 16 MiB"));
    }
    let missing = PdfError::damaged("a stream does not begin", from);
    let from = beginning(source, from, end)?.ok_or(missing)?;
    let until = from.saturating_add(u64::try_from(said).unwrap_or_default());
    if until > end {
        return Err(PdfError::damaged("a stream ends behind the document", from));
    }
    Ok((reference, dictionary, window(source, from..until)?))
}
