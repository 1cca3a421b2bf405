//! A SignedData as it was sent: read, not believed.

use super::{ONE, SIGNED_DATA, SignerInfo, ZERO, explicit, whole};
use crate::{der::tag, reader::NotDer};

/// A SignedData in its ContentInfo, of one signer (RFC 5652 section 5.1).
pub(crate) struct SignedData<'a> {
    /// The OID of what its content is.
    pub(crate) content_type: &'a [u8],
    /// The content; none where it is kept elsewhere.
    pub(crate) content: Option<&'a [u8]>,
    /// The DER of each.
    pub(crate) certificates: Vec<&'a [u8]>,
    /// Who signed it.
    pub(crate) signer: SignerInfo<'a>,
}

impl<'a> SignedData<'a> {
    /// Reads all of it.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, NotDer> {
        let mut content_info = whole(der, tag::SEQUENCE)?;
        if content_info.expect(tag::OID)?.content != SIGNED_DATA {
            return Err(NotDer);
        }
        let mut signed = explicit(content_info.expect(ZERO)?, tag::SEQUENCE)?.inside();
        content_info.end()?;
        signed.unsigned()?;
        signed.expect(tag::SET)?;
        let mut encapsulated = signed.expect(tag::SEQUENCE)?.inside();
        let content_type = encapsulated.expect(tag::OID)?.content;
        let content = encapsulated.optional(ZERO)?;
        let content = content.map(|content| explicit(content, tag::OCTET_STRING)).transpose()?;
        encapsulated.end()?;
        let mut certificates = Vec::new();
        if let Some(all) = signed.optional(ZERO)? {
            let mut all = all.inside();
            while !all.is_empty() {
                let one = all.element()?;
                // Other forms of certificates (RFC 5652 section 10.2.2) are nobody's signer here.
                certificates.extend((one.tag == tag::SEQUENCE).then_some(one.whole));
            }
        }
        signed.optional(ONE)?;
        let mut signers = signed.expect(tag::SET)?.inside();
        signed.end()?;
        let signer = SignerInfo::read(signers.expect(tag::SEQUENCE)?.inside())?;
        // One and no other: of time stamps RFC 3161 section 2.4.2 says it, of PDFs ETSI EN 319 142-1.
        signers.end()?;
        Ok(Self { content_type, content: content.map(|content| content.content), certificates, signer })
    }
}
