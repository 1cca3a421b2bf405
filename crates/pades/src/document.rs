//! A document: its objects, looked up where they are and never kept.

use std::cell::RefCell;

use crate::{
    error::PdfError,
    filter::decoded,
    linearised,
    object::{Dictionary, Object, Reference},
    parse::Parser,
    reading::{Reading, Standing, Stream, misread},
    source::{Source, window},
    work::Work,
    xref::{Entry, Section, Sections},
};

/// What is kept of streams of objects, unpacked.
const KEPT: usize = 48 << 20;
/// References that lead to references.
const CHAIN: usize = 16;

/// A document as it ends at some byte.
#[derive(Debug)]
pub struct Document<S> {
    pub(crate) source: S,
    pub(crate) end: u64,
    pub(crate) sections: Sections,
    /// What is left to be spent on it, and on its other versions.
    work: Work,
    /// The streams of objects that were read last, the last one first.
    unpacked: RefCell<Vec<(u32, Packed)>>,
}

/// The objects in a stream of them.
#[derive(Debug)]
struct Packed {
    /// Number and offset of each.
    numbers: Vec<(u32, usize)>,
    /// The offsets, in their order.
    begin: Vec<usize>,
    bytes: Vec<u8>,
}

impl<S: Source> Document<S> {
    /// Reads the structure of a document.
    ///
    /// # Errors
    /// [`PdfError`]: damaged, encrypted, or more than is looked at.
    pub fn open(source: S) -> Result<Self, PdfError> {
        let end = source.size()?;
        Self::ending_at(source, end, Work::on(end))
    }

    /// The document as it was when it ended here.
    pub(crate) fn as_of(&self, end: u64) -> Result<Document<&S>, PdfError> {
        Document::ending_at(&self.source, end, self.work.clone())
    }

    fn ending_at(source: S, end: u64, work: Work) -> Result<Self, PdfError> {
        if window(&source, 0..end.min(5))? != b"%PDF-" {
            return Err(PdfError::NotAPdf);
        }
        let sections = Sections::read(Reading { source: &source, end, work: &work })?;
        let document = Self { source, end, sections, work, unpacked: RefCell::default() };
        if document.sections.all.iter().any(|section| section.trailer.get("Encrypt").is_some()) {
            return Err(PdfError::Encrypted);
        }
        linearised::check(document.reading(), document.newest()?.at)?;
        Ok(document)
    }

