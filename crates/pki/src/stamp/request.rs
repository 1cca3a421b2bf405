use super::{
    LONGEST, StampRefusal, signer,
    token::{Token, token_of_response},
};
use crate::{
    anchors::Anchors,
    cms::SHA256,
    der::{self, tag},
    name::Name,
    oid::Oid,
};

/// How far an authority's clock may differ from ours, in milliseconds, when it is asked.
pub const STAMP_SKEW: u64 = 10 * 60_000;

/// A request for a time stamp of the bytes with this SHA-256.
#[derive(Clone, Debug)]
pub struct StampRequest {
    imprint: [u8; 32],
    nonce: [u8; 16],
}

/// A time stamp that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    /// When the bytes existed, in Unix milliseconds, by the authority's clock.
    pub time: u64,
    /// Who says so: the subject of the signer's certificate.
    pub signer: Name,
    /// The policy under which the authority made it.
    pub policy: Oid,
    /// The number of the time stamp at its authority, in hexadecimal.
    pub serial: String,
    /// The TimeStampToken, DER: to be kept.
    pub token: Vec<u8>,
}

impl StampRequest {
    /// With a nonce of the caller's, random and used once.
    pub fn new(imprint: [u8; 32], nonce: [u8; 16]) -> Self {
        Self { imprint, nonce }
    }

    /// The TimeStampReq (RFC 3161 §2.4.1), DER. It asks for the signer's certificate.
    pub fn to_der(&self) -> Vec<u8> {
        let hash = der::sequence(&[der::tlv(tag::OID, SHA256), der::tlv(tag::NULL, &[])]);
        let imprint = der::sequence(&[hash, der::tlv(tag::OCTET_STRING, &self.imprint)]);
        der::sequence(&[der::unsigned(&[1]), imprint, der::unsigned(&self.nonce), der::boolean_true()])
    }

    /// Judges a TimeStampResp that came at `now` (Unix milliseconds).
    ///
    /// # Errors
    /// [`StampRefusal`]: nothing is to be kept.
    pub fn judge(&self, response: &[u8], anchors: &Anchors, now: u64) -> Result<TimeStamp, StampRefusal> {
        if response.len() > LONGEST {
            return Err(StampRefusal::TooLong);
        }
        let token = Token::read(token_of_response(response)?)?;
        let asked: &[u8] = &self.nonce;
        let significant = asked.iter().position(|octet| *octet != 0).and_then(|first| asked.get(first..));
        if token.nonce != Some(significant.unwrap_or_default()) {
            return Err(StampRefusal::AnotherNonce);
        }
        let stamp = believed(&token, &self.imprint, anchors)?;
        if stamp.time.abs_diff(now) > STAMP_SKEW { Err(StampRefusal::NotNow) } else { Ok(stamp) }
    }
}

impl TimeStamp {
    /// Verifies a token that was kept, of the bytes with this SHA-256. Its signer's certificate must have been valid at the time that it says.
    ///
    /// # Errors
    /// [`StampRefusal`].
    pub fn verify(token: &[u8], imprint: &[u8; 32], anchors: &Anchors) -> Result<Self, StampRefusal> {
        if token.len() > LONGEST {
            return Err(StampRefusal::TooLong);
        }
        believed(&Token::read(token)?, imprint, anchors)
    }
}

fn believed(token: &Token<'_>, imprint: &[u8; 32], anchors: &Anchors) -> Result<TimeStamp, StampRefusal> {
    if token.imprint_algorithm != SHA256 || token.imprint != imprint {
        return Err(StampRefusal::AnotherImprint);
    }
    let signer = signer::of(token, anchors)?;
    Ok(TimeStamp {
        time: token.time,
        signer,
        policy: token.policy.clone(),
        serial: hex::encode(token.serial),
        token: token.whole.to_vec(),
    })
}
