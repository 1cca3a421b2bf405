//! The protected header (RFC 7516 section 4), read and written.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::algorithm::A256GCM;
use super::{EphemeralKey, JweError, KeyAlgorithm};
use crate::jose::jwk::{LONGEST_KID, present};

/// The longest header that is read, in characters of base64url.
pub(super) const LONGEST: usize = 4096;
/// The longest `typ`, `cty`, `apu` or `apv`, in bytes.
pub(super) const LONGEST_FIELD: usize = 256;

/// The members that are read. What is not known and not refused is ignored (RFC 7516 section 4); what comes twice is refused.
#[derive(Deserialize)]
struct Wire {
    alg: String,
    enc: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    epk: Option<WireEphemeral>,
    apu: Option<String>,
    apv: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    p2s: bool,
    #[serde(default, deserialize_with = "present")]
    p2c: bool,
    #[serde(default, deserialize_with = "present")]
    jwk: bool,
    #[serde(default, deserialize_with = "present")]
    jku: bool,
    #[serde(default, deserialize_with = "present")]
    x5u: bool,
    #[serde(default, deserialize_with = "present")]
    x5c: bool,
}

#[derive(Serialize, Deserialize)]
struct WireEphemeral {
    kty: String,
    crv: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

/// A header whose algorithm is accepted.
#[derive(Clone)]
pub(super) struct Header {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) cty: Option<String>,
    /// There if, and only if, the algorithm agrees on keys.
    pub(super) agreed: Option<Agreed>,
}

/// What goes into an agreement (RFC 7518 section 4.6.1).
#[derive(Clone)]
pub(super) struct Agreed {
    pub(super) ephemeral: EphemeralKey,
    pub(super) apu: Vec<u8>,
    pub(super) apv: Vec<u8>,
}

impl Header {
    /// Reads a header, its length checked.
    pub(super) fn parse(json: &[u8], accepted: &[KeyAlgorithm]) -> Result<Self, JweError> {
        let wire: Wire = serde_json::from_slice(json).map_err(|_| JweError::Malformed)?;
        let algorithm = KeyAlgorithm::parse(&wire.alg)
            .filter(|algorithm| accepted.contains(algorithm) && wire.enc == A256GCM)
            .ok_or(JweError::Algorithm)?;
        if wire.crit || wire.zip || wire.p2s || wire.p2c || wire.jwk || wire.jku || wire.x5u || wire.x5c {
            return Err(JweError::Header);
        }
        if wire.kid.as_ref().is_some_and(|kid| kid.len() > LONGEST_KID) {
            return Err(JweError::Malformed);
        }
        let agreed = match (algorithm.oaep(), wire.epk) {
            (None, Some(epk)) => {
                Some(Agreed { ephemeral: epk.key()?, apu: party(wire.apu)?, apv: party(wire.apv)? })
            }
            (Some(_), None) => None,
            _ => return Err(JweError::Malformed),
        };
        Ok(Self { algorithm, kid: wire.kid, typ: wire.typ, cty: wire.cty, agreed })
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Written<'a> {
            alg: &'static str,
            enc: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            kid: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            typ: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            cty: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            epk: Option<WireEphemeral>,
            #[serde(skip_serializing_if = "Option::is_none")]
            apu: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            apv: Option<String>,
        }
        let named = |party: &Vec<u8>| (!party.is_empty()).then(|| URL_SAFE_NO_PAD.encode(party));
        let agreed = self.agreed.as_ref();
        let written = Written {
            alg: self.algorithm.name(),
            enc: A256GCM,
            kid: self.kid.as_deref(),
            typ: self.typ.as_deref(),
            cty: self.cty.as_deref(),
            epk: agreed.map(|agreed| WireEphemeral::of(&agreed.ephemeral)),
            apu: agreed.and_then(|agreed| named(&agreed.apu)),
            apv: agreed.and_then(|agreed| named(&agreed.apv)),
        };
        #[expect(clippy::expect_used, reason = "strings only")]
        serde_json::to_vec(&written).expect("strings are JSON")
    }
}

impl WireEphemeral {
    fn of(key: &EphemeralKey) -> Self {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match key {
            EphemeralKey::P256(point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(32);
                Self { kty: "EC".into(), crv: "P-256".into(), x: text(x), y: Some(text(y)) }
            }
            EphemeralKey::X25519(x) => Self { kty: "OKP".into(), crv: "X25519".into(), x: text(x), y: None },
        }
    }

    /// The key; that it is a point of the curve shows where it is used.
    fn key(&self) -> Result<EphemeralKey, JweError> {
        let part = |text: &str| -> Result<[u8; 32], JweError> {
            URL_SAFE_NO_PAD.decode(text).ok().and_then(|part| part.try_into().ok()).ok_or(JweError::Malformed)
        };
        match (self.kty.as_str(), self.crv.as_str(), self.y.as_deref()) {
            ("EC", "P-256", Some(y)) => {
                let mut point = [4; 65];
                let (x, y) = (part(&self.x)?, part(y)?);
                point.iter_mut().skip(1).zip(x.iter().chain(&y)).for_each(|(to, from)| *to = *from);
                Ok(EphemeralKey::P256(point))
            }
            ("OKP", "X25519", _) => Ok(EphemeralKey::X25519(part(&self.x)?)),
            _ => Err(JweError::Malformed),
        }
    }
}

/// What one of both parties is called; nothing where it is not said.
fn party(text: Option<String>) -> Result<Vec<u8>, JweError> {
    let bytes = URL_SAFE_NO_PAD.decode(text.unwrap_or_default()).map_err(|_| JweError::Malformed)?;
    if bytes.len() > LONGEST_FIELD { Err(JweError::Malformed) } else { Ok(bytes) }
}
