//! A signature, put together: what is to be signed first, then, with its signature, the message.

use super::{
    CONTENT_TYPE, DATA, MESSAGE_DIGEST, SHA256, SIGNED_DATA, SIGNING_CERTIFICATE_V2, TIME_STAMP_TOKEN,
};
use crate::{
    certificate::Certificate,
    der::{self, tag},
    error::Error,
    held::{Hash, Signing},
    key::RSA_ENCRYPTION,
    reader::Reader,
    signature,
};

/// How a holder signs: by what its certificate's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaSha256,
}

impl SignatureKind {
    /// Of a certificate's key; none where documents are not signed by such a key here.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        let info = certificate.public_key_info();
        let algorithm = Reader::of(&info).expect(tag::SEQUENCE).ok()?.inside().expect(tag::SEQUENCE).ok()?;
        let mut inside = algorithm.inside();
        let oid = inside.expect(tag::OID).ok()?.whole;
        if oid == RSA_ENCRYPTION.to_der() && signature::is_spoken(&info) {
            return Some(Self::RsaSha256);
        }
        let curve = inside.expect(tag::OID).ok()?.whole;
        (curve == P256.as_slice()).then_some(Self::EcdsaP256)
    }

    /// How a key makes it.
    pub fn signing(self) -> Signing {
        match self {
            Self::EcdsaP256 => Signing::Ecdsa,
            Self::RsaSha256 => Signing::RsaPkcs1(Hash::Sha256),
        }
    }

    /// The AlgorithmIdentifier (RFC 5754 §3).
    fn algorithm(self) -> Vec<u8> {
        match self {
            Self::EcdsaP256 => der::sequence(&[der::tlv(tag::OID, ECDSA_WITH_SHA256)]),
            Self::RsaSha256 => {
                der::sequence(&[der::tlv(tag::OID, SHA256_WITH_RSA), der::tlv(tag::NULL, &[])])
            }
        }
    }
}

const P256: [u8; 10] = [tag::OID, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];

/// What is to be signed: the content's SHA-256 and the signer's certificate, and no time, which a document says elsewhere (ETSI EN 319 142-1 §6.3).
#[derive(Clone, Debug)]
pub struct SignedAttributes {
    certificate: Certificate,
    kind: SignatureKind,
    /// The DER of the SET.
    der: Vec<u8>,
}

impl SignedAttributes {
    /// Of the content with this SHA-256, by the holder of this certificate. None where documents are not signed by such a key here.
    pub fn new(certificate: &Certificate, content: &[u8; 32]) -> Option<Self> {
        let kind = SignatureKind::of(certificate)?;
        // ESSCertIDv2 (RFC 5035 §4): SHA-256 is what is meant where no hash is named.
        let id = der::sequence(&[der::tlv(tag::OCTET_STRING, certificate.fingerprint().as_bytes())]);
        let mut all = [
            attribute(CONTENT_TYPE, &der::tlv(tag::OID, DATA)),
            attribute(MESSAGE_DIGEST, &der::tlv(tag::OCTET_STRING, content)),
            attribute(SIGNING_CERTIFICATE_V2, &der::sequence(&[der::sequence(&[id])])),
        ];
        // The order of a SET OF in DER (X.690 §11.6).
        all.sort();
        Some(Self { certificate: certificate.clone(), kind, der: der::tlv(tag::SET, &all.concat()) })
    }

    /// The octets whose signature is asked for, hashed with SHA-256.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.der
    }

    /// How they are signed.
    pub fn kind(&self) -> SignatureKind {
        self.kind
    }

    /// Whether this is the signature of the certificate's holder.
    pub fn is_signed_by(&self, signature: &[u8]) -> bool {
        let key = self.certificate.public_key_info();
        signature::is_by(&key, &self.kind.algorithm(), &self.der, signature)
    }

    /// The ContentInfo with SignedData (RFC 5652 §5), DER: the signer's certificate, those above it, and a time-stamp token of the signature where there is one.
    ///
    /// # Errors
    /// [`Error::KeyMismatch`] where it is not the holder's signature.
    pub fn complete(
        &self,
        signature: &[u8],
        above: &[Certificate],
        stamp: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        if !self.is_signed_by(signature) {
            return Err(Error::KeyMismatch);
        }
        let certificate = self.certificate.parsed()?;
        let named = der::sequence(&[
            self.certificate.issuer().to_der(),
            der::tlv(tag::INTEGER, certificate.raw_serial()),
        ]);
        let digest = der::sequence(&[der::tlv(tag::OID, SHA256)]);
        let signed = Reader::of(&self.der).expect(tag::SET).map_err(|_| Error::Crypto)?;
        let mut signer = vec![
            der::unsigned(&[1]),
            named,
            digest.clone(),
            der::context(0, signed.content),
            self.kind.algorithm(),
            der::tlv(tag::OCTET_STRING, signature),
        ];
        signer.extend(stamp.map(|token| der::context(1, &attribute(TIME_STAMP_TOKEN, token))));
        let mut certificates = vec![self.certificate.der().to_vec()];
        for one in above.iter().map(|it| it.der().to_vec()) {
            if !certificates.contains(&one) {
                certificates.push(one);
            }
        }
        certificates.sort();
        let data = der::sequence(&[
            der::unsigned(&[1]),
            der::tlv(tag::SET, &digest),
            der::sequence(&[der::tlv(tag::OID, DATA)]),
            der::context(0, &certificates.concat()),
            der::tlv(tag::SET, &der::sequence(&signer)),
        ]);
        Ok(der::sequence(&[der::tlv(tag::OID, SIGNED_DATA), der::context(0, &data)]))
    }
}

/// An Attribute of one value.
fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    der::sequence(&[der::tlv(tag::OID, kind), der::tlv(tag::SET, value)])
}
