//! What opens messages: a private key in memory, or one that somebody keeps (an HSM).

use std::error::Error;
use std::fmt;

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::agreement::shared;
use super::{EncryptionKey, EphemeralKey, KeyAlgorithm};
use crate::jose::algorithm::{Curve, PublicKey};
use crate::jose::{JwkError, PublicJwk};
use crate::{KeyError, RsaPrivateKey, Secret, SecretBytes};

/// A private key that opens messages, wherever it is kept. It is for one algorithm.
///
/// What it cannot open it answers with `None`, and nothing more is said of it: the caller goes on with a random key, so that nobody
/// learns which part was wrong.
pub trait DecryptionKey {
    /// The one algorithm that it is for.
    fn algorithm(&self) -> KeyAlgorithm;

    /// RSAES-OAEP (RFC 8017 section 7.1.2) with an empty label and the hash of its algorithm. None if the padding is wrong.
    ///
    /// # Errors
    /// [`Unavailable`] if the key could not be used at all.
    fn decrypt_oaep(&self, _encrypted_key: &[u8]) -> Result<Option<SecretBytes>, Unavailable> {
        Ok(None)
    }

    /// The shared secret of ECDH: the x-coordinate on P-256, the output of X25519. None if the other key is not of its curve, is no point
    /// of it, or gives zero: whoever keeps the key must check that.
    ///
    /// # Errors
    /// [`Unavailable`] if the key could not be used at all.
    fn agree(&self, _with: &EphemeralKey) -> Result<Option<Secret<32>>, Unavailable> {
        Ok(None)
    }
}

/// A key could not be used: what keeps it is away, or no longer has it.
#[derive(Debug, thiserror::Error)]
#[error("the key that the message is for cannot be used now: {0}")]
pub struct Unavailable(#[source] Box<dyn Error + Send + Sync>);

impl Unavailable {
    /// With what the keeper of the key said.
    #[must_use]
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Kinds of private keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyKind {
    /// 2,048 to 4,096 bits; of 3,072 where it is made here.
    Rsa,
    /// The curve P-256.
    P256,
    /// X25519.
    X25519,
}

/// A private key in memory. `Debug` shows its thumbprint only.
pub struct PrivateKey {
    public: EncryptionKey,
    kept: Kept,
}

enum Kept {
    Rsa { key: OaepPrivateDecryptingKey, encoded: SecretBytes },
    Agreement { key: agreement::PrivateKey, scalar: Secret<32> },
}

impl PrivateKey {
    /// Makes a new key for one algorithm. RSA takes up to seconds.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if the algorithm does not take keys of that kind; [`KeyError::Generation`], which is not expected.
    pub fn generate(kind: KeyKind, algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Rsa => {
                if algorithm.oaep().is_none() {
                    return Err(KeyError::Malformed);
                }
                let key =
                    PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| KeyError::Generation)?;
                Self::rsa(key, algorithm)
            }
            KeyKind::X25519 => Self::from_scalar(&agreement::X25519, Secret::random(), algorithm),
            KeyKind::P256 => {
                let key = agreement::PrivateKey::generate(&agreement::ECDH_P256);
                let scalar: EcPrivateKeyBin<'_> =
                    key.and_then(|key| key.as_be_bytes()).map_err(|_| KeyError::Generation)?;
                let scalar = Secret::from_slice(scalar.as_ref()).map_err(|_| KeyError::Generation)?;
                Self::from_scalar(&agreement::ECDH_P256, scalar, algorithm)
            }
        }
    }

    /// Takes what [`PrivateKey::to_secret_bytes`] gave: PKCS#8 DER for RSA, otherwise 32 bytes.
    ///
    /// # Errors
    /// [`KeyError`]: not such a key, or not one for that algorithm.
    pub fn from_secret_bytes(kind: KeyKind, algorithm: KeyAlgorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let scalar = || Secret::from_slice(bytes).map_err(|_| KeyError::Malformed);
        match kind {
            KeyKind::Rsa => {
                let key = PrivateDecryptingKey::from_pkcs8(bytes).map_err(|_| KeyError::Malformed)?;
                Self::rsa(key, algorithm)
            }
            KeyKind::P256 => Self::from_scalar(&agreement::ECDH_P256, scalar()?, algorithm),
            KeyKind::X25519 => Self::from_scalar(&agreement::X25519, scalar()?, algorithm),
        }
    }

    /// Reads a private JWK that names its algorithm, one of those that are accepted. RSA needs its primes (RFC 7518 section 6.3.2).
    ///
    /// # Errors
    /// [`JwkError`]; [`JwkError::Malformed`] also where the private part is not that of the public one.
    pub fn from_jwk(json: &[u8], accepted: &[KeyAlgorithm]) -> Result<Self, JwkError> {
        let public = EncryptionKey::new(PublicJwk::of_private(json)?, accepted)?;
        let wire: WirePrivate = serde_json::from_slice(json).map_err(|_| JwkError::Malformed)?;
        let algorithm = public.algorithm();
        let made = match &public.jwk().key {
            PublicKey::Rsa { n, e } => Self::rsa(wire.rsa(n, e)?, algorithm),
            PublicKey::Ec { curve: Curve::P256, .. } => {
                Self::from_scalar(&agreement::ECDH_P256, wire.scalar()?, algorithm)
            }
            PublicKey::X25519(_) => Self::from_scalar(&agreement::X25519, wire.scalar()?, algorithm),
            _ => return Err(JwkError::Unsupported),
        };
        let made = made.map_err(|_| JwkError::Malformed)?;
        if made.public.jwk().key != public.jwk().key {
            return Err(JwkError::Malformed);
        }
        Ok(Self { public, ..made })
    }

    /// The bytes to seal at rest.
    #[must_use]
    pub fn to_secret_bytes(&self) -> SecretBytes {
        match &self.kept {
            Kept::Rsa { encoded, .. } => SecretBytes::from(encoded.expose()),
            Kept::Agreement { scalar, .. } => SecretBytes::from(scalar.expose().as_slice()),
        }
    }

    /// The public part, for others to encrypt to. Its `kid` is its thumbprint, unless a JWK gave it another.
    #[must_use]
    pub fn public(&self) -> &EncryptionKey {
        &self.public
    }

    fn rsa(key: PrivateDecryptingKey, algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let encoded: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Malformed)?;
        let encoded = SecretBytes::from(encoded.as_ref());
        let parts = RsaPrivateKey::from_pkcs8(encoded.expose())?.parts()?;
        let public = PublicKey::Rsa { n: parts.modulus, e: parts.public_exponent };
        let public = own(algorithm, public).map_err(|_| KeyError::Malformed)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Malformed)?;
        Ok(Self { public, kept: Kept::Rsa { key, encoded } })
    }

    fn from_scalar(
        curve: &'static agreement::Algorithm,
        scalar: Secret<32>,
        algorithm: KeyAlgorithm,
    ) -> Result<Self, KeyError> {
        let key = agreement::PrivateKey::from_private_key(curve, scalar.expose().as_slice())
            .map_err(|_| KeyError::Malformed)?;
        let public = key.compute_public_key().map_err(|_| KeyError::Malformed)?;
        let public = match EphemeralKey::from_bytes(public.as_ref()) {
            Some(EphemeralKey::P256(point)) => PublicKey::Ec { curve: Curve::P256, point: point.to_vec() },
            Some(EphemeralKey::X25519(x)) => PublicKey::X25519(x.to_vec()),
            None => return Err(KeyError::Malformed),
        };
        let public = own(algorithm, public).map_err(|_| KeyError::Malformed)?;
        Ok(Self { public, kept: Kept::Agreement { key, scalar } })
    }
}

