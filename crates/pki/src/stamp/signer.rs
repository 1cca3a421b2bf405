//! Who signed a token, and by what right.

use std::time::Duration;

use aws_lc_rs::digest::{self, Algorithm, digest};
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{
    RSA, SHA256, SHA384, SHA512, StampRefusal, TIME_STAMPING,
    token::{CertificateHash, SignerInfo, Token},
};
use crate::{
    anchors::Anchors,
    certificate::Certificate,
    der::{self, tag},
    name::Name,
    reader::Reader,
    signature, tls,
};

/// The most certificates of a token that are looked at.
const MOST: usize = 8;

/// The subject of whoever signed a token, once its certificate lets it, as of the token's own time.
pub(super) fn of(token: &Token<'_>, anchors: &Anchors) -> Result<Name, StampRefusal> {
    let signer = &token.signer;
    let hash = hash_of(signer.digest).ok_or(StampRefusal::Algorithm)?;
    if digest(hash, token.content).as_ref() != signer.message_digest {
        return Err(StampRefusal::FalseSignature);
    }
    let named = token.certificates.iter().take(MOST).find(|der| is_named(&signer.certificate, der));
    let certificate = named.and_then(|der| Certificate::from_der(der, "a time-stamping authority").ok());
    let certificate = certificate.ok_or(StampRefusal::UnknownSigner)?;
    let algorithm = algorithm(signer)?;
    let mut message = signer.attributes.to_vec();
    if let Some(first) = message.first_mut() {
        *first = tag::SET;
    }
    if !signature::is_by(&certificate.public_key_info(), &algorithm, &message, signer.signature) {
        return Err(StampRefusal::FalseSignature);
    }
    authorised(&certificate, token, anchors)?;
    Ok(certificate.subject().clone())
}

fn hash_of(oid: &[u8]) -> Option<&'static Algorithm> {
    match oid {
        SHA256 => Some(&digest::SHA256),
        SHA384 => Some(&digest::SHA384),
        SHA512 => Some(&digest::SHA512),
        _ => None,
    }
}

fn is_named(hash: &CertificateHash<'_>, der: &[u8]) -> bool {
    match hash {
        // Which certificate of the token it is: the signature, not this, says that it is the signer's.
        CertificateHash::Sha1(said) => digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref() == *said,
        CertificateHash::Of(oid, said) => {
            hash_of(oid.unwrap_or(SHA256)).is_some_and(|hash| digest(hash, der).as_ref() == *said)
        }
    }
}

/// The AlgorithmIdentifier as certificates have it: RSA's there says the hash too (RFC 8017 appendix A.2.4).
fn algorithm(signer: &SignerInfo<'_>) -> Result<Vec<u8>, StampRefusal> {
    let oid = Reader::of(signer.algorithm).expect(tag::SEQUENCE)?.inside().expect(tag::OID)?.content;
    if oid != RSA {
        return Ok(signer.algorithm.to_vec());
    }
    let with = match signer.digest {
        SHA256 => 11,
        SHA384 => 12,
        SHA512 => 13,
        _ => return Err(StampRefusal::Algorithm),
    };
    let [head @ .., _] = RSA else { return Err(StampRefusal::Algorithm) };
    let oid = [head, &[with]].concat();
    Ok(der::sequence(&[der::tlv(tag::OID, &oid), der::tlv(tag::NULL, &[])]))
}

/// A certificate under an anchor, for time stamps and nothing else (RFC 3161 §2.3), valid at the token's time.
fn authorised(certificate: &Certificate, token: &Token<'_>, anchors: &Anchors) -> Result<(), StampRefusal> {
    let unauthorised = |_| StampRefusal::Unauthorised;
    let parsed = certificate.parsed().map_err(|_| StampRefusal::Malformed)?;
    let usage = parsed.extended_key_usage().map_err(|_| StampRefusal::Unauthorised)?;
    let alone = usage.is_some_and(|usage| {
        let extended = usage.value;
        let others = extended.any
            || extended.server_auth
            || extended.client_auth
            || extended.code_signing
            || extended.email_protection
            || extended.ocsp_signing
            || !extended.other.is_empty();
        usage.critical && extended.time_stamping && !others
    });
    if !alone {
        return Err(StampRefusal::Unauthorised);
    }
    let roots: Vec<_> = anchors
        .certificates()
        .iter()
        .map(|anchor| anchor_from_trusted_cert(anchor.der()))
        .collect::<Result<_, _>>()
        .map_err(unauthorised)?;
    let brought = token.certificates.iter().take(MOST);
    let between: Vec<CertificateDer<'_>> = brought.map(|der| CertificateDer::from(*der)).collect();
    let end = EndEntityCert::try_from(certificate.der()).map_err(unauthorised)?;
    let algorithms = tls::provider().signature_verification_algorithms.all;
    let time = UnixTime::since_unix_epoch(Duration::from_millis(token.time));
    let usage = KeyUsage::required(TIME_STAMPING);
    let verified = end.verify_for_usage(algorithms, &roots, &between, time, usage, None, None);
    verified.map(|_| ()).map_err(|error| match error {
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. } => {
            StampRefusal::SignerNotValid
        }
        _ => StampRefusal::Unauthorised,
    })
}
