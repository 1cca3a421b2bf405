//! A response as it was sent (RFC 6960 §4.2.1): read, not believed.

use super::{BASIC, LONGEST, NONCE, OcspFailure, OcspRefusal, id::CertId, nonce};
use crate::{
    authority::RevocationReason,
    der::tag,
    reader::{Element, NotDer, Reader, each_extension},
};

/// Context tags: EXPLICIT ones are constructed.
const ZERO: u8 = 0xa0;
const ONE: u8 = 0xa1;
const TWO: u8 = 0xa2;
/// CertStatus: `good` and `unknown` are implicit NULLs.
const GOOD: u8 = 0x80;
const UNKNOWN: u8 = 0x82;

/// A BasicOCSPResponse.
pub(super) struct Response<'a> {
    pub(super) message: &'a [u8],
    /// The DER of an AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) responder: ResponderId<'a>,
    pub(super) singles: Vec<Single<'a>>,
    pub(super) nonce: Option<&'a [u8]>,
    /// The DER of each.
    pub(super) certificates: Vec<&'a [u8]>,
}

/// Who says that it signed.
pub(super) enum ResponderId<'a> {
    /// The DER of a name.
    Name(&'a [u8]),
    /// SHA-1 of a key.
    Key(&'a [u8]),
}

/// What is said of one certificate.
pub(super) struct Single<'a> {
    pub(super) id: CertId<'a>,
    pub(super) status: OcspStatus,
    /// Unix milliseconds.
    pub(super) this_update: u64,
    pub(super) next_update: Option<u64>,
}

/// The state of a certificate. In the order of what counts where a response says several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OcspStatus {
    /// Its issuer did not take it back.
    Good,
    /// The responder does not know it: it says nothing.
    Unknown,
    /// Its issuer took it back.
    Revoked {
        /// When, Unix milliseconds.
        at: u64,
        /// Why, where that is said.
        reason: RevocationReason,
    },
}

impl<'a> Response<'a> {
    pub(super) fn read(response: &'a [u8]) -> Result<Self, OcspRefusal> {
        if response.len() > LONGEST {
            return Err(OcspRefusal::TooLarge);
        }
        let mut outside = Reader::of(response);
        let mut inside = outside.expect(tag::SEQUENCE)?.inside();
        outside.end()?;
        match inside.expect(tag::ENUMERATED)?.content {
            [0] => {}
            [number] => {
                let failure = OcspFailure::of_number(*number).ok_or(NotDer)?;
                return Err(OcspRefusal::Failed(failure));
            }
            _ => return Err(OcspRefusal::Malformed),
        }
        let mut explicit = inside.expect(ZERO)?.inside();
        inside.end()?;
        let mut bytes = explicit.expect(tag::SEQUENCE)?.inside();
        explicit.end()?;
        if bytes.expect(tag::OID)?.content != BASIC {
            return Err(OcspRefusal::Malformed);
        }
        let mut basic = bytes.expect(tag::OCTET_STRING)?.inside();
        bytes.end()?;
        let whole = basic.expect(tag::SEQUENCE)?.inside();
        basic.end()?;
        Self::basic(whole)
    }

    fn basic(mut basic: Reader<'a>) -> Result<Self, OcspRefusal> {
        let signed = basic.expect(tag::SEQUENCE)?;
        let algorithm = basic.expect(tag::SEQUENCE)?.whole;
        // Whole octets only, as each signature is.
        let signature = basic.expect(tag::BIT_STRING)?.content.strip_prefix(&[0]).ok_or(NotDer)?;
        let mut certificates = Vec::new();
        if let Some(explicit) = basic.optional(ZERO)? {
            let mut explicit = explicit.inside();
            let mut all = explicit.expect(tag::SEQUENCE)?.inside();
            explicit.end()?;
            while !all.is_empty() {
                certificates.push(all.expect(tag::SEQUENCE)?.whole);
            }
        }
        basic.end()?;
        let (responder, singles, nonce) = data(signed)?;
        Ok(Self { message: signed.whole, algorithm, signature, responder, singles, nonce, certificates })
    }
}

