//! Where each object is (ISO 32000-1 §7.5.4, §7.5.8): the sections of the document, the newest first.

mod stream;
mod table;

use std::collections::BTreeSet;

use crate::{
    error::PdfError,
    object::Dictionary,
    parse::{Parser, is_space},
    source::{Source, window},
};

/// The most sections, and the most entries of all of them.
const SECTIONS: usize = 512;
const ENTRIES: usize = 2_000_000;
/// The highest number of an object (ISO 32000-1 annex C).
pub(crate) const HIGHEST: u32 = 8_388_607;
/// Where the end of a document is looked for.
const END: u64 = 2048;

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
}

impl Sections {
    /// Reads those of the document that ends at `end`.
    pub(crate) fn read(source: &(impl Source + ?Sized), end: u64) -> Result<Self, PdfError> {
        let (mut all, mut seen, mut entries) = (Vec::<Section>::new(), BTreeSet::new(), 0);
        let mut next = Some(start(source, end)?);
        while let Some(at) = next {
            if !seen.insert(at) || seen.len() > SECTIONS {
                return Err(PdfError::damaged(
                    "its versions refer to one another in a circle, or there are too many",
                    at,
                ));
            }
            let mut section = one(source, at, end, ENTRIES - entries)?;
            entries += section.entries.len();
            if let Some(at) = place(&section.trailer, "XRefStm", end)?.filter(|_| !section.is_stream) {
                let hidden = one(source, at, end, ENTRIES - entries)?;
                if !hidden.is_stream {
                    return Err(PdfError::damaged("the stream of a hybrid file is none", at));
                }
                entries += hidden.entries.len();
                section.entries = merged(section.entries, hidden.entries);
            }
            next = place(&section.trailer, "Prev", end)?;
            all.push(section);
        }
        let sizes = all.iter().filter_map(|section| section.trailer.integer("Size"));
        let sizes = sizes.filter_map(|size| u32::try_from(size).ok());
        let highest = all.iter().filter_map(|section| section.entries.last()).map(|(number, _)| number + 1);
        let next = sizes.chain(highest).max().unwrap_or(1).max(1);
        if next > HIGHEST { Err(PdfError::TooMuch("objects")) } else { Ok(Self { all, next }) }
    }

    /// Where an object is.
    pub(crate) fn entry(&self, number: u32) -> Entry {
        self.all.iter().find_map(|section| section.entry(number)).unwrap_or(Entry::Free)
    }
}

/// The place that the end of the document names.
fn start(source: &(impl Source + ?Sized), end: u64) -> Result<u64, PdfError> {
    let from = end.saturating_sub(END);
    let bytes = window(source, from..end)?;
    let missing = || PdfError::damaged("its end names no cross-references (startxref)", from);
    let word = b"startxref";
    let found = bytes.windows(word.len()).rposition(|window| window == word).ok_or_else(missing)?;
    let mut parser = Parser::new(bytes.get(found + word.len()..).unwrap_or_default(), true);
    let at = parser.unsigned().map_err(|_| missing())?;
    if at < end { Ok(at) } else { Err(missing()) }
}

/// The section that begins here.
fn one(source: &(impl Source + ?Sized), at: u64, end: u64, most: usize) -> Result<Section, PdfError> {
    let mut beginning = window(source, at..end.min(at.saturating_add(64)))?;
    let blank = beginning.iter().take_while(|octet| is_space(**octet)).count();
    beginning.drain(..blank);
    let at = at + blank as u64;
    if beginning.starts_with(b"xref") {
        table::read(source, at, end, most)
    } else {
        stream::read(source, at, end, most)
    }
}

/// An offset in a trailer.
fn place(trailer: &Dictionary, key: &str, end: u64) -> Result<Option<u64>, PdfError> {
    let Some(value) = trailer.get(key) else { return Ok(None) };
    let at = value.integer().and_then(|at| u64::try_from(at).ok()).filter(|at| *at < end);
    at.map(Some).ok_or(PdfError::damaged("a version names the one before it by a place that is none", 0))
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