    pub(crate) fn reading(&self) -> Reading<'_, S> {
        Reading { source: &self.source, end: self.end, work: &self.work }
    }

    /// The object that stands here, which ends before the next place that any cross-reference names.
    pub(crate) fn standing(&self, at: u64) -> Result<Standing, PdfError> {
        self.reading().object_at(at, self.sections.limit(at, self.end))
    }

    pub(crate) fn newest(&self) -> Result<&Section, PdfError> {
        self.sections.all.first().ok_or(PdfError::damaged("it has no cross-references", None))
    }

    /// The catalog, and which object it is.
    pub(crate) fn catalog(&self) -> Result<(Reference, Dictionary), PdfError> {
        let missing = || PdfError::damaged("it has no catalog", None);
        let reference = self.newest()?.trailer.reference("Root").ok_or_else(missing)?;
        let catalog = self.plain(reference)?.filter(|catalog| catalog.get("Pages").is_some());
        Ok((reference, catalog.ok_or_else(missing)?))
    }

    /// An object; null where there is none (ISO 32000-1 §7.3.10). Of a stream, its dictionary.
    pub(crate) fn object(&self, reference: Reference) -> Result<Object, PdfError> {
        self.object_and_stream(reference).map(|(object, _)| object)
    }

    /// An object with a place of its own, where it is one.
    pub(crate) fn placed(&self, reference: Reference) -> Result<Option<Standing>, PdfError> {
        match self.sections.entry(reference.number) {
            Entry::At { offset, generation } if generation == reference.generation => {
                let found = self.standing(offset)?;
                same(found.reference, reference, offset)?;
                Ok(Some(found))
            }
            _ => Ok(None),
        }
    }

    /// An object, and behind which byte its stream begins, where it is one.
    pub(crate) fn object_and_stream(&self, reference: Reference) -> Result<(Object, Option<u64>), PdfError> {
        match (self.placed(reference)?, self.sections.entry(reference.number)) {
            (Some(found), _) => Ok((found.object, found.stream)),
            (None, Entry::In { stream, index }) if reference.generation == 0 => {
                Ok((self.packed(stream, index, reference.number)?, None))
            }
            _ => Ok((Object::Null, None)),
        }
    }

    /// An object that is a dictionary, and not that of a stream.
    pub(crate) fn plain(&self, reference: Reference) -> Result<Option<Dictionary>, PdfError> {
        Ok(match self.object_and_stream(reference)? {
            (Object::Dictionary(dictionary), None) => Some(dictionary),
            _ => None,
        })
    }

    /// Whether an object ends where it says: its stream too, where it has one, before what follows it.
    pub(crate) fn has_end(&self, found: &Standing) -> Result<bool, PdfError> {
        let (Some(from), Object::Dictionary(dictionary)) = (found.stream, &found.object) else {
            return Ok(found.stream.is_none());
        };
        let length = self.get(dictionary, "Length")?.integer().and_then(|length| u64::try_from(length).ok());
        let begin = self.reading().beginning(from)?;
        let Some((begin, length)) = begin.zip(length) else { return Ok(false) };
        let limit = found.limit.min(self.end);
        let until = begin.saturating_add(length);
        if until > limit {
            return Ok(false);
        }
        let behind = self.reading().window(until, limit.min(until.saturating_add(16)))?;
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
        Err(PdfError::damaged("references lead to references in a circle", None))
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
            return Err(PdfError::damaged("a stream is not there", None));
        };
        self.unpacked_at(reference, offset).map(|(_, bytes)| bytes)
    }

    /// A stream of the structure that begins here, unpacked.
    fn unpacked_at(&self, reference: Reference, at: u64) -> Result<(Dictionary, Vec<u8>), PdfError> {
        let limit = self.sections.limit(at, self.end);
        let found = self.reading().stream_at(at, limit, |value| self.length(value))?;
        let Stream { dictionary, raw, .. } = found;
        same(found.reference, reference, at)?;
        let bytes = decoded(&dictionary, raw, at)?;
        self.work.read(bytes.len())?;
        Ok((dictionary, bytes))
    }

    /// The length of a stream, which may stand in an object of its own. Not in a stream of objects: it would be looked for in itself.
    fn length(&self, value: &Object) -> Result<i64, PdfError> {
        let missing = || PdfError::damaged("a stream has no length", None);
        let Some(reference) = value.reference() else { return value.integer().ok_or_else(missing) };
        self.placed(reference)?.and_then(|found| found.object.integer()).ok_or_else(missing)
    }

    fn packed(&self, stream: u32, index: u32, number: u32) -> Result<Object, PdfError> {
        let mut kept = self.unpacked.borrow_mut();
        match kept.iter().position(|(held, _)| *held == stream) {
            Some(at) => kept.swap(0, at),
            None => {
                kept.insert(0, (stream, self.unpack(stream)?));
                let mut room = KEPT;
                kept.retain(|(_, packed)| {
                    let fits = room >= packed.bytes.len() || room == KEPT;
                    room = room.saturating_sub(packed.bytes.len());
                    fits
                });
            }
        }
        let wrong = PdfError::damaged("an object is not where its cross-reference says", None);
        let Some((_, packed)) = kept.first() else { return Err(wrong) };
        let at = usize::try_from(index).ok().and_then(|index| packed.numbers.get(index));
        let Some((_, at)) = at.filter(|(found, _)| *found == number) else { return Err(wrong) };
        // It ends before the next one.
        let next = packed.begin.partition_point(|begin| begin <= at);
        let until = packed.begin.get(next).copied().unwrap_or(packed.bytes.len());
        let bytes = packed.bytes.get(*at..until).unwrap_or_default();
        let mut parser = Parser::new(bytes, true);
        let object = parser.object();
        self.work.parsed(parser.at())?;
        object.map_err(|why| misread(why, None))
    }

    /// A stream of objects (ISO 32000-1 §7.5.7).
    fn unpack(&self, stream: u32) -> Result<Packed, PdfError> {
        let wrong = |what| PdfError::damaged(what, None);
        let Entry::At { offset, generation: 0 } = self.sections.entry(stream) else {
            return Err(wrong("a stream of objects is not there"));
        };
        let (dictionary, bytes) = self.unpacked_at(Reference { number: stream, generation: 0 }, offset)?;
        if !dictionary.has_name("Type", "ObjStm") {
            return Err(wrong("a stream of objects is another one"));
        }
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
        self.work.parsed(parser.at())?;
        let mut begin: Vec<usize> = numbers.iter().map(|(_, at)| *at).collect();
        begin.sort_unstable();
        if begin.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(wrong("a stream of objects has two at one place"));
        }
        Ok(Packed { numbers, begin, bytes })
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
