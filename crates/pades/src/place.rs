//! The place that is kept for a signature in a document, and all the bytes but those, which it signs.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256, SHA384, SHA512};
use sceau_pki::Hash;

use crate::{
    document::Document,
    error::PdfError,
    form::{self, Value},
    ground,
    source::{Source, copy, each_piece, window},
};

/// What a signature covers: all bytes to its place, and those from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// Where the place begins.
    pub before: u64,
    /// Where it ends.
    pub from: u64,
    /// Where what is covered ends.
    pub until: u64,
}

impl ByteRange {
    /// Of the numbers in `/ByteRange`, where they have this form.
    pub(crate) fn read([first, before, from, length]: [u64; 4]) -> Option<Self> {
        let until = from.checked_add(length)?;
        (first == 0 && before > 0 && before < from && length > 0).then_some(Self { before, from, until })
    }

    /// The hash of what is covered.
    pub(crate) fn hash(&self, source: &(impl Source + ?Sized), hash: Hash) -> io::Result<Vec<u8>> {
        let mut context = Context::new(match hash {
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
        });
        for range in [0..self.before, self.from..self.until] {
            each_piece(source, range, |piece| {
                context.update(piece);
                Ok(())
            })?;
        }
        Ok(context.finish().as_ref().to_vec())
    }
}

/// A place that waits for its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) range: ByteRange,
}

impl Place {
    /// The SHA-256 of all bytes but the place: what the signature's attributes name.
    ///
    /// # Errors
    /// The system's.
    pub fn hash(&self, source: &(impl Source + ?Sized)) -> Result<[u8; 32], PdfError> {
        let hash = self.range.hash(source, Hash::Sha256)?;
        hash.try_into().map_err(|_| PdfError::NothingWaits)
    }

    /// How long a signature may be.
    pub fn capacity(&self) -> usize {
        usize::try_from(self.range.from - self.range.before - 2).unwrap_or_default() / 2
    }

    /// Writes the document with the signature (a CMS message, DER) in its place.
    ///
    /// # Errors
    /// [`PdfError::PlaceTooSmall`] before anything is written; the system's.
    pub fn fill(
        &self,
        source: &(impl Source + ?Sized),
        signature: &[u8],
        out: &mut impl Write,
    ) -> Result<(), PdfError> {
        let (needed, kept) = (signature.len(), self.capacity());
        if needed > kept {
            return Err(PdfError::PlaceTooSmall { needed, kept });
        }
        copy(source, 0..self.range.before + 1, out)?;
        out.write_all(hex::encode(signature).as_bytes())?;
        let behind = self.range.before + 1 + 2 * needed as u64;
        copy(source, behind..source.size()?, out)?;
        Ok(())
    }
}

/// The place of a document that was prepared: the one that waits at its end.
///
/// # Errors
/// [`PdfError::NothingWaits`]; [`PdfError::Damaged`], where something else may have a part of the place; what opening gives.
pub fn unfinished<S: Source>(document: &Document<S>) -> Result<Place, PdfError> {
    ground::stands(document)?;
    let mut found = None;
    for field in form::signatures(document)? {
        let Value::Signed(signed) = field.signed(document)? else { continue };
        let Some(range) = signed.byte_range().and_then(ByteRange::read) else { continue };
        let is_its_own = signed.contents == Some((range.before, range.from));
        if is_its_own && range.until == document.end && waits(&document.source, range)? {
            if found.is_some() {
                return Err(PdfError::NothingWaits);
            }
            found = Some(Place { range });
        }
    }
    found.ok_or(PdfError::NothingWaits)
}

/// Whether there are zeros alone.
fn waits(source: &(impl Source + ?Sized), range: ByteRange) -> Result<bool, PdfError> {
    if range.from - range.before > 4 << 20 {
        return Ok(false);
    }
    let place = window(source, range.before..range.from)?;
    let [b'<', inside @ .., b'>'] = place.as_slice() else { return Ok(false) };
    Ok(inside.iter().all(|octet| *octet == b'0') && inside.len().is_multiple_of(2))
}
