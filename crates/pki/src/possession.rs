//! Proof that a TLS client holds the key of the certificate that it shows.
//!
//! rustls' own functions parse the whole certificate again and so abort the handshake on, for instance, an unknown critical
//! extension, before the application could say what is wrong. Here only the public key is read from it.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer},
};
use x509_parser::{
    asn1_rs::Any,
    prelude::{FromDer, X509Certificate},
};

/// TLS 1.3 (RFC 8446 §4.4.3): the scheme names the curve.
pub(crate) fn verify_tls13(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = parse(certificate)?;
    let key = SubjectPublicKeyInfoDer::from(certificate.public_key().raw);
    verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
}

/// TLS 1.2 (RFC 5246 §7.4.8, RFC 8422 §5.8): the scheme names the hash, the key brings the curve.
pub(crate) fn verify_tls12(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let certificate = parse(certificate)?;
    let key = certificate.public_key();
    // webpki compares the content of the AlgorithmIdentifier, without its header.
    let identifier = Any::from_der(key.raw)
        .and_then(|(_, info)| Any::from_der(info.data))
        .map(|(_, identifier)| identifier.data)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let candidates = candidates(algorithms, signed.scheme)?;
    let fitting = candidates
        .iter()
        .find(|algorithm| algorithm.public_key_alg_id().as_ref() == identifier)
        .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
    fitting
        .verify_signature(&key.subject_public_key.data, message, signed.signature())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadSignature))?;
    Ok(HandshakeSignatureValid::assertion())
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) => Ok(parsed),
        Err(_) => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
    }
}

fn candidates(
    algorithms: &WebPkiSupportedAlgorithms,
    scheme: SignatureScheme,
) -> Result<&'static [&'static dyn SignatureVerificationAlgorithm], Error> {
    algorithms
        .mapping
        .iter()
        .find(|(known, _)| *known == scheme)
        .map(|(_, candidates)| *candidates)
        .ok_or_else(|| PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
}
