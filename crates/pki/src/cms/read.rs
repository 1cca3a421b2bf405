//! A message with one signature over content that is kept elsewhere: read, then judged.

use super::{CertificateHash, CmsRefusal, DATA, SignedData, SignerInfo, hash_named, is_one_of};
use crate::{certificate::Certificate, der::tag, held::Hash, reader::Reader};

/// The longest message that is read.
const LONGEST: usize = 1 << 20;
/// The most certificates of a message that are looked at.
const MOST: usize = 16;

/// A signature as it was sent.
pub struct DetachedSignature<'a> {
    certificates: Vec<&'a [u8]>,
    signer: SignerInfo<'a>,
    hash: Hash,
}

/// Whose signature it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The certificate whose key signed.
    pub certificate: Certificate,
    /// Whether the signature covers which certificate it is; else another one of the same key could be put in its place.
    pub bound: bool,
}

impl<'a> DetachedSignature<'a> {
    /// Reads a ContentInfo, all of it.
    ///
    /// # Errors
    /// [`CmsRefusal`].
    pub fn read(der: &'a [u8]) -> Result<Self, CmsRefusal> {
        if der.len() > LONGEST {
            return Err(CmsRefusal::TooLong);
        }
        let SignedData { content_type, content, mut certificates, signer } = SignedData::read(der)?;
        // Content of its own would be what is signed, not what is kept elsewhere.
        if content.is_some() || content_type != DATA || signer.content_type != DATA {
            return Err(CmsRefusal::Malformed);
        }
        let hash = hash_named(signer.digest).ok_or(CmsRefusal::Algorithm)?;
        certificates.truncate(MOST);
        Ok(Self { certificates, signer, hash })
    }

    /// By which the content is to be hashed.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Verifies it over the content with this hash.
    ///
    /// # Errors
    /// [`CmsRefusal`].
    pub fn verify(&self, content: &[u8]) -> Result<Signer, CmsRefusal> {
        if content != self.signer.message_digest {
            return Err(CmsRefusal::AnotherContent);
        }
        let mut refusal = CmsRefusal::UnknownSigner;
        for certificate in self.candidates() {
            match self.signer.is_by(&certificate)? {
                None => return Err(CmsRefusal::Algorithm),
                Some(false) => refusal = CmsRefusal::FalseSignature,
                Some(true) => return Ok(Signer { certificate, bound: self.signer.certificate.is_some() }),
            }
        }
        Err(refusal)
    }

    /// The certificates that may be the signer's.
    fn candidates(&self) -> impl Iterator<Item = Certificate> {
        let named = |der: &&&[u8]| {
            self.signer.certificate.as_ref().is_none_or(|hash: &CertificateHash<'_>| hash.names(der))
        };
        let read = |der: &&[u8]| Certificate::from_der(der, "a signer").ok();
        self.certificates.iter().filter(named).filter_map(read).filter(|it| is_one_of(self.signer.named, it))
    }

    /// The signature itself, which a time stamp is of.
    pub fn value(&self) -> &'a [u8] {
        self.signer.signature
    }

    /// The time-stamp token of the signature, not believed yet.
    pub fn stamp(&self) -> Option<&'a [u8]> {
        self.signer.stamp
    }

    /// The certificates that came along, as far as they can be read: the signer's and those above it.
    pub fn certificates(&self) -> Vec<Certificate> {
        let read = |der: &&[u8]| Certificate::from_der(der, "a signature").ok();
        self.certificates.iter().filter_map(read).collect()
    }

    /// What the signature is made by, in words.
    pub fn algorithm(&self) -> &'static str {
        let algorithm = self.signer.whole_algorithm().ok().flatten().unwrap_or_default();
        let oid = Reader::of(&algorithm).expect(tag::SEQUENCE).and_then(|it| it.inside().expect(tag::OID));
        match oid.map(|it| it.content).unwrap_or_default() {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => "ECDSA with SHA-256",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => "ECDSA with SHA-384",
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => "ECDSA with SHA-512",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => "RSASSA-PSS",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11] => "RSA (PKCS#1 v1.5) with SHA-256",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] => "RSA (PKCS#1 v1.5) with SHA-384",
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] => "RSA (PKCS#1 v1.5) with SHA-512",
            [0x2b, 0x65, 0x70] => "Ed25519",
            _ => "an algorithm that is not taken here",
        }
    }
}

/// The first DER element of bytes behind which there are zeros alone, as in a place that was kept for it; its length is definite. None where it is not so.
pub fn first_element(padded: &[u8]) -> Option<&[u8]> {
    let mut all = Reader::of(padded);
    let first = all.element().ok()?.whole;
    let rest = padded.get(first.len()..)?;
    rest.iter().all(|octet| *octet == 0).then_some(first)
}
