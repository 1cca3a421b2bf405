//! Everything that a document leads to from its catalog, each object once.

use crate::{
    document::Document,
    error::PdfError,
    object::{Object, Reference},
    source::Source,
    xref::HIGHEST,
};

/// The numbers that were reached, one bit each.
pub(super) struct Reached(Vec<u64>);

impl Reached {
    fn new() -> Self {
        Self(vec![0; HIGHEST as usize / 64 + 1])
    }

    /// Marks a number; whether it was not marked before.
    fn mark(&mut self, number: u32) -> bool {
        let Some(word) = self.0.get_mut(number as usize / 64) else { return false };
        let bit = 1 << (number % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Marks one that is known otherwise.
    pub(super) fn also(&mut self, number: u32) {
        self.mark(number);
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }
}

/// What is reached from these values.
pub(super) fn reached<'a, S: Source>(
    document: &Document<S>,
    from: impl Iterator<Item = &'a Object>,
) -> Result<Reached, PdfError> {
    let mut reached = Reached::new();
    let mut waiting = Vec::new();
    from.for_each(|value| collect(value, &mut waiting));
    while let Some(reference) = waiting.pop() {
        if reached.mark(reference.number) {
            collect(&document.object(reference)?, &mut waiting);
        }
    }
    Ok(reached)
}

fn collect(value: &Object, into: &mut Vec<Reference>) {
    match value {
        Object::Reference(reference) => into.push(*reference),
        Object::Array(all) => all.iter().for_each(|one| collect(one, into)),
        Object::Dictionary(all) => all.iter().for_each(|(_, one)| collect(one, into)),
        _ => {}
    }
}
