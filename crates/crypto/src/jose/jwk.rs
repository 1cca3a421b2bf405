//! One public key as its owner gives it (RFC 7517): checked whole, since it will be believed for years.

use aws_lc_rs::agreement;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::algorithm::{Algorithm, Curve, PublicKey};
use super::jwe::KeyAlgorithm;
use super::{Statement, StatementError};
use crate::{VerifyingKey, sha256};

/// The longest key that is read, in bytes: RSA of 8,192 bits takes 1,400.
const LONGEST: usize = 8 * 1024;
/// The longest name of a key, in bytes.
pub(super) const LONGEST_KID: usize = 256;
/// Sizes of RSA moduli, in bits. Those above 4,096 verify signatures only: to encrypt, they are of no token of ours.
const SIGNATURES: std::ops::RangeInclusive<usize> = 2048..=8192;
const ENCRYPTION: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A public key for one use: it verifies signatures, or others encrypt to its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicJwk {
    kid: Option<String>,
    purpose: Purpose,
    pub(super) key: PublicKey,
    thumbprint: Thumbprint,
}

/// What a key is for. One that names its algorithm is for that one only (RFC 7517 section 4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Signatures(Option<Algorithm>),
    Encryption(KeyAlgorithm),
}

/// A key is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// Not the JSON of a public key, or too long.
    #[error("not a public JSON Web Key of at most 8 KiB with a kid of at most 256 characters")]
    Malformed,
    /// It has private or secret parts.
    #[error("it holds the private key, which its owner must now replace: send the public part only")]
    Private,
    /// Its kind, curve, use or algorithm is not known, or one does not go with the other.
    #[error("a key of a kind, use or algorithm that is not accepted, or that do not go together")]
    Unsupported,
    /// A key for encryption does not say by which algorithm.
    #[error("a key for encryption must name its alg, and is for no other")]
    NoAlgorithm,
    /// An RSA key of another size or with a small exponent.
    #[error(
        "an RSA key must have 2048 to 8192 bits, to encrypt 4096 at most, and an exponent of 65537 or more"
    )]
    Weak,
    /// Not a point of its curve, or one that every secret agreed with it would be known of.
    #[error("not a point of its curve that keys can be agreed with: its owner must make another key")]
    Point,
}

impl JwkError {
    /// Stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "jwk_malformed",
            Self::Private => "jwk_private",
            Self::Unsupported => "jwk_unsupported",
            Self::NoAlgorithm => "jwk_no_algorithm",
            Self::Weak => "jwk_weak",
            Self::Point => "jwk_point",
        }
    }
}

/// The members that are read; others are for others (RFC 7517 section 4). A member that comes twice is refused.
#[derive(Deserialize)]
pub(super) struct WireKey {
    kty: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Every private key has it (RFC 7518 sections 6.2.2 and 6.3.2).
    #[serde(default, deserialize_with = "present")]
    d: bool,
    /// A shared key (section 6.4.1).
    #[serde(default, deserialize_with = "present")]
    k: bool,
}

/// That a member is there, whatever it holds.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// A public key as it is written: the members of RFC 7638 section 3.2, in their order, around the others.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

