//! Where each object is (ISO 32000-1 §7.5.4, §7.5.8): the sections of the document, the newest first.

mod stream;
mod table;

use std::collections::BTreeSet;

use crate::{error::PdfError, object::Dictionary, parse::is_space, reading::Reading, source::Source};

/// The most sections, and the most entries of all of them.
const SECTIONS: usize = 512;
const ENTRIES: usize = 2_000_000;
/// The highest number of an object (ISO 32000-1 annex C).
pub(crate) const HIGHEST: u32 = 8_388_607;
/// Where readers look for the end of a document.
const END: u64 = 1024;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Nowhere: it was taken away, or never was.
    Free,
    /// At this byte.
    At { offset: u64, generation: u16 },
    /// Within a stream of objects, at this place.
    In { stream: u32, index: u32 },
}

/// What one version of the document added.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Where it begins.
    pub(crate) at: u64,
    pub(crate) trailer: Dictionary,
    /// By number, each once.
    pub(crate) entries: Vec<(u32, Entry)>,
    /// Whether it is a stream, as one that goes on from it must be.
    pub(crate) is_stream: bool,
    /// Where it ends.
    pub(crate) until: u64,
}

impl Section {
    pub(crate) fn entry(&self, number: u32) -> Option<Entry> {
        let at = self.entries.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.entries.get(at).map(|(_, entry)| *entry)
    }
}

/// All sections.
#[derive(Clone, Debug)]
pub(crate) struct Sections {
    /// The newest first.
    pub(crate) all: Vec<Section>,
    /// One above the highest number that is used or said to be.
    pub(crate) next: u32,
    /// Every place that any section names, in their order, each once: where one begins, what stands before it has ended.
    pub(crate) places: Vec<u64>,
    /// Where sections stand that are streams, hybrid ones too.
    pub(crate) streams: Vec<u64>,
}

impl Sections {
    /// Reads those of a document, as far as it is read.
    pub(crate) fn read<S: Source + ?Sized>(reading: Reading<'_, S>) -> Result<Self, PdfError> {
        let (mut all, mut seen, mut entries) = (Vec::<Section>::new(), BTreeSet::new(), 0);
        let (mut own, mut streams) = (Vec::new(), Vec::new());
        let mut next = Some(start(reading)?);
        let mut read = |at, entries| {
            if !seen.insert(at) || seen.len() > SECTIONS {
                return Err(PdfError::damaged(
                    "its versions refer to one another in a circle, or there are too many",
                    at,
                ));
            }
            let section = one(reading, at, ENTRIES - entries)?;
            own.push((section.at, section.until));
            streams.extend(section.is_stream.then_some(section.at));
            Ok(section)
        };
        while let Some(at) = next {
            let mut section = read(at, entries)?;
            entries += section.entries.len();
            if let Some(at) =
                place(&section.trailer, "XRefStm", &section, reading.end)?.filter(|_| !section.is_stream)
            {
                let hidden = read(at, entries)?;
                if !hidden.is_stream {
                    return Err(PdfError::damaged("the stream of a hybrid file is none", at));
                }
                entries += hidden.entries.len();
                section.entries = merged(section.entries, hidden.entries);
            }
            next = place(&section.trailer, "Prev", &section, reading.end)?;
            all.push(section);
        }
        let sizes = all.iter().filter_map(|section| section.trailer.integer("Size"));
        let sizes = sizes.filter_map(|size| u32::try_from(size).ok());
        let highest = all.iter().filter_map(|section| section.entries.last()).map(|(number, _)| number + 1);
        let next = sizes.chain(highest).max().unwrap_or(1).max(1);
        if next > HIGHEST {
            return Err(PdfError::TooMuch("numbers of objects"));
        }
        let objects = all.iter().flat_map(|section| &section.entries);
        let objects = objects.filter_map(|(_, entry)| match entry {
            Entry::At { offset, .. } => Some(*offset),
            _ => None,
        });
        let mut places: Vec<u64> = objects.chain(own.iter().map(|(at, _)| *at)).collect();
        places.sort_unstable();
        places.dedup();
        let sections = Self { all, next, places, streams };
        match own.iter().find(|(at, until)| *until > sections.limit(*at, reading.end)) {
            Some((at, _)) => {
                Err(PdfError::damaged("cross-references do not end before what follows them", *at))
            }
            None => Ok(sections),
        }
    }

