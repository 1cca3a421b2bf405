//! The way from a client's certificate to an anchor (RFC 5280 §6): found by `webpki`, then asked what it does not ask.

use std::{cell::Cell, time::Duration};

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage, VerifiedPath,
};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{DistributionPointName, GeneralName, ParsedExtension, X509Extension},
    oid_registry::{OID_PKIX_AUTHORITY_INFO_ACCESS, OID_X509_EXT_CRL_DISTRIBUTION_POINTS, asn1_rs::Oid},
};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    judge::Refusal,
    online::{Online, Unasked, Word, word},
    revocation::{Asked, RevocationLists, Status},
    stamp::TIME_STAMPING,
    tls,
};

/// A way that was found.
pub(crate) struct Way {
    /// The leaf, then each authority below the anchor.
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) anchor: Certificate,
    /// The moment at which the first certificate of it, or list that was asked, ends (Unix milliseconds).
    pub(crate) until: u64,
    /// Whether a list was believed that had ended.
    pub(crate) lapsed: bool,
    /// What a responder is still to be asked.
    pub(crate) unasked: Option<Box<Unasked>>,
}

/// Whom to ask, and how much is forgiven.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) anchors: &'a Anchors,
    /// None: nothing is asked of lists.
    pub(crate) lists: Option<&'a RevocationLists>,
    /// Unix milliseconds.
    pub(crate) now: u64,
    /// For how many milliseconds a list that ended is believed for want of another.
    pub(crate) grace: u64,
    /// What responders say of the leaf; none: nothing is asked of them.
    pub(crate) online: Option<Online<'a>>,
    pub(crate) holder: Holder,
    /// How many authorities may stand between the leaf and an anchor.
    pub(crate) depth: usize,
}

/// Whose certificate it is, and what it must be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Client,
    Server,
    /// Who signs documents.
    Signatory,
    /// Who makes time stamps.
    Clock,
}

/// What the certificates of those who sign documents are made for: documents (RFC 9336; and, before it, Adobe's and Microsoft's own), mail, a person's
/// authentication, anything.
const SIGNATORIES: [&[u8]; 6] = [
    &[0x2b, 6, 1, 5, 5, 7, 3, 36],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x2f, 1, 1, 5],
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 12],
    &[0x2b, 6, 1, 5, 5, 7, 3, 4],
    &[0x2b, 6, 1, 5, 5, 7, 3, 2],
    &[0x55, 0x1d, 0x25, 0],
];

impl ExtendedKeyUsageValidator for Holder {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        match self {
            Self::Client => KeyUsage::client_auth().validate(purposes),
            Self::Server => KeyUsage::server_auth().validate(purposes),
            Self::Signatory => {
                let (mut some, mut fits) = (false, false);
                for purpose in purposes {
                    let purpose = purpose?;
                    some = true;
                    fits |= SIGNATORIES.iter().any(|known| KeyPurposeId::new(known) == purpose);
                }
                if fits || !some { Ok(()) } else { Err(webpki::Error::EmptyEkuExtension) }
            }
            // Of authorities between too, which need not name a purpose; the signer must, and none other (RFC 3161 §2.3): that is asked of it apart.
            Self::Clock => KeyUsage::required_if_present(TIME_STAMPING).validate(purposes),
        }
    }
}

/// Looks for a way that every certificate of it allows, and that the lists do not deny.
pub(crate) fn verify(
    question: Question<'_>,
    leaf: &Certificate,
    intermediates: &[CertificateDer<'_>],
) -> Result<Way, Refusal> {
    let end = EndEntityCert::try_from(leaf.der()).map_err(|error| refusal(&error))?;
    let algorithms = tls::provider().signature_verification_algorithms.all;
    let roots = question.anchors.roots();
    let time = UnixTime::since_unix_epoch(Duration::from_millis(question.now));
    let (told, found) = (Cell::new(None), Cell::new(None));
    let permit = |path: &VerifiedPath<'_>| match permit(question, path) {
        Ok(way) => {
            found.set(Some(way));
            Ok(())
        }
        Err(refusal) => {
            told.set(Some(telling(told.take(), refusal)));
            Err(webpki::Error::UnknownIssuer)
        }
    };
    let (roots, usage) = (&roots.roots, question.holder);
    let verified = end.verify_for_usage(algorithms, roots, intermediates, time, usage, None, Some(&permit));
    match verified {
        Ok(_) => found.take().ok_or(Refusal::Unacceptable),
        Err(error) => Err(told.take().unwrap_or_else(|| refusal(&error))),
    }
}

/// Of the refusals of two ways, the one that says more: that one was taken back, before that another is not known; and that an authority may not stand
/// there last, since who sends its anchor too offers a way that is longer by it.
fn telling(before: Option<Refusal>, now: Refusal) -> Refusal {
    match before {
        Some(before)
            if before == Refusal::Revoked || matches!(now, Refusal::Untrusted | Refusal::TooDeep) =>
        {
            before
        }
        _ => now,
    }
}

