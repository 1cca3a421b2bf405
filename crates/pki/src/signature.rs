//! Whether the holder of a public key signed something, by the algorithms that TLS uses here.

use rustls::pki_types::SignatureVerificationAlgorithm;
use x509_parser::{
    asn1_rs::Any,
    prelude::{FromDer, SubjectPublicKeyInfo},
};

use crate::{certificate::Certificate, error::Error, tls};

/// `algorithm` is the DER of an AlgorithmIdentifier, `public_key_info` that of a SubjectPublicKeyInfo (RFC 5280 §4.1.1.2, §4.1.2.7).
pub(crate) fn is_by(public_key_info: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
    verified(public_key_info, algorithm, message, signature).is_some()
}

fn verified(public_key_info: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    // The library compares the content of an AlgorithmIdentifier, without its header.
    let content = |der| Any::from_der(der).ok().map(|(_, element)| element.data);
    let (algorithm, key_algorithm) = (content(algorithm)?, content(content(public_key_info)?)?);
    let (_, key) = SubjectPublicKeyInfo::from_der(public_key_info).ok()?;
    let fits = |candidate: &&&dyn SignatureVerificationAlgorithm| {
        candidate.signature_alg_id().as_ref() == algorithm
            && candidate.public_key_alg_id().as_ref() == key_algorithm
    };
    let algorithms = tls::provider().signature_verification_algorithms;
    let candidate = algorithms.all.iter().find(fits)?;
    candidate.verify_signature(&key.subject_public_key.data, message, signature).ok()
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