/// The public part of a key of ours: who has the private one has accepted its algorithm.
fn own(algorithm: KeyAlgorithm, public: PublicKey) -> Result<EncryptionKey, JwkError> {
    EncryptionKey::new(PublicJwk::to_encrypt(algorithm, public)?, &[algorithm])
}

impl DecryptionKey for PrivateKey {
    fn algorithm(&self) -> KeyAlgorithm {
        self.public.algorithm()
    }

    fn decrypt_oaep(&self, encrypted_key: &[u8]) -> Result<Option<SecretBytes>, Unavailable> {
        let (Kept::Rsa { key, .. }, Some(oaep)) = (&self.kept, self.algorithm().oaep()) else {
            return Ok(None);
        };
        let mut plain = SecretBytes::new(vec![0; key.min_output_size()]);
        let Ok(length) = key.decrypt(oaep, encrypted_key, plain.expose_mut(), None).map(|plain| plain.len())
        else {
            return Ok(None);
        };
        plain.truncate(length);
        Ok(Some(plain))
    }

    fn agree(&self, with: &EphemeralKey) -> Result<Option<Secret<32>>, Unavailable> {
        let (algorithm, public) = with.parts();
        Ok(match &self.kept {
            Kept::Agreement { key, .. } if key.algorithm() == algorithm => shared(key, algorithm, public),
            _ => None,
        })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, private part redacted)", self.public.jwk().thumbprint())
    }
}

/// The private members of a JWK.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct WirePrivate {
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

impl WirePrivate {
    fn scalar(&self) -> Result<Secret<32>, JwkError> {
        Secret::from_slice(part(self.d.as_ref())?.expose()).map_err(|_| JwkError::Malformed)
    }

    fn rsa(&self, n: &[u8], e: &[u8]) -> Result<PrivateDecryptingKey, JwkError> {
        let [d, p, q, dp, dq, qi] =
            [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi].map(|text| part(text.as_ref()));
        let (d, p, q, dp, dq, qi) = (d?, p?, q?, dp?, dq?, qi?);
        let components = KeyPairComponents {
            public_key: RsaPublicKeyComponents { n, e },
            d: d.expose(),
            p: p.expose(),
            q: q.expose(),
            dP: dp.expose(),
            dQ: dq.expose(),
            qInv: qi.expose(),
        };
        let pair = KeyPair::from_components(&components).map_err(|_| JwkError::Malformed)?;
        let encoded: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| JwkError::Malformed)?;
        let encoded = SecretBytes::from(encoded.as_ref());
        PrivateDecryptingKey::from_pkcs8(encoded.expose()).map_err(|_| JwkError::Malformed)
    }
}

fn part(text: Option<&String>) -> Result<SecretBytes, JwkError> {
    let text = text.ok_or(JwkError::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map(SecretBytes::new).map_err(|_| JwkError::Malformed)
}
