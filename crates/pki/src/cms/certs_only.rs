//! Certificates that are handed over in a message that signs nothing, as authorities answer (RFC 7030 §4.1.3, §4.2.3; RFC 5652 §5.1, §5.2).

use thiserror::Error;

use super::{DATA, ONE, SIGNED_DATA, ZERO, explicit, whole};
use crate::{certificate::Certificate, der::tag, reader::NotDer};

/// The longest message that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// The most certificates of one message.
const MOST: usize = 12;

/// Why bytes are no such message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotCertsOnly {
    /// Not the DER of a SignedData with certificates alone: without content, and without a signer.
    #[error("it is not certificates alone (a degenerate SignedData) in DER")]
    Malformed,
    /// Longer than any, or more certificates than any.
    #[error("it is longer, or has more certificates, than any such answer")]
    TooLong,
    /// No certificate is in it.
    #[error("no certificate is in it")]
    Empty,
}

impl From<NotDer> for NotCertsOnly {
    fn from(_: NotDer) -> Self {
        Self::Malformed
    }
}

/// The certificates of such a message, all of it, in its order. Nothing says whether to trust them.
///
/// # Errors
/// [`NotCertsOnly`].
pub fn certs_only(der: &[u8]) -> Result<Vec<Certificate>, NotCertsOnly> {
    if der.len() > LONGEST {
        return Err(NotCertsOnly::TooLong);
    }
    let mut content_info = whole(der, tag::SEQUENCE)?;
    if content_info.expect(tag::OID)?.content != SIGNED_DATA {
        return Err(NotCertsOnly::Malformed);
    }
    let mut signed = explicit(content_info.expect(ZERO)?, tag::SEQUENCE)?.inside();
    content_info.end()?;
    signed.unsigned()?;
    // Of digests none is needed, and one that is named counts for nothing.
    signed.expect(tag::SET)?;
    let mut encapsulated = signed.expect(tag::SEQUENCE)?.inside();
    let of_data = encapsulated.expect(tag::OID)?.content == DATA;
    encapsulated.end()?;
    let all = signed.optional(ZERO)?;
    // Revocation lists may come along: nobody asked for them.
    signed.optional(ONE)?;
    let signers = signed.expect(tag::SET)?;
    signed.end()?;
    if !of_data || !signers.content.is_empty() {
        return Err(NotCertsOnly::Malformed);
    }
    let mut all = all.ok_or(NotCertsOnly::Empty)?.inside();
    let mut certificates = Vec::new();
    while !all.is_empty() {
        if certificates.len() == MOST {
            return Err(NotCertsOnly::TooLong);
        }
        // Other forms of certificates (RFC 5652 §10.2.2) were not asked for.
        let one = all.expect(tag::SEQUENCE)?;
        let one = Certificate::from_der(one.whole, "an answer").map_err(|_| NotCertsOnly::Malformed)?;
        certificates.push(one);
    }
    if certificates.is_empty() { Err(NotCertsOnly::Empty) } else { Ok(certificates) }
}