/// The anchor's own dates and how many authorities may stand below it; then what lists say of each certificate but the anchor.
fn permit(question: Question<'_>, path: &VerifiedPath<'_>) -> Result<Way, Refusal> {
    let below: Vec<_> = path.intermediate_certificates().map(webpki::Cert::der).collect();
    if below.len() > question.depth {
        return Err(Refusal::TooDeep);
    }
    let anchor = question.anchors.permit(path.anchor(), below.len(), question.now)?;
    let read = |der: &[u8]| Certificate::from_der(der, "a chain").map_err(|_| Refusal::Malformed);
    let mut way = vec![read(&path.end_entity().der())?];
    for der in &below {
        way.push(read(der)?);
    }
    way.iter().skip(1).try_for_each(may_issue)?;
    if question.holder != Holder::Clock {
        way.iter().try_for_each(tells_where)?;
    }
    // The whole last second counts.
    let ends = way.iter().chain([anchor]).map(|certificate| certificate.not_after().saturating_add(1000));
    let (mut until, mut lapsed, mut unasked) = (ends.min().unwrap_or_default(), false, None);
    // From the anchor down, so that a false authority's list is never asked, nor its responder.
    for (at, certificate) in way.iter().enumerate().rev() {
        let issuer = way.get(at + 1).unwrap_or(anchor);
        let end = match said(question, certificate, issuer, at > 0)? {
            Word::Unneeded => continue,
            Word::Good { until } => until,
            Word::Revoked => return Err(Refusal::Revoked),
            Word::Unasked => {
                let (certificate, issuer) = (certificate.clone(), issuer.clone());
                unasked = Some(Box::new(Unasked { certificate, issuer }));
                question.now
            }
            Word::Unknown { ended, again } => {
                lapsed = true;
                let end = ended.map_or(0, |ended| ended.saturating_add(question.grace));
                if question.now >= end {
                    return Err(Refusal::RevocationUnknown);
                }
                end.min(again)
            }
        };
        until = until.min(end);
    }
    let certificates = way.into_iter().map(|certificate| certificate.der().clone()).collect();
    Ok(Way { certificates, anchor: anchor.clone(), until, lapsed, unasked })
}

/// What `webpki` does not look at in an authority below the anchor: whether its key may sign certificates (RFC 5280 §6.1.4 n), and whether it has a name
/// (§4.1.2.6), so that who is of no name at all is not everybody's.
fn may_issue(authority: &Certificate) -> Result<(), Refusal> {
    let parsed = read(authority)?;
    let usage = parsed.key_usage().map_err(|_| Refusal::Malformed)?;
    let may = usage.is_none_or(|usage| usage.value.key_cert_sign()) && !authority.subject().is_empty();
    if may { Ok(()) } else { Err(Refusal::Untrusted) }
}

/// Whether it can be read where to ask whether a certificate was taken back, which nobody asks of who makes time stamps: what cannot be is not nothing (RFC 5280 §4.2: what is known is processed).
fn tells_where(certificate: &Certificate) -> Result<(), Refusal> {
    let is_place = |oid: &Oid<'_>| {
        *oid == OID_X509_EXT_CRL_DISTRIBUTION_POINTS || *oid == OID_PKIX_AUTHORITY_INFO_ACCESS
    };
    let unread = |extension: &X509Extension<'_>| {
        is_place(&extension.oid) && matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. })
    };
    let parsed = read(certificate)?;
    if parsed.extensions().iter().any(unread) { Err(Refusal::Malformed) } else { Ok(()) }
}

/// What lists, and of a leaf its responder, say together.
fn said(
    question: Question<'_>,
    certificate: &Certificate,
    issuer: &Certificate,
    is_authority: bool,
) -> Result<Word, Refusal> {
    let status = |lists| status(lists, certificate, issuer, is_authority, question.now);
    let listed = question.lists.map(status).transpose()?;
    let online = question.online.filter(|_| !is_authority);
    Ok(word(listed, online.map(|online| (online, certificate, issuer))))
}

/// What lists say of a certificate whose issuer is known.
pub(crate) fn status(
    lists: &RevocationLists,
    certificate: &Certificate,
    issuer: &Certificate,
    is_authority: bool,
    now: u64,
) -> Result<Status, Refusal> {
    let (parsed, signer) = (read(certificate)?, read(issuer)?);
    let usage = signer.key_usage().map_err(|_| Refusal::Malformed)?;
    if usage.is_some_and(|usage| !usage.value.crl_sign()) {
        return Ok(Status::Unknown { ended: None });
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
        E::MaximumPathDepthExceeded => Refusal::TooDeep,
        _ => Refusal::Unacceptable,
    }
}
