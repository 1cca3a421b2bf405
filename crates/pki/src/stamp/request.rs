use super::{
    LONGEST, StampRefusal, signer,
    token::{Token, token_of_response},
};
use crate::{
    Hash,
    anchors::Anchors,
    cms::{SHA256, hash_named},
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
        let stamp = believed(&token, Hash::Sha256, &self.imprint, anchors)?;
        if stamp.time.abs_diff(now) > STAMP_SKEW { Err(StampRefusal::NotNow) } else { Ok(stamp) }
    }
}

impl TimeStamp {
    /// Verifies a token that was kept, of the bytes with this SHA-256. Its signer's certificate must have been valid at the time that it says.
    ///
    /// # Errors
    /// [`StampRefusal`].
    pub fn verify(token: &[u8], imprint: &[u8; 32], anchors: &Anchors) -> Result<Self, StampRefusal> {
        Self::verify_imprint(token, Hash::Sha256, imprint, anchors)
    }

    /// The same, of these bytes, by whatever hash the token is of.
    ///
    /// # Errors
    /// [`StampRefusal`].
    pub fn verify_of(token: &[u8], bytes: &[u8], anchors: &Anchors) -> Result<Self, StampRefusal> {
        let hash = Self::hash_of(token)?;
        Self::verify_imprint(token, hash, &hash.of(bytes), anchors)
    }

    /// By which hash a token is of what it is of.
    ///
    /// # Errors
    /// [`StampRefusal`]: no token, or by a hash that is not taken.
    pub fn hash_of(token: &[u8]) -> Result<Hash, StampRefusal> {
        hash_named(short(token)?.imprint_algorithm).ok_or(StampRefusal::Algorithm)
    }

    /// As [`TimeStamp::verify`], of what has this hash.
    ///
    /// # Errors
    /// [`StampRefusal`].
    pub fn verify_imprint(
        token: &[u8],
        hash: Hash,
        imprint: &[u8],
        anchors: &Anchors,
    ) -> Result<Self, StampRefusal> {
        believed(&short(token)?, hash, imprint, anchors)
    }
}

/// A token that is not too long.
fn short(token: &[u8]) -> Result<Token<'_>, StampRefusal> {
    if token.len() > LONGEST { Err(StampRefusal::TooLong) } else { Token::read(token) }
}

fn believed(
    token: &Token<'_>,
    hash: Hash,
    imprint: &[u8],
    anchors: &Anchors,
) -> Result<TimeStamp, StampRefusal> {
    if hash_named(token.imprint_algorithm) != Some(hash) || token.imprint != imprint {
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
