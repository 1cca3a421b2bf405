//! Who signed a response, and by what right: the issuer itself, or a delegate of its own (RFC 6960 §4.2.2.2).

use std::time::Duration;

use rustls::pki_types::UnixTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::{
    NO_CHECK, OCSP_SIGNING, OcspRefusal, id,
    response::{ResponderId, Response},
};
use crate::{
    certificate::Certificate,
    name::Name,
    path,
    revocation::{RevocationLists, Status},
    signature, tls,
};

/// The most certificates of a response that are looked at.
const MOST: usize = 8;

/// Who signed an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OcspSigner {
    /// The issuer of the certificate that was asked about.
    Issuer,
    /// Whom the issuer made its responder, by this name.
    Delegate(Name),
}

/// The signer, and until when it may sign (Unix milliseconds).
pub(super) fn of(
    response: &Response<'_>,
    issuer: &Certificate,
    lists: Option<&RevocationLists>,
    now: u64,
) -> Result<(OcspSigner, u64), OcspRefusal> {
    if is_named(response, issuer) && is_by(response, issuer) {
        return Ok((OcspSigner::Issuer, u64::MAX));
    }
    let brought = response.certificates.iter().take(MOST);
    let brought = brought.filter_map(|der| Certificate::from_der(der, "a responder").ok());
    let mut named = brought.filter(|certificate| is_named(response, certificate)).peekable();
    if named.peek().is_none() {
        let unknown =
            if is_named(response, issuer) { OcspRefusal::FalseSignature } else { OcspRefusal::UnknownSigner };
        return Err(unknown);
    }
    let delegate =
        named.find(|certificate| is_by(response, certificate)).ok_or(OcspRefusal::FalseSignature)?;
    let until = authorised(&delegate, issuer, lists, now)?;
    Ok((OcspSigner::Delegate(delegate.subject().clone()), until))
}

fn is_named(response: &Response<'_>, certificate: &Certificate) -> bool {
    match response.responder {
        ResponderId::Name(name) => certificate.parsed().is_ok_and(|parsed| parsed.subject().as_raw() == name),
        ResponderId::Key(hash) => id::key_hash(certificate).is_ok_and(|own| own == hash),
    }
}

fn is_by(response: &Response<'_>, certificate: &Certificate) -> bool {
    let key = certificate.public_key_info();
    signature::is_by(&key, response.algorithm, response.message, response.signature)
}

/// A delegate's certificate: by the issuer itself, for signing answers, valid, and not taken back. Until when, at the latest.
fn authorised(
    delegate: &Certificate,
    issuer: &Certificate,
    lists: Option<&RevocationLists>,
    now: u64,
) -> Result<u64, OcspRefusal> {
    let unauthorised = |_| OcspRefusal::Unauthorised;
    let anchors = [anchor_from_trusted_cert(issuer.der()).map_err(unauthorised)?];
    let end = EndEntityCert::try_from(delegate.der()).map_err(unauthorised)?;
    let algorithms = tls::provider().signature_verification_algorithms.all;
    let time = UnixTime::since_unix_epoch(Duration::from_millis(now));
    let usage = KeyUsage::required(OCSP_SIGNING);
    let verified = end.verify_for_usage(algorithms, &anchors, &[], time, usage, None, None);
    verified.map_err(|error| match error {
        // The library looks at the dates first; a stranger's are nobody's business.
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }
            if signature::certificate_is_by(delegate, issuer).unwrap_or(false) =>
        {
            OcspRefusal::SignerNotValid
        }
        _ => OcspRefusal::Unauthorised,
    })?;
    let parsed = delegate.parsed().map_err(|_| OcspRefusal::Malformed)?;
    let usage = parsed.key_usage().map_err(|_| OcspRefusal::Unauthorised)?;
    if usage.is_some_and(|usage| !usage.value.digital_signature() && !usage.value.non_repudiation()) {
        return Err(OcspRefusal::Unauthorised);
    }
    // The whole last second counts.
    let end = delegate.not_after().saturating_add(1000);
    if parsed.extensions().iter().any(|extension| extension.oid.as_bytes() == NO_CHECK) {
        return Ok(end);
    }
    let lists = lists.ok_or(OcspRefusal::SignerUnchecked)?;
    match path::status(lists, delegate, issuer, false, now) {
        Ok(Status::Good { until }) => Ok(end.min(until)),
        Ok(Status::Revoked) => Err(OcspRefusal::SignerRevoked),
        Ok(Status::Unknown { .. }) | Err(_) => Err(OcspRefusal::SignerUnchecked),
    }
}
