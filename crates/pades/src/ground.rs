//! What a signature is put upon: a document whose objects stand apart, that refers to nothing which is yet to come, and of which may be written again what nothing else uses.
//!
//! Whoever writes a document can make it show something else once it is signed, where a part of it reaches into the place of the signature, or waits for what signing adds.

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Reference},
    source::Source,
    walk::{self, Reached},
    xref::Entry,
};

/// The most objects that are named.
const MOST: usize = 20;

/// A document that may be added to.
pub(crate) struct Ground {
    reached: Reached,
    /// The first number that nothing has, and nothing refers to.
    pub(crate) next: u32,
}

impl Ground {
    /// Looks at the whole document.
    ///
    /// # Errors
    /// [`PdfError::Damaged`]: signing would change what it shows, or could.
    pub(crate) fn of<S: Source>(document: &Document<S>, catalog: &Dictionary) -> Result<Self, PdfError> {
        stands(document)?;
        let reached = walk::reached(document, catalog.iter().map(|(_, value)| value))?;
        if !reached.endless.is_empty() {
            return Err(PdfError::damaged("a stream does not end where it says", None));
        }
        let all = document.sections.all.iter().flat_map(|section| &section.entries);
        let holders = all.filter_map(|(_, entry)| match entry {
            Entry::In { stream, .. } => Some(stream.saturating_add(1)),
            _ => None,
        });
        let next = holders.chain([document.sections.next, reached.highest.saturating_add(1)]).max();
        Ok(Self { reached, next: next.unwrap_or(u32::MAX) })
    }

    /// How often something that is reached refers to it; of twice and more, 2.
    pub(crate) fn uses(&self, reference: Reference) -> u8 {
        self.reached.uses(reference.number)
    }

    /// That the catalog may be written again: something else that is drawn by it would be drawn otherwise.
    pub(crate) fn may_rewrite(&self, catalog: Reference) -> Result<(), PdfError> {
        if self.uses(catalog) == 0 {
            return Ok(());
        }
        Err(PdfError::NotTaken("its catalog is used for something else too: print it into a new PDF first"))
    }

    /// The object that a list is, where it may be written again in its place: one that nothing else uses.
    pub(crate) fn list<S: Source>(
        &self,
        document: &Document<S>,
        list: Option<Reference>,
    ) -> Result<Option<Reference>, PdfError> {
        let Some(list) = list.filter(|list| self.uses(*list) == 1) else { return Ok(None) };
        let is_list = matches!(document.object_and_stream(list)?, (Object::Array(_), None));
        Ok(is_list.then_some(list))
    }
}

/// That all objects of a document stand apart.
pub(crate) fn stands<S: Source>(document: &Document<S>) -> Result<(), PdfError> {
    match reaching(document)?.first() {
        None => Ok(()),
        Some((_, at)) => {
            Err(PdfError::damaged("an object is not there, or does not end before what follows it", *at))
        }
    }
}

/// Objects, by number and place, that do not stand there, or reach into what the next place is for that any section names: some of them, where they are many.
pub(crate) fn reaching<S: Source>(document: &Document<S>) -> Result<Vec<(u32, u64)>, PdfError> {
    let mut found = Vec::new();
    let mut seen = vec![false; document.sections.places.len()];
    let all = document.sections.all.iter().flat_map(|section| &section.entries);
    let places = all.filter_map(|(number, entry)| match entry {
        // At 0 there is the document's head: such an entry is of nothing.
        Entry::At { offset: 0, .. } => None,
        Entry::At { offset, generation } => Some((*number, *offset, Some(*generation))),
        _ => None,
    });
    let streams = document.sections.streams.iter().map(|at| (0, *at, None));
    for (number, at, generation) in places.chain(streams) {
        let Ok(place) = document.sections.places.binary_search(&at) else { continue };
        if found.len() == MOST || seen.get_mut(place).is_some_and(|seen| std::mem::replace(seen, true)) {
            continue;
        }
        let ends = match document.standing(at) {
            Ok(standing) => {
                let wanted = generation.map(|generation| Reference { number, generation });
                wanted.is_none_or(|wanted| wanted == standing.reference) && document.has_end(&standing)?
            }
            Err(error @ (PdfError::Io(_) | PdfError::TooMuch(_))) => return Err(error),
            Err(_) => false,
        };
        if !ends {
            found.push((number, at));
        }
    }
    Ok(found)
}
