//! Of which certificate is spoken (CertID, RFC 6960 §4.1.1): by hashes of its issuer's name and key, and its serial number.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};

use crate::{
    certificate::Certificate,
    der::{self, tag},
    error::Error,
    reader::{NotDer, Reader},
};

/// How a question names the issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OcspHash {
    /// SHA-1, which every responder knows (RFC 5019 §2.1.1). It names, and proves nothing.
    #[default]
    Sha1,
    /// SHA-256.
    Sha256,
}

const SHA1_OID: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
const SHA256_OID: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// Those by which an answer may name it.
static KNOWN: [(&[u8], &digest::Algorithm); 4] = [
    (SHA1_OID, &SHA1_FOR_LEGACY_USE_ONLY),
    (SHA256_OID, &SHA256),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], &SHA384),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], &SHA512),
];

/// An issuer, as certificates and their identifiers name it.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    /// The DER of its name.
    name: Vec<u8>,
    /// Its key, without algorithm.
    key: Vec<u8>,
}

/// A CertID as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct CertId<'a> {
    hash: &'a [u8],
    issuer_name: &'a [u8],
    issuer_key: &'a [u8],
    /// The content of an INTEGER.
    pub(super) serial: &'a [u8],
    /// Its DER.
    pub(super) whole: &'a [u8],
}

impl Issuer {
    pub(super) fn of(certificate: &Certificate) -> Result<Self, Error> {
        let parsed = certificate.parsed()?;
        let key = parsed.public_key().subject_public_key.data.to_vec();
        Ok(Self { name: parsed.subject().as_raw().to_vec(), key })
    }

    /// The DER of the CertID of its certificate with this serial number (the content of an INTEGER).
    pub(super) fn names(&self, serial: &[u8], hash: OcspHash) -> Vec<u8> {
        let (oid, algorithm) = match hash {
            OcspHash::Sha1 => (SHA1_OID, &SHA1_FOR_LEGACY_USE_ONLY),
            OcspHash::Sha256 => (SHA256_OID, &SHA256),
        };
        let hashed = |octets| der::tlv(tag::OCTET_STRING, digest::digest(algorithm, octets).as_ref());
        der::sequence(&[
            der::sequence(&[der::tlv(tag::OID, oid), der::tlv(tag::NULL, &[])]),
            hashed(&self.name),
            hashed(&self.key),
            der::tlv(tag::INTEGER, serial),
        ])
    }
}

impl<'a> CertId<'a> {
    pub(super) fn read(from: &mut Reader<'a>) -> Result<Self, NotDer> {
        let id = from.expect(tag::SEQUENCE)?;
        let mut inside = id.inside();
        let mut algorithm = inside.expect(tag::SEQUENCE)?.inside();
        let hash = algorithm.expect(tag::OID)?.content;
        algorithm.optional(tag::NULL)?.map_or(Ok(()), |null| null.inside().end())?;
        algorithm.end()?;
        let issuer_name = inside.expect(tag::OCTET_STRING)?.content;
        let issuer_key = inside.expect(tag::OCTET_STRING)?.content;
        let serial = inside.expect(tag::INTEGER)?.content;
        inside.end()?;
        Ok(Self { hash, issuer_name, issuer_key, serial, whole: id.whole })
    }

    /// Whether it is of a certificate of this issuer: by name and by key.
    pub(super) fn is_of(&self, issuer: &Issuer) -> bool {
        let known = KNOWN.iter().find(|(oid, _)| *oid == self.hash);
        known.is_some_and(|(_, algorithm)| {
            let hashed = |octets: &[u8]| digest::digest(algorithm, octets);
            hashed(&issuer.name).as_ref() == self.issuer_name
                && hashed(&issuer.key).as_ref() == self.issuer_key
        })
    }
}

/// The KeyHash of a ResponderID (§4.2.1): SHA-1 of a key, without algorithm.
pub(super) fn key_hash(certificate: &Certificate) -> Result<Vec<u8>, Error> {
    let key = Issuer::of(certificate)?.key;
    Ok(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &key).as_ref().to_vec())
}
