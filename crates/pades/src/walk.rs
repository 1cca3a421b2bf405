//! Everything that a document leads to from its catalog, each object once.

use crate::{
    document::Document,
    error::PdfError,
    object::{Object, Reference},
    source::Source,
    xref::{Entry, HIGHEST},
};

/// Of an object: how often it is referred to (as far as two), and whether it was looked at.
const USES: u8 = 3;
const WALKED: u8 = 4;
/// The most streams without an end that are named.
const MOST: usize = 20;

/// The objects that were reached, by their numbers.
pub(crate) struct Reached {
    numbers: Vec<u8>,
    /// The highest number that is referred to and that an object may have.
    pub(crate) highest: u32,
    /// Streams that do not end where they say.
    pub(crate) endless: Vec<u32>,
}

impl Reached {
    /// Counts a reference to a number, of whatever generation: what comes there may be what it means.
    fn count(&mut self, number: u32) {
        if let Some(octet) = self.numbers.get_mut(number as usize) {
            self.highest = self.highest.max(number);
            if *octet & USES < 2 {
                *octet += 1;
            }
        }
    }

    /// Marks one as looked at; whether it was not before.
    fn walk(&mut self, number: u32) -> bool {
        let Some(octet) = self.numbers.get_mut(number as usize) else { return false };
        let is_new = *octet & WALKED == 0;
        *octet |= WALKED;
        is_new
    }

    /// How often something refers to it; of twice and more, 2.
    pub(crate) fn uses(&self, number: u32) -> u8 {
        self.numbers.get(number as usize).map_or(0, |octet| octet & USES)
    }
}

/// What is reached from these values.
pub(crate) fn reached<'a, S: Source>(
    document: &Document<S>,
    from: impl Iterator<Item = &'a Object>,
) -> Result<Reached, PdfError> {
    let reached = Reached { numbers: vec![0; HIGHEST as usize + 1], highest: 0, endless: Vec::new() };
    let mut walk = Walk { document, reached, waiting: Vec::new() };
    from.for_each(|value| walk.collect(value));
    while let Some(reference) = walk.waiting.pop() {
        let Some(found) = document.placed(reference)? else {
            walk.collect(&document.object(reference)?);
            continue;
        };
        if !document.has_end(&found)? && walk.reached.endless.len() < MOST {
            walk.reached.endless.push(reference.number);
        }
        walk.collect(&found.object);
    }
    Ok(walk.reached)
}

struct Walk<'a, S> {
    document: &'a Document<S>,
    reached: Reached,
    /// Each once.
    waiting: Vec<Reference>,
}

impl<S: Source> Walk<'_, S> {
    fn collect(&mut self, value: &Object) {
        match value {
            Object::Reference(reference) => self.refer(*reference),
            Object::Array(all) => all.iter().for_each(|one| self.collect(one)),
            Object::Dictionary(all) => all.iter().for_each(|(_, one)| self.collect(one)),
            _ => {}
        }
    }

    fn refer(&mut self, reference: Reference) {
        let Reference { number, generation } = reference;
        self.reached.count(number);
        match self.document.sections.entry(number) {
            Entry::At { generation: there, .. } if there == generation => {}
            // What is packed is what its stream says that it is.
            Entry::In { stream, .. } if generation == 0 => {
                let holder = Reference { number: stream, generation: 0 };
                if self.reached.walk(number) {
                    self.waiting.push(reference);
                    self.reached.count(stream);
                    if self.reached.walk(stream) {
                        self.waiting.push(holder);
                    }
                }
                return;
            }
            // It leads nowhere, and another of its number may lead on.
            _ => return,
        }
        if self.reached.walk(number) {
            self.waiting.push(reference);
        }
    }
}
