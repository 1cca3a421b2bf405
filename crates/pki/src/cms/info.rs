//! The one signer of a message (RFC 5652 §5.3): read, not believed.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::{
    CONTENT_TYPE, KEY_ID, MESSAGE_DIGEST, ONE, RSA, SHA256, SHA384, SHA512, SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2, TIME_STAMP_TOKEN, ZERO,
};
use crate::{
    certificate::Certificate,
    der::{self, tag},
    held::Hash,
    reader::{Element, NotDer, Reader},
    signature,
};

/// A SignerInfo with signed attributes.
pub(crate) struct SignerInfo<'a> {
    /// Who it says it is: issuer and serial number, or the name of its key. The certificate that it signs for (ESSCertID), where there is one, is what counts.
    pub(crate) named: Element<'a>,
    /// The OID of a hash.
    pub(crate) digest: &'a [u8],
    /// SignedAttributes as they are signed, but for their first octet: there it is that of a SET (RFC 5652 §5.4).
    attributes: &'a [u8],
    /// The OID of what is signed.
    pub(crate) content_type: &'a [u8],
    pub(crate) message_digest: &'a [u8],
    pub(crate) certificate: Option<CertificateHash<'a>>,
    /// The DER of an AlgorithmIdentifier.
    pub(crate) algorithm: &'a [u8],
    pub(crate) signature: &'a [u8],
    /// The first time-stamp token among what is not signed.
    pub(crate) stamp: Option<&'a [u8]>,
}

/// By which the signer's certificate is known among those that came along.
pub(crate) enum CertificateHash<'a> {
    /// ESSCertID: SHA-1.
    Sha1(&'a [u8]),
    /// ESSCertIDv2, with the OID of its hash; SHA-256 where that is left out.
    Of(Option<&'a [u8]>, &'a [u8]),
}

impl<'a> SignerInfo<'a> {
    pub(crate) fn read(mut inside: Reader<'a>) -> Result<Self, NotDer> {
        inside.unsigned()?;
        let named = inside.element()?;
        if !matches!(named.tag, tag::SEQUENCE | KEY_ID) {
            return Err(NotDer);
        }
        let digest = inside.expect(tag::SEQUENCE)?.inside().expect(tag::OID)?.content;
        let attributes = inside.expect(ZERO)?;
        let algorithm = inside.expect(tag::SEQUENCE)?.whole;
        let signature = inside.expect(tag::OCTET_STRING)?.content;
        let unsigned = inside.optional(ONE)?;
        inside.end()?;
        let (mut content_type, mut message_digest) = (None, None);
        let (mut older, mut newer) = (None, None);
        each_attribute(attributes, |kind, value, more| {
            match kind {
                CONTENT_TYPE => once(&mut content_type, value.content)?,
                MESSAGE_DIGEST => once(&mut message_digest, value.content)?,
                SIGNING_CERTIFICATE => once(&mut older, CertificateHash::v1(value)?)?,
                SIGNING_CERTIFICATE_V2 => once(&mut newer, CertificateHash::v2(value)?)?,
                _ => return Ok(()),
            }
            // Each of these has one value (RFC 5652 §11.1, §11.2; RFC 5035 §3, §5.4).
            more.end()
        })?;
        let mut stamp = None;
        if let Some(unsigned) = unsigned {
            each_attribute(unsigned, |kind, value, _| {
                stamp = stamp.or((kind == TIME_STAMP_TOKEN).then_some(value.whole));
                Ok(())
            })?;
        }
        Ok(Self {
            named,
            digest,
            attributes: attributes.whole,
            content_type: content_type.ok_or(NotDer)?,
            message_digest: message_digest.ok_or(NotDer)?,
            // Two words on the same certificate, where both are there, in whichever order: the newer hash counts.
            certificate: newer.or(older),
            algorithm,
            signature,
            stamp,
        })
    }

    /// What is signed.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = self.attributes.to_vec();
        if let Some(first) = message.first_mut() {
            *first = tag::SET;
        }
        message
    }

    /// The AlgorithmIdentifier as certificates have it: RSA's there says the hash too (RFC 8017 appendix A.2.4). None where its hash is not taken.
    pub(crate) fn whole_algorithm(&self) -> Result<Option<Vec<u8>>, NotDer> {
        let oid = Reader::of(self.algorithm).expect(tag::SEQUENCE)?.inside().expect(tag::OID)?.content;
        if oid != RSA {
            return Ok(Some(self.algorithm.to_vec()));
        }
        let with = match self.digest {
            SHA256 => 11,
            SHA384 => 12,
            SHA512 => 13,
            _ => return Ok(None),
        };
        let [head @ .., _] = RSA else { return Ok(None) };
        let oid = [head, &[with]].concat();
        Ok(Some(der::sequence(&[der::tlv(tag::OID, &oid), der::tlv(tag::NULL, &[])])))
    }

    /// Whether the key of this certificate made it. None where its algorithm is not taken, or not from such a key: nothing is known then.
    pub(crate) fn is_by(&self, certificate: &Certificate) -> Result<Option<bool>, NotDer> {
        let Some(algorithm) = self.whole_algorithm()? else { return Ok(None) };
        let key = certificate.public_key_info();
        if !signature::is_taken(&key, &algorithm) {
            return Ok(None);
        }
        Ok(Some(signature::is_by(&key, &algorithm, &self.message(), self.signature)))
    }
}

impl<'a> CertificateHash<'a> {
    /// SigningCertificate (RFC 5035 §5.4): the first is the signer's.
    fn v1(value: Element<'a>) -> Result<Self, NotDer> {
        let mut first = first_certificate(value)?;
        Ok(Self::Sha1(first.expect(tag::OCTET_STRING)?.content))
    }

