//! What ties an answer to its question (RFC 9654).

use aws_lc_rs::rand;

use super::NONCE;
use crate::{
    der::{self, tag},
    error::Error,
    extension,
    oid::Oid,
    reader::{NotDer, Reader},
};

/// Octets that nobody can know before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcspNonce([u8; 32]);

impl OcspNonce {
    /// Random ones: 32, as RFC 9654 §2.1 asks of clients.
    ///
    /// # Errors
    /// [`Error::Crypto`].
    pub fn random() -> Result<Self, Error> {
        let mut octets = [0; 32];
        rand::fill(&mut octets)?;
        Ok(Self(octets))
    }

    /// These.
    pub fn of(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The extension that carries it.
pub(super) fn extension(octets: &[u8]) -> Vec<u8> {
    extension::extension(&Oid::literal(NONCE), false, &der::tlv(tag::OCTET_STRING, octets))
}

/// Its value: 1 to 128 octets (RFC 9654 §2.1).
pub(super) fn read(mut value: Reader<'_>) -> Result<&[u8], NotDer> {
    let octets = value.expect(tag::OCTET_STRING)?.content;
    value.end()?;
    if (1..=128).contains(&octets.len()) { Ok(octets) } else { Err(NotDer) }
}
