//! Streams of cross-references and of objects, decoded (ISO 32000-1 §7.4): those by Flate, which is what writers use. What pages show is never decoded.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::{
    error::PdfError,
    object::{Dictionary, Object},
};

/// What a stream may become at most.
const LONGEST: usize = 32 << 20;

/// The bytes that a stream stands for.
pub(crate) fn decoded(dictionary: &Dictionary, raw: Vec<u8>, at: u64) -> Result<Vec<u8>, PdfError> {
    let one = |value: &Object| match value {
        Object::Array(all) if all.len() <= 1 => all.first().cloned().unwrap_or(Object::Null),
        Object::Array(_) => Object::Boolean(false),
        other => other.clone(),
    };
    let filter = dictionary.get("Filter").map_or(Object::Null, one);
    match filter {
        Object::Null => return Ok(raw),
        filter if filter.is_name("FlateDecode") || filter.is_name("Fl") => {}
        _ => return Err(PdfError::NotTaken("a stream of its structure is packed otherwise than by Flate")),
    }
    let unpacked = decompress_to_vec_zlib_with_limit(&raw, LONGEST).map_err(|failed| {
        if failed.status == miniz_oxide::inflate::TINFLStatus::HasMoreOutput {
            PdfError::TooMuch("a stream of its structure unpacks to more than 32 MiB")
        } else {
            PdfError::damaged("a stream of its structure does not unpack", at)
        }
    })?;
    match dictionary.get("DecodeParms").map_or(Object::Null, one) {
        Object::Null => Ok(unpacked),
        Object::Dictionary(parameters) => predicted(&parameters, unpacked, at),
        _ => Err(PdfError::damaged("a stream's parameters are none", at)),
    }
}

/// Undoes a predictor (§7.4.4.4): PNG's, row by row.
fn predicted(parameters: &Dictionary, bytes: Vec<u8>, at: u64) -> Result<Vec<u8>, PdfError> {
    let said = |key, default| parameters.integer(key).unwrap_or(default);
    match said("Predictor", 1) {
        1 => return Ok(bytes),
        10..=15 => {}
        _ => return Err(PdfError::NotTaken("a stream of its structure has a predictor that is not PNG's")),
    }
    let (columns, colours, bits) = (said("Columns", 1), said("Colors", 1), said("BitsPerComponent", 8));
    if !(1..=4096).contains(&columns) || colours != 1 || bits != 8 {
        return Err(PdfError::NotTaken("a stream of its structure has rows that are none of bytes"));
    }
    let width = usize::try_from(columns).unwrap_or(1);
    let (mut out, mut above) = (Vec::with_capacity(bytes.len()), vec![0; width]);
    for row in bytes.chunks(width + 1) {
        let Some((kind, row)) = row.split_first() else { break };
        let (mut left, mut corner) = (0u8, 0u8);
        for (octet, up) in row.iter().zip(above.iter_mut()) {
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => *up,
                3 => left.midpoint(*up),
                4 => paeth(left, *up, corner),
                _ => return Err(PdfError::damaged("a stream's rows are none of PNG", at)),
            };
            left = octet.wrapping_add(guess);
            corner = std::mem::replace(up, left);
            out.push(left);
        }
    }
    Ok(out)
}

/// The Paeth predictor (PNG, §9.4).
fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |octet: u8| (estimate - i16::from(octet)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn rows_of_each_kind_come_back() {
        let parameters =
            Dictionary::of([("Predictor", Object::Integer(12)), ("Columns", Object::Integer(3))]);
        let packed = vec![0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 4, 4, 4, 4, 1, 1, 1];
        let rows = predicted(&parameters, packed, 0).unwrap();
        assert_eq!(rows, [1, 2, 3, 1, 2, 3, 2, 3, 4, 5, 8, 10, 6, 9, 11]);
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; LONGEST + 1], 9);
        assert!(bomb.len() < 64 << 10);
        let packed = Dictionary::of([("Filter", Object::name("FlateDecode"))]);
        assert!(matches!(decoded(&packed, bomb, 0), Err(PdfError::TooMuch(_))));
    }
}