    /// SigningCertificateV2 (RFC 5035 §3).
    fn v2(value: Element<'a>) -> Result<Self, NotDer> {
        let mut first = first_certificate(value)?;
        let algorithm = first.optional(tag::SEQUENCE)?;
        let algorithm = algorithm.map(|hash| hash.inside().expect(tag::OID)).transpose()?;
        let hash = first.expect(tag::OCTET_STRING)?.content;
        Ok(Self::Of(algorithm.map(|oid| oid.content), hash))
    }

    pub(crate) fn names(&self, der: &[u8]) -> bool {
        match self {
            // Which certificate of the message it is: the signature, not this, says that it is the signer's.
            Self::Sha1(said) => digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref() == *said,
            Self::Of(oid, said) => {
                hash_named(oid.unwrap_or(SHA256)).is_some_and(|hash| hash.of(der) == *said)
            }
        }
    }
}

/// The hash function of this OID, where it is taken.
pub(crate) fn hash_named(oid: &[u8]) -> Option<Hash> {
    match oid {
        SHA256 => Some(Hash::Sha256),
        SHA384 => Some(Hash::Sha384),
        SHA512 => Some(Hash::Sha512),
        _ => None,
    }
}

/// Whether a certificate is the one that a SignerIdentifier names (RFC 5652 §5.3), by issuer and serial number; by its key, any may be.
pub(crate) fn is_one_of(named: Element<'_>, certificate: &Certificate) -> bool {
    if named.tag == KEY_ID {
        return true;
    }
    let mut inside = named.inside();
    let (Ok(issuer), Ok(serial)) = (inside.expect(tag::SEQUENCE), inside.expect(tag::INTEGER)) else {
        return false;
    };
    issuer.whole == certificate.issuer().to_der() && hex::encode(serial.content) == certificate.serial()
}

fn first_certificate(value: Element<'_>) -> Result<Reader<'_>, NotDer> {
    if value.tag != tag::SEQUENCE {
        return Err(NotDer);
    }
    let mut certificates = value.inside().expect(tag::SEQUENCE)?.inside();
    Ok(certificates.expect(tag::SEQUENCE)?.inside())
}

/// Gives the kind of each attribute, its first value, and what follows that.
fn each_attribute<'a>(
    set: Element<'a>,
    mut act: impl FnMut(&'a [u8], Element<'a>, Reader<'a>) -> Result<(), NotDer>,
) -> Result<(), NotDer> {
    let mut all = set.inside();
    while !all.is_empty() {
        let mut attribute = all.expect(tag::SEQUENCE)?.inside();
        let kind = attribute.expect(tag::OID)?.content;
        let mut values = attribute.expect(tag::SET)?.inside();
        attribute.end()?;
        let first = values.element()?;
        act(kind, first, values)?;
    }
    Ok(())
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), NotDer> {
    if place.replace(value).is_none() { Ok(()) } else { Err(NotDer) }
}

/// What is inside the one element that there is.
pub(crate) fn whole(der: &[u8], tag: u8) -> Result<Reader<'_>, NotDer> {
    let mut outside = Reader::of(der);
    let element = outside.expect(tag)?;
    outside.end()?;
    Ok(element.inside())
}

/// The one element within an EXPLICIT tag.
pub(crate) fn explicit(outer: Element<'_>, tag: u8) -> Result<Element<'_>, NotDer> {
    let mut inside = outer.inside();
    let element = inside.expect(tag)?;
    inside.end()?;
    Ok(element)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn attribute(kind: &[u8], values: &[Vec<u8>]) -> Vec<u8> {
        der::sequence(&[der::tlv(tag::OID, kind), der::tlv(tag::SET, &values.concat())])
    }

    /// A SignerInfo over content with one of these hashes, and more signed attributes.
    fn signer(hashes: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
        let hashes: Vec<_> = hashes.iter().map(|it| der::tlv(tag::OCTET_STRING, &[*it; 32])).collect();
        let attributes = [
            attribute(CONTENT_TYPE, &[der::tlv(tag::OID, RSA)]),
            attribute(MESSAGE_DIGEST, &hashes),
            more.concat(),
        ];
        [
            der::unsigned(&[1]),
            der::sequence(&[]),
            der::sequence(&[der::tlv(tag::OID, SHA256)]),
            der::context(0, &attributes.concat()),
            der::sequence(&[der::tlv(tag::OID, RSA)]),
            der::tlv(tag::OCTET_STRING, &[9]),
        ]
        .concat()
    }

    #[test]
    fn of_two_words_on_the_signer_the_newer_counts_in_either_order() {
        let hash = |octets: &[u8]| {
            let id = der::sequence(&[der::tlv(tag::OCTET_STRING, octets)]);
            der::sequence(&[der::sequence(&[id])])
        };
        let older = attribute(SIGNING_CERTIFICATE, &[hash(&[1; 20])]);
        let newer = attribute(SIGNING_CERTIFICATE_V2, &[hash(&[2; 32])]);
        for both in [[older.clone(), newer.clone()], [newer.clone(), older.clone()]] {
            let der = signer(&[7], &both);
            let read = SignerInfo::read(Reader::of(&der)).unwrap();
            assert!(
                matches!(read.certificate, Some(CertificateHash::Of(None, said)) if said == [2; 32].as_slice())
            );
        }
        for twice in [[older.clone(), older], [newer.clone(), newer]] {
            assert!(SignerInfo::read(Reader::of(&signer(&[7], &twice))).is_err());
        }
    }

    #[test]
    fn what_is_signed_of_the_content_has_one_value() {
        assert!(SignerInfo::read(Reader::of(&signer(&[7], &[]))).is_ok());
        assert!(SignerInfo::read(Reader::of(&signer(&[7, 8], &[]))).is_err());
    }
}
