//! A token as it was sent (RFC 3161 §2.4.2, RFC 5652 §5): read, not believed.

use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

use super::{StampRefusal, TST_INFO};
use crate::{
    cms::{ONE, SignedData, SignerInfo, ZERO, whole},
    der::tag,
    oid::Oid,
    reader::NotDer,
};

/// A TimeStampToken.
pub(super) struct Token<'a> {
    pub(super) whole: &'a [u8],
    /// The DER of a TSTInfo, which is what is signed.
    pub(super) content: &'a [u8],
    pub(super) imprint_algorithm: &'a [u8],
    pub(super) imprint: &'a [u8],
    pub(super) policy: Oid,
    pub(super) serial: &'a [u8],
    /// Unix milliseconds.
    pub(super) time: u64,
    pub(super) nonce: Option<&'a [u8]>,
    /// The DER of each.
    pub(super) certificates: Vec<&'a [u8]>,
    pub(super) signer: SignerInfo<'a>,
}

/// The token of a TimeStampResp that grants one.
pub(super) fn token_of_response(response: &[u8]) -> Result<&[u8], StampRefusal> {
    let mut inside = whole(response, tag::SEQUENCE)?;
    let mut info = inside.expect(tag::SEQUENCE)?.inside();
    match info.unsigned()? {
        // granted, grantedWithMods
        [] | [1] => {}
        [status] => return Err(StampRefusal::NotGranted { status: *status }),
        _ => return Err(StampRefusal::Malformed),
    }
    let token = inside.expect(tag::SEQUENCE)?.whole;
    inside.end()?;
    Ok(token)
}

impl<'a> Token<'a> {
    pub(super) fn read(token: &'a [u8]) -> Result<Self, StampRefusal> {
        let SignedData { content_type, content, certificates, signer } = SignedData::read(token)?;
        let content = content.ok_or(StampRefusal::Malformed)?;
        if content_type != TST_INFO || signer.content_type != TST_INFO {
            return Err(StampRefusal::Malformed);
        }
        let info = Info::read(content)?;
        Ok(Self {
            whole: token,
            content,
            imprint_algorithm: info.imprint_algorithm,
            imprint: info.imprint,
            policy: info.policy,
            serial: info.serial,
            time: info.time,
            nonce: info.nonce,
            certificates,
            signer,
        })
    }
}

/// TSTInfo, as far as it is looked at.
struct Info<'a> {
    imprint_algorithm: &'a [u8],
    imprint: &'a [u8],
    policy: Oid,
    serial: &'a [u8],
    time: u64,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8]) -> Result<Self, StampRefusal> {
        let mut inside = whole(content, tag::SEQUENCE)?;
        if inside.unsigned()? != [1] {
            return Err(StampRefusal::Malformed);
        }
        // The authority's policy: shown, and nobody here looks anything up in it.
        let policy = Oid::from_der_content(inside.expect(tag::OID)?.content).map_err(|_| NotDer)?;
        let mut imprint = inside.expect(tag::SEQUENCE)?.inside();
        let imprint_algorithm = imprint.expect(tag::SEQUENCE)?.inside().expect(tag::OID)?.content;
        let hash = imprint.expect(tag::OCTET_STRING)?.content;
        imprint.end()?;
        let serial = inside.unsigned()?;
        let time = moment(inside.expect(tag::GENERALIZED_TIME)?.content)?;
        inside.optional(tag::SEQUENCE)?;
        inside.optional(tag::BOOLEAN)?;
        let nonce = if inside.peek() == Some(tag::INTEGER) { Some(inside.unsigned()?) } else { None };
        inside.optional(ZERO)?;
        // Extensions: a critical one would be one that nobody knows.
        if let Some(extensions) = inside.optional(ONE)? {
            crate::reader::each_extension(extensions.inside(), |_, critical, _| {
                if critical { Err(StampRefusal::Malformed) } else { Ok(()) }
            })?;
        }
        inside.end()?;
        Ok(Self { imprint_algorithm, imprint: hash, policy, serial, time, nonce })
    }
}

/// A GeneralizedTime with or without a fraction of a second (RFC 3161 §2.4.2), in Unix milliseconds.
fn moment(content: &[u8]) -> Result<u64, NotDer> {
    let text = std::str::from_utf8(content).ok().and_then(|text| text.strip_suffix('Z')).ok_or(NotDer)?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    // The parser would take a sign before the year.
    if !whole.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotDer);
    }
    let form = format_description!("[year][month][day][hour][minute][second]");
    let moment = PrimitiveDateTime::parse(whole, form).map_err(|_| NotDer)?.assume_utc();
    let digits = !fraction.is_empty() && fraction.len() <= 9 && fraction.bytes().all(|b| b.is_ascii_digit());
    let milliseconds: u64 =
        format!("{fraction:0<3}").get(..3).and_then(|three| three.parse().ok()).ok_or(NotDer)?;
    let since =
        u64::try_from((moment - OffsetDateTime::UNIX_EPOCH).whole_milliseconds()).map_err(|_| NotDer)?;
    if digits { Ok(since + milliseconds) } else { Err(NotDer) }
}