impl PublicJwk {
    /// Reads a key and checks it: its form, its size, that it is a point of its curve, and that use and algorithm go with it.
    ///
    /// # Errors
    /// [`JwkError`].
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        let wire = WireKey::parse(json)?;
        if wire.d || wire.k { Err(JwkError::Private) } else { Self::read(&wire) }
    }

    /// The public part of a private key.
    pub(super) fn of_private(json: &[u8]) -> Result<Self, JwkError> {
        let wire = WireKey::parse(json)?;
        if wire.d { Self::read(&wire) } else { Err(JwkError::Malformed) }
    }

    fn read(wire: &WireKey) -> Result<Self, JwkError> {
        let purpose = wire.purpose()?;
        let kid = wire.kid.clone();
        if kid.as_ref().is_some_and(|kid| kid.is_empty() || kid.len() > LONGEST_KID) {
            return Err(JwkError::Malformed);
        }
        Self::new(kid, purpose, wire.key()?)
    }

    /// The key that our own statements are signed with ([`crate::jws`]), for others to verify by: its name is the one that their headers have.
    #[must_use]
    pub fn of_signer(key: &VerifyingKey) -> Self {
        let kid = Some(key.fingerprint().to_string());
        let key = PublicKey::Ed25519(key.as_bytes().to_vec());
        let thumbprint = thumbprint(&key);
        Self { kid, purpose: Purpose::Signatures(Some(Algorithm::EdDsa)), key, thumbprint }
    }

    /// One of ours, to encrypt to. Its name is its thumbprint.
    pub(super) fn to_encrypt(algorithm: KeyAlgorithm, key: PublicKey) -> Result<Self, JwkError> {
        Self::own(Purpose::Encryption(algorithm), key)
    }

    /// One of ours that signs. Its name is its thumbprint.
    pub(super) fn to_sign(algorithm: Algorithm, key: PublicKey) -> Result<Self, JwkError> {
        Self::own(Purpose::Signatures(Some(algorithm)), key)
    }

    /// The same, by any algorithm that it takes.
    pub(super) fn to_sign_by_any(key: PublicKey) -> Result<Self, JwkError> {
        Self::own(Purpose::Signatures(None), key)
    }

    fn own(purpose: Purpose, key: PublicKey) -> Result<Self, JwkError> {
        let key = Self::new(None, purpose, key)?;
        Ok(Self { kid: Some(key.thumbprint.to_string()), ..key })
    }

    fn new(kid: Option<String>, purpose: Purpose, key: PublicKey) -> Result<Self, JwkError> {
        let goes_with = match purpose {
            Purpose::Signatures(None) => !matches!(key, PublicKey::X25519(_)),
            Purpose::Signatures(Some(algorithm)) => algorithm.takes(&key),
            Purpose::Encryption(algorithm) => algorithm.takes(&key),
        };
        if !goes_with {
            return Err(JwkError::Unsupported);
        }
        let sizes = if matches!(purpose, Purpose::Encryption(_)) { ENCRYPTION } else { SIGNATURES };
        check(&key, &sizes)?;
        let thumbprint = thumbprint(&key);
        Ok(Self { kid, purpose, key, thumbprint })
    }

    /// What its owner calls it.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm that others encrypt to it by; none for a key that signs.
    #[must_use]
    pub fn encrypts_by(&self) -> Option<KeyAlgorithm> {
        match self.purpose {
            Purpose::Encryption(algorithm) => Some(algorithm),
            Purpose::Signatures(_) => None,
        }
    }

    /// What a statement says, if this key signed it by an algorithm that it is for, whatever key the statement names.
    ///
    /// # Errors
    /// [`StatementError::Algorithm`] or [`StatementError::Signature`].
    pub fn verify(&self, statement: &Statement) -> Result<Vec<u8>, StatementError> {
        let algorithm = statement.algorithm();
        let Purpose::Signatures(own) = self.purpose else { return Err(StatementError::Algorithm) };
        if !algorithm.takes(&self.key) || own.is_some_and(|own| own != algorithm) {
            return Err(StatementError::Algorithm);
        }
        if !algorithm.verifies(&self.key, statement.input(), statement.signature()) {
            return Err(StatementError::Signature);
        }
        Ok(statement.payload().to_vec())
    }

    /// Its thumbprint: the same for the same key, whatever name and use it is given.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// The key in JSON, in one form: what was read and is not known here is not in it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (alg, purpose) = match self.purpose {
            Purpose::Signatures(algorithm) => (algorithm.map(Algorithm::name), "sig"),
            Purpose::Encryption(algorithm) => (Some(algorithm.name()), "enc"),
        };
        write(Written { alg, kid: self.kid.as_deref(), purpose: Some(purpose), ..written(&self.key) })
    }
}

/// SHA-256 of a key's required members (RFC 7638; RFC 8037 section 2). Written in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

fn thumbprint(key: &PublicKey) -> Thumbprint {
    Thumbprint(sha256(write(written(key)).as_bytes()))
}

fn written(key: &PublicKey) -> Written<'static> {
    let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
    let none = Written {
        alg: None,
        crv: None,
        e: None,
        kid: None,
        kty: "",
        n: None,
        purpose: None,
        x: None,
        y: None,
    };
    match key {
        PublicKey::Rsa { n, e } => Written { kty: "RSA", n: text(n), e: text(e), ..none },
        PublicKey::Ec { curve, point } => {
            let (x, y) = point.get(1..).unwrap_or_default().split_at(curve.coordinate());
            Written { kty: "EC", crv: Some(curve.name()), x: text(x), y: text(y), ..none }
        }
        PublicKey::Ed25519(x) => Written { kty: "OKP", crv: Some("Ed25519"), x: text(x), ..none },
        PublicKey::X25519(x) => Written { kty: "OKP", crv: Some("X25519"), x: text(x), ..none },
    }
}

fn write(key: Written<'_>) -> String {
    #[expect(clippy::expect_used, reason = "strings only")]
    serde_json::to_string(&key).expect("strings are JSON")
}

impl WireKey {
    fn parse(json: &[u8]) -> Result<Self, JwkError> {
        if json.len() > LONGEST {
            return Err(JwkError::Malformed);
        }
        serde_json::from_slice(json).map_err(|_| JwkError::Malformed)
    }

