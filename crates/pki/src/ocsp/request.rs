//! A question as a responder reads it (RFC 6960 §4.1.1).

use super::{LONGEST, NONCE, OcspFailure, id::CertId, nonce};
use crate::{
    der::tag,
    reader::{NotDer, Reader, each_extension},
};

/// What was asked; a signature under it is not looked at, since anybody may ask.
#[derive(Clone, Debug)]
pub struct OcspRequest {
    /// The DER of each CertID.
    ids: Vec<Vec<u8>>,
    nonce: Option<Vec<u8>>,
}

/// The most certificates of a question.
const MOST: usize = 64;

impl OcspRequest {
    /// Reads one.
    ///
    /// # Errors
    /// What to answer: [`OcspFailure::MalformedRequest`].
    pub fn read(der: &[u8]) -> Result<Self, OcspFailure> {
        read(der).map_err(|_| OcspFailure::MalformedRequest)
    }

    /// Whether the answer is for this question only, and so nobody else's to keep.
    pub fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }

    pub(super) fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = CertId<'_>> {
        // Read before.
        self.ids.iter().filter_map(|der| CertId::read(&mut Reader::of(der)).ok())
    }
}

fn read(der: &[u8]) -> Result<OcspRequest, NotDer> {
    if der.len() > LONGEST {
        return Err(NotDer);
    }
    let mut outside = Reader::of(der);
    let mut inside = outside.expect(tag::SEQUENCE)?.inside();
    outside.end()?;
    let mut signed = inside.expect(tag::SEQUENCE)?.inside();
    inside.optional(0xa0)?;
    inside.end()?;
    if let Some(version) = signed.optional(0xa0)? {
        let mut version = version.inside();
        if !version.unsigned()?.is_empty() {
            return Err(NotDer);
        }
        version.end()?;
    }
    signed.optional(0xa1)?;
    let mut all = signed.expect(tag::SEQUENCE)?.inside();
    let mut ids = Vec::new();
    while !all.is_empty() {
        let mut one = all.expect(tag::SEQUENCE)?.inside();
        ids.push(CertId::read(&mut one)?.whole.to_vec());
        one.optional(0xa0)?;
        one.end()?;
    }
    let mut found = None;
    if let Some(explicit) = signed.optional(0xa2)? {
        let mut explicit = explicit.inside();
        let extensions = explicit.expect(tag::SEQUENCE)?.inside();
        explicit.end()?;
        each_extension(extensions, |oid, critical, value| match oid {
            NONCE if found.is_some() => Err(NotDer),
            NONCE => nonce::read(value).map(|octets| found = Some(octets.to_vec())),
            _ if critical => Err(NotDer),
            _ => Ok(()),
        })?;
    }
    signed.end()?;
    if ids.is_empty() || ids.len() > MOST { Err(NotDer) } else { Ok(OcspRequest { ids, nonce: found }) }
}
