//! Pages (ISO 32000-1 §7.7.3): found by walking their tree, whose counts are not believed.

use std::{collections::BTreeSet, rc::Rc};

use crate::{
    document::Document,
    error::PdfError,
    object::{Dictionary, Object, Reference},
    source::Source,
};

/// The most nodes of the tree that are looked at, and how deep it is.
const MOST: usize = 200_000;
const DEPTH: usize = 64;

/// What pages take from the nodes above them.
#[derive(Clone, Debug, Default)]
struct Inherited {
    media: Option<Object>,
    crop: Option<Object>,
    turn: Option<Object>,
}

/// A page.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) reference: Reference,
    pub(crate) dictionary: Dictionary,
    /// What is shown of it: left, bottom, right, top, in points.
    pub(crate) shown: [f64; 4],
    /// By how much it is turned clockwise when it is shown: 0, 90, 180 or 270.
    pub(crate) turn: u16,
}

/// The page of this number, counted from 1.
pub(crate) fn page<S: Source>(document: &Document<S>, number: u32) -> Result<Page, PdfError> {
    let mut count = 0;
    let mut found = None;
    each(document, |reference, dictionary, inherited| {
        count += 1;
        if count == number {
            found = Some((reference, dictionary, inherited.clone()));
        }
        Ok(found.is_none())
    })?;
    let (reference, dictionary, inherited) = found.ok_or(PdfError::NoPage { asked: number, pages: count })?;
    let rectangle = |value: &Option<Object>| -> Result<Option<[f64; 4]>, PdfError> {
        value.as_ref().map_or(Ok(None), |value| rectangle(document, value))
    };
    let media = rectangle(&inherited.media)?.unwrap_or([0.0, 0.0, 612.0, 792.0]);
    let crop = rectangle(&inherited.crop)?.unwrap_or(media);
    let shown = [crop[0].max(media[0]), crop[1].max(media[1]), crop[2].min(media[2]), crop[3].min(media[3])];
    let turn = inherited.turn.map_or(Ok(Object::Null), |value| document.resolved(&value))?;
    let turn = turn.integer().unwrap_or_default().rem_euclid(360);
    Ok(Page { reference, dictionary, shown, turn: u16::try_from(turn).unwrap_or_default() / 90 * 90 })
}

/// The number of each page, by its object, as far as they are counted.
pub(crate) fn numbers<S: Source>(
    document: &Document<S>,
) -> Result<std::collections::BTreeMap<Reference, u32>, PdfError> {
    let mut all = std::collections::BTreeMap::new();
    let mut count = 0;
    each(document, |reference, _, _| {
        count += 1;
        all.insert(reference, count);
        Ok(true)
    })?;
    Ok(all)
}

/// Gives each page in its order, until `act` says that it is enough.
fn each<S: Source>(
    document: &Document<S>,
    mut act: impl FnMut(Reference, Dictionary, &Inherited) -> Result<bool, PdfError>,
) -> Result<(), PdfError> {
    let (_, catalog) = document.catalog()?;
    let broken = || PdfError::damaged("its pages are none", None);
    let top = catalog.reference("Pages").ok_or_else(broken)?;
    let mut waiting = vec![(top, Rc::new(Inherited::default()), 0)];
    let mut seen = BTreeSet::new();
    while let Some((reference, above, depth)) = waiting.pop() {
        if !seen.insert(reference) || depth > DEPTH {
            return Err(PdfError::damaged("its pages stand in a circle", None));
        }
        let Object::Dictionary(node) = document.object(reference)? else { return Err(broken()) };
        let own = |key: &str, above: &Option<Object>| node.get(key).or(above.as_ref()).cloned();
        let inherited = Rc::new(Inherited {
            media: own("MediaBox", &above.media),
            crop: own("CropBox", &above.crop),
            turn: own("Rotate", &above.turn),
        });
        if node.get("Kids").is_none() {
            if !act(reference, node, &inherited)? {
                return Ok(());
            }
            continue;
        }
        let kids = document.array(&node, "Kids")?;
        if seen.len() + waiting.len() + kids.len() > MOST {
            return Err(PdfError::TooMuch("pages"));
        }
        for kid in kids.iter().rev() {
            waiting.push((kid.reference().ok_or_else(broken)?, Rc::clone(&inherited), depth + 1));
        }
    }
    Ok(())
}

/// A rectangle, its corners in order (ISO 32000-1 §7.9.5).
pub(crate) fn rectangle<S: Source>(
    document: &Document<S>,
    value: &Object,
) -> Result<Option<[f64; 4]>, PdfError> {
    let Object::Array(all) = document.resolved(value)? else { return Ok(None) };
    let numbers =
        all.iter().map(|one| Ok(document.resolved(one)?.number())).collect::<Result<Vec<_>, PdfError>>()?;
    let [Some(a), Some(b), Some(c), Some(d)] = numbers.as_slice() else { return Ok(None) };
    let fine = [a, b, c, d].iter().all(|number| number.is_finite() && number.abs() < 1e7);
    Ok(fine.then_some([a.min(*c), b.min(*d), a.max(*c), b.max(*d)]))
}