    fn purpose(&self) -> Result<Purpose, JwkError> {
        let named = self.alg.as_deref().map(|alg| (Algorithm::parse(alg), KeyAlgorithm::parse(alg)));
        let purpose = match (named, self.purpose.as_deref()) {
            (Some((Some(algorithm), _)), None | Some("sig")) => Purpose::Signatures(Some(algorithm)),
            (Some((_, Some(algorithm))), None | Some("enc")) => Purpose::Encryption(algorithm),
            (None, Some("enc")) => return Err(JwkError::NoAlgorithm),
            (None, None | Some("sig")) => Purpose::Signatures(None),
            _ => return Err(JwkError::Unsupported),
        };
        let wanted: &[&str] = match purpose {
            Purpose::Signatures(_) => &["verify"],
            // RFC 7517 section 4.3: a key is agreed by deriving it, and a content key is wrapped.
            Purpose::Encryption(_) => &["encrypt", "wrapKey", "deriveKey", "deriveBits"],
        };
        match &self.key_ops {
            Some(ops) if !ops.iter().any(|op| wanted.contains(&op.as_str())) => Err(JwkError::Unsupported),
            _ => Ok(purpose),
        }
    }

    /// The parts of the key, decoded; their values are not checked.
    ///
    /// # Errors
    /// [`JwkError::Malformed`] or [`JwkError::Unsupported`].
    pub(super) fn key(&self) -> Result<PublicKey, JwkError> {
        let part = |part: &Option<String>| {
            part.as_deref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(JwkError::Malformed)
        };
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Ok(PublicKey::Rsa { n: number(part(&self.n)?)?, e: number(part(&self.e)?)? }),
            ("EC", Some(name)) => {
                let curve = Curve::parse(name).ok_or(JwkError::Unsupported)?;
                let (x, y) = (part(&self.x)?, part(&self.y)?);
                let long = curve.coordinate();
                if x.len() != long || y.len() != long {
                    return Err(JwkError::Malformed);
                }
                Ok(PublicKey::Ec { curve, point: [&[4], x.as_slice(), y.as_slice()].concat() })
            }
            ("OKP", Some("Ed25519")) => Ok(PublicKey::Ed25519(part(&self.x)?)),
            ("OKP", Some("X25519")) => Ok(PublicKey::X25519(part(&self.x)?)),
            _ => Err(JwkError::Unsupported),
        }
    }

    pub(super) fn for_signatures(&self) -> bool {
        self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    pub(super) fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    pub(super) fn into_kid(self) -> Option<String> {
        self.kid
    }
}

/// A number without leading zeros, which some signers write against RFC 7518 section 2.
fn number(bytes: Vec<u8>) -> Result<Vec<u8>, JwkError> {
    let start = bytes.iter().position(|byte| *byte != 0).ok_or(JwkError::Malformed)?;
    Ok(bytes.get(start..).unwrap_or_default().to_vec())
}

fn check(key: &PublicKey, sizes: &std::ops::RangeInclusive<usize>) -> Result<(), JwkError> {
    match key {
        PublicKey::Rsa { n, e } => {
            let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
            let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            // SP 800-56B section 6.2: at least 65,537; AWS-LC takes 33 bits at most.
            let exponent = (3..=4).contains(&e.len()) && odd(e);
            if sizes.contains(&bits) && exponent && odd(n) { Ok(()) } else { Err(JwkError::Weak) }
        }
        PublicKey::Ec { curve, point } => {
            let algorithm = match curve {
                Curve::P256 => &ECDSA_P256_SHA256_FIXED,
                Curve::P384 => &ECDSA_P384_SHA384_FIXED,
                Curve::P521 => &ECDSA_P521_SHA512_FIXED,
            };
            ParsedPublicKey::new(algorithm, point).map(|_| ()).map_err(|_| JwkError::Point)
        }
        PublicKey::Ed25519(x) if x.len() == 32 => Ok(()),
        PublicKey::X25519(x) if x.len() == 32 => agreeable(x),
        PublicKey::Ed25519(_) | PublicKey::X25519(_) => Err(JwkError::Malformed),
    }
}

/// Refuses points of small order: what is agreed with them is zero, whatever the other key (RFC 7748 section 6.1).
fn agreeable(x: &[u8]) -> Result<(), JwkError> {
    let any =
        agreement::PrivateKey::from_private_key(&agreement::X25519, &[7; 32]).map_err(|_| JwkError::Point)?;
    let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, x);
    agreement::agree(&any, peer, JwkError::Point, |_| Ok(()))
}
