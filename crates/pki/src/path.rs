//! The way from a client's certificate to an anchor (RFC 5280 §6): found by `webpki`, then asked what it does not ask.

use std::{cell::Cell, time::Duration};

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    judge::Refusal,
    revocation::{Asked, RevocationLists, Status},
    tls,
};

/// Looks for a way that every certificate of it allows at `now` (Unix milliseconds), and that the lists do not deny. Without lists, nothing is
/// asked of them.
pub(crate) fn verify(
    anchors: &Anchors,
    lists: &RevocationLists,
    leaf: &Certificate,
    intermediates: &[CertificateDer<'_>],
    now: u64,
) -> Result<(), Refusal> {
    let end = EndEntityCert::try_from(leaf.der()).map_err(|error| refusal(&error))?;
    let algorithms = tls::provider().signature_verification_algorithms.all;
    let roots = anchors.roots();
    let time = UnixTime::since_unix_epoch(Duration::from_millis(now));
    let told = Cell::new(None);
    let permit = |path: &VerifiedPath<'_>| {
        permit(anchors, lists, path, now).map_err(|refusal| {
            told.set(Some(refusal));
            webpki::Error::UnknownIssuer
        })
    };
    let usage = KeyUsage::client_auth();
    let found =
        end.verify_for_usage(algorithms, &roots.roots, intermediates, time, usage, None, Some(&permit));
    found.map(|_| ()).map_err(|error| told.take().unwrap_or_else(|| refusal(&error)))
}

/// The anchor's own dates and how many authorities may stand below it; then what lists say of each certificate but the anchor.
fn permit(
    anchors: &Anchors,
    lists: &RevocationLists,
    path: &VerifiedPath<'_>,
    now: u64,
) -> Result<(), Refusal> {
    let below: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
    let anchor = anchors.permit(path.anchor(), below.len(), now)?;
    if lists.is_empty() {
        return Ok(());
    }
    let read = |der: &[u8]| Certificate::from_der(der, "a chain").map_err(|_| Refusal::Malformed);
    let mut way = vec![read(&path.end_entity().der())?];
    for der in &below {
        way.push(read(der)?);
    }
    // From the anchor down, so that a false authority's list is never asked.
    for (at, certificate) in way.iter().enumerate().rev() {
        let issuer = way.get(at + 1).unwrap_or(anchor);
        match status(lists, certificate, issuer, at > 0, now)? {
            Status::Good => {}
            Status::Revoked => return Err(Refusal::Revoked),
            Status::Unknown => return Err(Refusal::RevocationUnknown),
        }
    }
    Ok(())
}

fn status(
    lists: &RevocationLists,
    certificate: &Certificate,
    issuer: &Certificate,
    is_authority: bool,
    now: u64,
) -> Result<Status, Refusal> {
    let (parsed, signer) = (read(certificate)?, read(issuer)?);
    let usage = signer.key_usage().map_err(|_| Refusal::Malformed)?;
    if usage.is_some_and(|usage| !usage.value.crl_sign()) {
        return Ok(Status::Unknown);
    }
    let places = places(&parsed);
    let asked = Asked {
        issuer: certificate.issuer(),
        issuer_key: signer.public_key().raw,
        serial: parsed.raw_serial(),
        is_authority,
        places: &places,
    };
    Ok(lists.status(&asked, now))
}

fn read(certificate: &Certificate) -> Result<X509Certificate<'_>, Refusal> {
    certificate.parsed().map_err(|_| Refusal::Malformed)
}

/// The URIs where the lists that speak of a certificate are published (RFC 5280 §4.2.1.13).
fn places<'a>(certificate: &X509Certificate<'a>) -> Vec<&'a str> {
    let points = certificate.iter_extensions().filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::CRLDistributionPoints(points) => Some(points),
        _ => None,
    });
    let mut places = Vec::new();
    for point in points.flat_map(|points| points.points.iter()) {
        if let Some(DistributionPointName::FullName(names)) = &point.distribution_point {
            places.extend(names.iter().filter_map(|name| match name {
                GeneralName::URI(uri) => Some(*uri),
                _ => None,
            }));
        }
    }
    places
}

fn refusal(error: &webpki::Error) -> Refusal {
    use webpki::Error as E;
    match error {
        E::BadDer
        | E::BadDerTime
        | E::TrailingData(_)
        | E::InvalidSerialNumber
        | E::UnsupportedCertVersion => Refusal::Malformed,
        E::CertExpired { .. } => Refusal::Expired,
        E::CertNotValidYet { .. } => Refusal::NotYetValid,
        E::UnknownIssuer
        | E::EndEntityUsedAsCa
        | E::PathLenConstraintViolated
        | E::NameConstraintViolation => Refusal::Untrusted,
        E::InvalidSignatureForPublicKey => Refusal::BadSignature,
        E::CaUsedAsEndEntity | E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
            Refusal::WrongPurpose
        }
        E::UnsupportedCriticalExtension => Refusal::UnknownCriticalExtension,
        _ => Refusal::Unacceptable,
    }
}
