//! Who signed a token, and by what right.

use rustls::pki_types::CertificateDer;

use super::{StampRefusal, token::Token};
use crate::{
    anchors::Anchors,
    certificate::Certificate,
    chain::DEPTH_MAX,
    cms::{hash_named, is_one_of},
    judge::Refusal,
    name::Name,
    path::{self, Holder, Question},
};

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
    // The name beside the signature is not signed, but who reads the token by it alone must come to the same certificate (RFC 5652 §5.3).
    let certificate = certificate.filter(|it| is_one_of(signer.named, it));
    let certificate = certificate.ok_or(StampRefusal::UnknownSigner)?;
    if !signer.is_by(&certificate)?.ok_or(StampRefusal::Algorithm)? {
        return Err(StampRefusal::FalseSignature);
    }
    authorised(&certificate, token, anchors)?;
    Ok(certificate.subject().clone())
}

/// A certificate under an anchor, for time stamps and nothing else (RFC 3161 §2.3), valid at the token's time, as are those above it.
fn authorised(certificate: &Certificate, token: &Token<'_>, anchors: &Anchors) -> Result<(), StampRefusal> {
    if !is_for_stamps_alone(certificate).unwrap_or(false) {
        return Err(StampRefusal::Unauthorised);
    }
    let brought = token.certificates.iter().take(MOST);
    let between: Vec<CertificateDer<'_>> = brought.map(|der| CertificateDer::from(*der)).collect();
    let way = |now| {
        let question = Question {
            anchors,
            lists: None,
            now,
            grace: 0,
            online: None,
            holder: Holder::Clock,
            depth: DEPTH_MAX,
        };
        path::verify(question, certificate, &between)
    };
    // The library looks at the signer's dates before its issuer. Who is told of dates is told that a trusted authority vouched for the signer at another time.
    let within =
        token.time.clamp(certificate.not_before(), certificate.not_after().max(certificate.not_before()));
    match way(token.time) {
        Ok(_) => Ok(()),
        Err(refusal) if !is_of_dates(&refusal) => Err(StampRefusal::Unauthorised),
        Err(_) => match way(within) {
            Ok(_) => Err(StampRefusal::SignerNotValid),
            Err(refusal) if is_of_dates(&refusal) => Err(StampRefusal::SignerNotValid),
            Err(_) => Err(StampRefusal::Unauthorised),
        },
    }
}

fn is_of_dates(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Expired | Refusal::NotYetValid)
}

/// Whether it says so itself: its one purpose, critical; and, where it says what its key is for, signatures (RFC 5280 §4.2.1.3).
fn is_for_stamps_alone(certificate: &Certificate) -> Option<bool> {
    let parsed = certificate.parsed().ok()?;
    let usage = parsed.extended_key_usage().ok()??;
    let extended = usage.value;
    let others = extended.any
        || extended.server_auth
        || extended.client_auth
        || extended.code_signing
        || extended.email_protection
        || extended.ocsp_signing
        || !extended.other.is_empty();
    let key = parsed.key_usage().ok()?;
    let signs = key.is_none_or(|key| key.value.digital_signature() || key.value.non_repudiation());
    Some(usage.critical && extended.time_stamping && !others && signs)
}
