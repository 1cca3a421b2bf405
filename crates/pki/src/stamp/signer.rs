//! Who signed a token, and by what right.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{StampRefusal, TIME_STAMPING, token::Token};
use crate::{anchors::Anchors, certificate::Certificate, cms::hash_named, name::Name, tls};

/// The most certificates of a token that are looked at.
const MOST: usize = 8;

/// The subject of whoever signed a token, once its certificate lets it, as of the token's own time.
pub(super) fn of(token: &Token<'_>, anchors: &Anchors) -> Result<Name, StampRefusal> {
    let signer = &token.signer;
    let hash = hash_named(signer.digest).ok_or(StampRefusal::Algorithm)?;
    if hash.of(token.content) != signer.message_digest {
        return Err(StampRefusal::FalseSignature);
    }
    let signed_for = signer.certificate.as_ref().ok_or(StampRefusal::UnknownSigner)?;
    let named = token.certificates.iter().take(MOST).find(|der| signed_for.names(der));
    let certificate = named.and_then(|der| Certificate::from_der(der, "a time-stamping authority").ok());
    let certificate = certificate.ok_or(StampRefusal::UnknownSigner)?;
    if !signer.is_by(&certificate)?.ok_or(StampRefusal::Algorithm)? {
        return Err(StampRefusal::FalseSignature);
    }
    authorised(&certificate, token, anchors)?;
    Ok(certificate.subject().clone())
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
