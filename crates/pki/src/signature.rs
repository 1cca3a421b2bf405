//! Whether the holder of a public key signed something, by the algorithms that TLS uses here.

use rustls::pki_types::SignatureVerificationAlgorithm;
use x509_parser::{
    asn1_rs::Any,
    prelude::{FromDer, SubjectPublicKeyInfo},
    public_key::PublicKey,
};

use crate::{certificate::Certificate, error::Error, tls};

/// `algorithm` is the DER of an AlgorithmIdentifier, `public_key_info` that of a SubjectPublicKeyInfo (RFC 5280 §4.1.1.2, §4.1.2.7).
pub(crate) fn is_by(public_key_info: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verified(public_key_info, algorithm, message, signature).is_some()
}

fn verified(public_key_info: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let (_, key) = SubjectPublicKeyInfo::from_der(public_key_info).ok()?;
    let judge = judge_of(public_key_info, algorithm)?;
    judge.verify_signature(&key.subject_public_key.data, message, signature).ok()
}

/// What verifies signatures by this algorithm with such a key.
fn judge_of(public_key_info: &[u8], algorithm: &[u8]) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    // The library compares the content of an AlgorithmIdentifier, without its header.
    let content = |der| Any::from_der(der).ok().map(|(_, element)| element.data);
    let (algorithm, key_algorithm) = (content(algorithm)?, content(content(public_key_info)?)?);
    let fits = |candidate: &&&'static dyn SignatureVerificationAlgorithm| {
        candidate.signature_alg_id().as_ref() == algorithm
            && candidate.public_key_alg_id().as_ref() == key_algorithm
    };
    tls::provider().signature_verification_algorithms.all.iter().find(fits).copied()
}

/// Whether a signature by this algorithm, of the holder of this key, can be verified here: if not, nothing is known of it.
pub(crate) fn is_taken(public_key_info: &[u8], algorithm: &[u8]) -> bool {
    judge_of(public_key_info, algorithm).is_some() && is_spoken(public_key_info)
}

/// The least bits of an RSA key whose signatures count (NIST SP 800-131A, RGS annex B1).
const RSA_BITS: usize = 2048;

/// Whether a signature of the holder of this key (a SubjectPublicKeyInfo) can be verified here at all: its algorithm and curve are spoken, and an RSA key is
/// long enough.
pub(crate) fn is_spoken(public_key_info: &[u8]) -> bool {
    let content = |der| Any::from_der(der).ok().map(|(_, element)| element.data);
    let algorithm = content(public_key_info).and_then(content);
    let algorithms = tls::provider().signature_verification_algorithms;
    let is_known = algorithms.all.iter().any(|it| Some(it.public_key_alg_id().as_ref()) == algorithm);
    let info = SubjectPublicKeyInfo::from_der(public_key_info).ok();
    let is_short = info.is_some_and(|(_, info)| match info.parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() < RSA_BITS,
        read => read.is_err(),
    });
    is_known && !is_short
}

/// Whether `issuer` signed `certificate`.
pub(crate) fn certificate_is_by(certificate: &Certificate, issuer: &Certificate) -> Result<bool, Error> {
    let (signed, signer) = (certificate.parsed()?, issuer.parsed()?);
    let algorithm = second(certificate.der()).unwrap_or_default();
    let message = signed.tbs_certificate.as_ref();
    Ok(is_by(signer.public_key().raw, algorithm, message, &signed.signature_value.data))
}

/// The second element within an outer SEQUENCE: the algorithm of what is signed (RFC 5280 §4.1.1, RFC 2986 §4.2).
pub(crate) fn second(signed: &[u8]) -> Option<&[u8]> {
    let (_, outer) = Any::from_der(signed).ok()?;
    let (rest, _) = Any::from_der(outer.data).ok()?;
    let (after, _) = Any::from_der(rest).ok()?;
    rest.get(..rest.len() - after.len())
}
