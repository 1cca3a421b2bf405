//! A stream of cross-references (ISO 32000-1 §7.5.8).

use super::{Entry, HIGHEST, Section, sorted};
use crate::{
    error::PdfError,
    filter::decoded,
    object::{Dictionary, Object},
    reading::{Reading, Stream},
    source::Source,
};

pub(super) fn read<S: Source + ?Sized>(
    reading: Reading<'_, S>,
    at: u64,
    most: usize,
) -> Result<Section, PdfError> {
    let wrong = |what| PdfError::damaged(what, at);
    // Nothing can be looked up yet: the length stands in the dictionary itself (§7.5.8.2).
    let Stream { dictionary, raw, until, .. } = reading.stream_at(at, reading.end, |value| {
        value.integer().ok_or(PdfError::damaged("the length of its cross-references stands elsewhere", at))
    })?;
    if !dictionary.has_name("Type", "XRef") {
        return Err(wrong("there are no cross-references where they should be"));
    }
    let rows = decoded(&dictionary, raw, at)?;
    reading.work.read(rows.len())?;
    let widths = widths(&dictionary).ok_or(wrong("its cross-references have no widths"))?;
    let mut rows = rows.chunks_exact(widths.iter().sum());
    let mut entries = Vec::new();
    for (first, count) in ranges(&dictionary).ok_or(wrong("its cross-references say not what they are of"))? {
        for (place, row) in (0..count).zip(rows.by_ref()) {
            let number = u32::try_from(first + place).ok().filter(|number| *number <= HIGHEST);
            let number = number.ok_or(PdfError::TooMuch("numbers of objects"))?;
            if entries.len() >= most {
                return Err(PdfError::TooMuch("numbers of objects"));
            }
            entries.push((number, entry(widths, row)));
        }
    }
    Ok(Section { at, trailer: dictionary, entries: sorted(entries, at)?, is_stream: true, until })
}

/// How many bytes each of the three fields has.
fn widths(dictionary: &Dictionary) -> Option<[usize; 3]> {
    let Some(Object::Array(all)) = dictionary.get("W") else { return None };
    let [kind, second, third] = all.as_slice() else { return None };
    let width =
        |value: &Object| value.integer().and_then(|it| usize::try_from(it).ok()).filter(|it| *it <= 8);
    let widths = [width(kind)?, width(second)?, width(third)?];
    (widths.iter().sum::<usize>() > 0).then_some(widths)
}

/// First number and count of each range; the ranges have as many numbers as a document may have at most.
fn ranges(dictionary: &Dictionary) -> Option<Vec<(u64, u64)>> {
    let size = u64::try_from(dictionary.integer("Size")?).ok()?;
    let Some(index) = dictionary.get("Index") else { return Some(vec![(0, size)]) };
    let Object::Array(all) = index else { return None };
    let number =
        |value: &Object| value.integer().and_then(|it| u64::try_from(it).ok()).filter(|it| *it <= 1 << 32);
    let pairs = all.chunks(2).map(|pair| match pair {
        [first, count] => Some((number(first)?, number(count)?)),
        _ => None,
    });
    pairs.collect()
}

fn entry([kind, second, third]: [usize; 3], row: &[u8]) -> Entry {
    let field = |from: usize, width: usize| {
        let octets = row.get(from..from + width).unwrap_or_default();
        octets.iter().fold(0u64, |value, octet| value << 8 | u64::from(*octet))
    };
    let type_ = if kind == 0 { 1 } else { field(0, kind) };
    let (a, b) = (field(kind, second), field(kind + second, third));
    match (type_, u16::try_from(b), u32::try_from(a), u32::try_from(b)) {
        (1, Ok(generation), _, _) => Entry::At { offset: a, generation },
        (2, _, Ok(stream), Ok(index)) => Entry::In { stream, index },
        // What is of another kind is nothing (table 18).
        _ => Entry::Free,
    }
}