type Data<'a> = (ResponderId<'a>, Vec<Single<'a>>, Option<&'a [u8]>);

/// ResponseData.
fn data(signed: Element<'_>) -> Result<Data<'_>, OcspRefusal> {
    let mut inside = signed.inside();
    if let Some(version) = inside.optional(ZERO)? {
        let mut version = version.inside();
        if !version.unsigned()?.is_empty() {
            return Err(OcspRefusal::Malformed);
        }
        version.end()?;
    }
    let responder = inside.element()?;
    let mut who = responder.inside();
    let responder = match responder.tag {
        ONE => ResponderId::Name(who.expect(tag::SEQUENCE)?.whole),
        TWO => ResponderId::Key(who.expect(tag::OCTET_STRING)?.content),
        _ => return Err(OcspRefusal::Malformed),
    };
    who.end()?;
    // When it was produced, which is not when it was true.
    moment(&mut inside)?;
    let mut all = inside.expect(tag::SEQUENCE)?.inside();
    let mut singles = Vec::new();
    while !all.is_empty() {
        singles.push(single(all.expect(tag::SEQUENCE)?.inside())?);
    }
    let mut nonce = None;
    if let Some(explicit) = inside.optional(ONE)? {
        extensions(explicit, |value| {
            // Once, as each extension (RFC 5280 §4.2).
            let octets = nonce::read(value)?;
            if nonce.replace(octets).is_none() { Ok(()) } else { Err(OcspRefusal::Malformed) }
        })?;
    }
    inside.end()?;
    Ok((responder, singles, nonce))
}

fn single(mut inside: Reader<'_>) -> Result<Single<'_>, OcspRefusal> {
    let id = CertId::read(&mut inside)?;
    let said = inside.element()?;
    let status = match said.tag {
        GOOD if said.content.is_empty() => OcspStatus::Good,
        UNKNOWN if said.content.is_empty() => OcspStatus::Unknown,
        ONE => revoked(said.inside())?,
        _ => return Err(OcspRefusal::Malformed),
    };
    let this_update = moment(&mut inside)?;
    let mut next_update = None;
    if let Some(explicit) = inside.optional(ZERO)? {
        let mut explicit = explicit.inside();
        next_update = Some(moment(&mut explicit)?);
        explicit.end()?;
    }
    if let Some(explicit) = inside.optional(ONE)? {
        // A nonce is of the whole response.
        extensions(explicit, |_| Err(OcspRefusal::Malformed))?;
    }
    inside.end()?;
    Ok(Single { id, status, this_update, next_update })
}

fn revoked(mut info: Reader<'_>) -> Result<OcspStatus, OcspRefusal> {
    let at = moment(&mut info)?;
    let mut reason = RevocationReason::Unspecified;
    if let Some(explicit) = info.optional(ZERO)? {
        let mut explicit = explicit.inside();
        let [number] = explicit.expect(tag::ENUMERATED)?.content else { return Err(OcspRefusal::Malformed) };
        reason = RevocationReason::of_number(*number).ok_or(NotDer)?;
        explicit.end()?;
    }
    info.end()?;
    Ok(OcspStatus::Revoked { at, reason })
}

/// Nothing but a nonce may be critical: the others that RFC 6960 §4.4 knows only tell more.
fn extensions<'a>(
    explicit: Element<'a>,
    mut at_nonce: impl FnMut(Reader<'a>) -> Result<(), OcspRefusal>,
) -> Result<(), OcspRefusal> {
    let mut explicit = explicit.inside();
    let all = explicit.expect(tag::SEQUENCE)?.inside();
    explicit.end()?;
    each_extension(all, |oid, critical, value| match oid {
        NONCE => at_nonce(value),
        _ if critical => Err(OcspRefusal::UnknownCriticalExtension),
        _ => Ok(()),
    })
}

/// A GeneralizedTime in Unix milliseconds.
fn moment(from: &mut Reader<'_>) -> Result<u64, NotDer> {
    if from.peek() == Some(tag::GENERALIZED_TIME) { from.time() } else { Err(NotDer) }
}