    /// Before which byte must end what begins here.
    pub(crate) fn limit(&self, at: u64, end: u64) -> u64 {
        let next = self.places.partition_point(|place| *place <= at);
        self.places.get(next).map_or(end, |place| end.min(*place))
    }

    /// Where an object is.
    pub(crate) fn entry(&self, number: u32) -> Entry {
        self.all.iter().find_map(|section| section.entry(number)).unwrap_or(Entry::Free)
    }
}

/// The place that the end of the document names: by a line `startxref`, a number and `%%EOF`, behind which there is nothing but white space. Readers differ in what they make of anything else.
fn start<S: Source + ?Sized>(reading: Reading<'_, S>) -> Result<u64, PdfError> {
    let from = reading.end.saturating_sub(END);
    let bytes = reading.window(from, reading.end)?;
    let missing =
        || PdfError::damaged("it does not end with startxref, a place, and %%EOF, each on its line", None);
    let word = b"startxref";
    let found = bytes.windows(word.len()).rposition(|window| window == word).ok_or_else(missing)?;
    let line = found.checked_sub(1).and_then(|before| bytes.get(before));
    if !line.is_some_and(|octet| matches!(octet, 10 | 13)) {
        return Err(missing());
    }
    let behind = bytes.get(found + word.len()..).unwrap_or_default();
    let text = std::str::from_utf8(behind).map_err(|_| missing())?;
    let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let number = text.trim_start_matches(is_blank);
    let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = number.split_at(digits);
    let is_apart = text.starts_with(is_blank) && rest.starts_with(is_blank);
    if !is_apart || rest.trim_matches(is_blank) != "%%EOF" {
        return Err(missing());
    }
    number.parse().ok().filter(|at| *at < reading.end).ok_or_else(missing)
}

/// The section that begins here.
fn one<S: Source + ?Sized>(reading: Reading<'_, S>, at: u64, most: usize) -> Result<Section, PdfError> {
    let mut beginning = reading.window(at, at.saturating_add(64))?;
    let blank = beginning.iter().take_while(|octet| is_space(**octet)).count();
    beginning.drain(..blank);
    let at = at + blank as u64;
    match beginning.first() {
        Some(b'x') => table::read(reading, at, most),
        Some(b'0'..=b'9') => stream::read(reading, at, most),
        _ => Err(PdfError::damaged("there are no cross-references where they should be", at)),
    }
}

/// An offset in a trailer.
fn place(trailer: &Dictionary, key: &str, section: &Section, end: u64) -> Result<Option<u64>, PdfError> {
    let Some(value) = trailer.get(key) else { return Ok(None) };
    let at = value.integer().and_then(|at| u64::try_from(at).ok()).filter(|at| *at < end);
    let none = "a version names the one before it by a place that is none";
    at.map(Some).ok_or(PdfError::damaged(none, section.at))
}

/// Sorts entries by their numbers. One that is there twice is a lie to some reader.
fn sorted(mut entries: Vec<(u32, Entry)>, at: u64) -> Result<Vec<(u32, Entry)>, PdfError> {
    entries.sort_by_key(|(number, _)| *number);
    let twice = entries.windows(2).any(|pair| matches!(pair, [one, other] if one.0 == other.0));
    if twice { Err(PdfError::damaged("its cross-references name an object twice", at)) } else { Ok(entries) }
}

/// The entries of a hybrid section (§7.5.8.4): what the table has is where it says, what it hides as free is where the stream says.
fn merged(table: Vec<(u32, Entry)>, stream: Vec<(u32, Entry)>) -> Vec<(u32, Entry)> {
    let mut both = std::collections::BTreeMap::new();
    both.extend(table.iter().copied().filter(|(_, entry)| *entry == Entry::Free));
    both.extend(stream);
    both.extend(table.into_iter().filter(|(_, entry)| *entry != Entry::Free));
    both.into_iter().collect()
}
