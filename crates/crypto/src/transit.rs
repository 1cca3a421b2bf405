//! Keys as a Vault's Transit engine has them: the bytes inside `vault:v1:…`, which other programs read and write too.
//!
//! AEAD: nonce (12) ‖ ciphertext ‖ tag (16). RSA: RSAES-OAEP with SHA-256 (RFC 8017, section 7.1). ECDSA: ASN.1, over SHA-256. One key, one
//! purpose: an RSA key here decrypts and never signs; the ones that are exported for `mob-2022` are [`TransitKind::Mob`] and do nothing here
//! but leave.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, UnparsedPublicKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::mob::MobPrivateKey;
use crate::{KeyError, Secret, SecretBytes, random};

/// Bytes of a nonce, before the ciphertext.
const NONCE: usize = 12;
/// Bytes of a tag, after it.
const TAG: usize = 16;

/// What a key is for, and with which algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitKind {
    /// `aes256-gcm96`.
    Aes256Gcm96,
    /// `chacha20-poly1305`.
    ChaCha20Poly1305,
    /// `rsa-2048`, OAEP with SHA-256.
    Rsa2048,
    /// `rsa-3072`, OAEP with SHA-256.
    Rsa3072,
    /// `rsa-4096`, OAEP with SHA-256.
    Rsa4096,
    /// `rsa-2048` that leaves for `mob-2022`, where OAEP is with SHA-1; it encrypts and decrypts nothing here.
    Mob,
    /// `ecdsa-p256`.
    EcdsaP256,
    /// `ed25519`.
    Ed25519,
    /// `hmac`, with SHA-256.
    Hmac,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransitPurpose {
    /// Encrypts and decrypts.
    Encryption,
    /// Signs.
    Signing,
    /// Authenticates.
    Hmac,
}

/// One version of a key. `Debug` shows its kind only.
pub struct TransitKey {
    kind: TransitKind,
    /// 32 bytes, or PKCS#8 DER.
    secret: SecretBytes,
}

/// Why a key does not do what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransitError {
    /// The kind does something else.
    #[error("a key of this type does not do this")]
    WrongKind,
    /// The ciphertext is not of this key, was altered, or has other associated data.
    #[error("the ciphertext does not open under this key")]
    Refused,
    /// More than an RSA key takes.
    #[error("the plaintext is too long for this key")]
    TooLong,
    /// The key's bytes are not a key.
    #[error("the key is damaged")]
    Damaged,
}

impl TransitKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Aes256Gcm96,
        Self::ChaCha20Poly1305,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::Mob,
        Self::EcdsaP256,
        Self::Ed25519,
        Self::Hmac,
    ];

    /// The stable spelling at rest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mob => "mob-2022",
            other => other.vault_type(),
        }
    }

    /// The spelling that clients read.
    #[must_use]
    pub const fn vault_type(self) -> &'static str {
        match self {
            Self::Aes256Gcm96 => "aes256-gcm96",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::Rsa2048 | Self::Mob => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::Ed25519 => "ed25519",
            Self::Hmac => "hmac",
        }
    }

    /// The kind of this stable spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What its keys do.
    #[must_use]
    pub const fn purpose(self) -> TransitPurpose {
        match self {
            Self::EcdsaP256 | Self::Ed25519 => TransitPurpose::Signing,
            Self::Hmac => TransitPurpose::Hmac,
            _ => TransitPurpose::Encryption,
        }
    }

    const fn aead(self) -> Option<&'static Algorithm> {
        match self {
            Self::Aes256Gcm96 => Some(&AES_256_GCM),
            Self::ChaCha20Poly1305 => Some(&CHACHA20_POLY1305),
            _ => None,
        }
    }
}

impl TransitKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Generation`], which is not expected.
    pub fn generate(kind: TransitKind) -> Result<Self, KeyError> {
        let failed = |_| KeyError::Generation;
        let rsa = |size| -> Result<SecretBytes, KeyError> {
            let key = PrivateDecryptingKey::generate(size).map_err(failed)?;
            Ok(SecretBytes::from(key.as_der().map_err(failed)?.as_ref()))
        };
        let secret = match kind {
            TransitKind::Aes256Gcm96 | TransitKind::ChaCha20Poly1305 | TransitKind::Hmac => {
                SecretBytes::from(&Secret::<32>::random().expose()[..])
            }
            TransitKind::Rsa2048 => rsa(KeySize::Rsa2048)?,
            TransitKind::Rsa3072 => rsa(KeySize::Rsa3072)?,
            TransitKind::Rsa4096 => rsa(KeySize::Rsa4096)?,
            TransitKind::Mob => SecretBytes::from(MobPrivateKey::generate()?.to_pkcs8().expose()),
            TransitKind::EcdsaP256 => {
                let made =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
                SecretBytes::from(made.map_err(failed)?.as_ref())
            }
            TransitKind::Ed25519 => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
                SecretBytes::from(made.map_err(failed)?.as_ref())
            }
        };
        Ok(Self { kind, secret })
    }

    /// From what [`Self::secret`] gave.
    #[must_use]
    pub fn new(kind: TransitKind, secret: SecretBytes) -> Self {
        Self { kind, secret }
    }

    /// 32 bytes, or PKCS#8 DER; to be sealed at rest.
    #[must_use]
    pub fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// Encrypts; the nonce of an AEAD is random, as a Vault's is (SP 800-38D, section 8.2.2).
    ///
    /// # Errors
    /// [`TransitError::WrongKind`], [`TransitError::TooLong`], [`TransitError::Damaged`].
    pub fn encrypt(&self, plain: &[u8], associated: &[u8]) -> Result<Vec<u8>, TransitError> {
        if let Some(algorithm) = self.kind.aead() {
            let nonce = random::<NONCE>();
            // Room for all: a vector that grows would leave plaintext behind.
            let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
            sealed.extend_from_slice(&nonce);
            sealed.extend_from_slice(plain);
            let content = sealed.get_mut(NONCE..).ok_or(TransitError::Damaged)?;
            let tag = self
                .aead(algorithm)?
                .seal_in_place_separate_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::from(associated),
                    content,
                )
                .map_err(|_| TransitError::TooLong)?;
            sealed.extend_from_slice(tag.as_ref());
            return Ok(sealed);
        }
        let key = self.rsa()?;
        if !associated.is_empty() {
            return Err(TransitError::WrongKind);
        }
        let key = OaepPublicEncryptingKey::new(key.public_key()).map_err(|_| TransitError::Damaged)?;
        let mut sealed = vec![0; key.ciphertext_size()];
        let length = key
            .encrypt(&OAEP_SHA256_MGF1SHA256, plain, &mut sealed, None)
            .map_err(|_| TransitError::TooLong)?
            .len();
        sealed.truncate(length);
        Ok(sealed)
    }

    /// Decrypts what [`Self::encrypt`] or another program made.
    ///
    /// # Errors
    /// [`TransitError::WrongKind`], [`TransitError::Refused`], [`TransitError::Damaged`].
    pub fn decrypt(&self, sealed: &[u8], associated: &[u8]) -> Result<SecretBytes, TransitError> {
        if let Some(algorithm) = self.kind.aead() {
            let (nonce, content) = sealed.split_first_chunk::<NONCE>().ok_or(TransitError::Refused)?;
            let mut plain = SecretBytes::from(content);
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened =
                self.aead(algorithm)?.open_in_place(nonce, Aad::from(associated), plain.expose_mut());
            let length = opened.map_err(|_| TransitError::Refused)?.len();
            plain.truncate(length);
            return Ok(plain);
        }
        if !associated.is_empty() {
            return Err(TransitError::WrongKind);
        }
        let key = OaepPrivateDecryptingKey::new(self.rsa()?).map_err(|_| TransitError::Damaged)?;
        let mut plain = SecretBytes::new(vec![0; key.min_output_size()]);
        let length = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, sealed, plain.expose_mut(), None)
            .map_err(|_| TransitError::Refused)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Signs: Ed25519 (RFC 8032), or ECDSA over SHA-256 in ASN.1.
    ///
    /// # Errors
    /// [`TransitError::WrongKind`], [`TransitError::Damaged`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TransitError> {
        match self.kind {
            TransitKind::Ed25519 => Ok(self.ed25519()?.sign(message).as_ref().to_vec()),
            TransitKind::EcdsaP256 => {
                let signed = self.ecdsa()?.sign(&SystemRandom::new(), message);
                Ok(signed.map_err(|_| TransitError::Damaged)?.as_ref().to_vec())
            }
            _ => Err(TransitError::WrongKind),
        }
    }

    /// Whether a signature is this key's.
    ///
    /// # Errors
    /// [`TransitError::WrongKind`], [`TransitError::Damaged`].
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> Result<bool, TransitError> {
        Ok(match self.kind {
            TransitKind::Ed25519 => UnparsedPublicKey::new(&ED25519, self.ed25519()?.public_key().as_ref())
                .verify(message, signature)
                .is_ok(),
            TransitKind::EcdsaP256 => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.ecdsa()?.public_key().as_ref())
                    .verify(message, signature)
                    .is_ok()
            }
            _ => return Err(TransitError::WrongKind),
        })
    }

    /// HMAC-SHA-256 (RFC 2104).
    ///
    /// # Errors
    /// [`TransitError::WrongKind`].
    pub fn mac(&self, message: &[u8]) -> Result<[u8; 32], TransitError> {
        match self.kind {
            TransitKind::Hmac => Ok(crate::hmac(self.secret.expose(), &[message])),
            _ => Err(TransitError::WrongKind),
        }
    }

    /// The public part as clients read it: `SubjectPublicKeyInfo` in PEM, or base64 for Ed25519; none for a symmetric key.
    ///
    /// # Errors
    /// [`TransitError::Damaged`].
    pub fn public(&self) -> Result<Option<String>, TransitError> {
        let damaged = |_| TransitError::Damaged;
        Ok(Some(match self.kind {
            TransitKind::Rsa2048 | TransitKind::Rsa3072 | TransitKind::Rsa4096 => {
                public_pem(self.rsa()?.public_key().as_der().map_err(damaged)?.as_ref())
            }
            TransitKind::Mob => self.mob()?.public().to_pem(),
            TransitKind::EcdsaP256 => {
                public_pem(self.ecdsa()?.public_key().as_der().map_err(damaged)?.as_ref())
            }
            TransitKind::Ed25519 => STANDARD.encode(self.ed25519()?.public_key().as_ref()),
            TransitKind::Aes256Gcm96 | TransitKind::ChaCha20Poly1305 | TransitKind::Hmac => return Ok(None),
        }))
    }

    /// The key itself, for an export that the organisation opted into: PKCS#8 in PEM for [`TransitKind::Mob`], base64 for 32 bytes.
    ///
    /// # Errors
    /// [`TransitError::WrongKind`]: keys of the other kinds stay.
    pub fn export(&self) -> Result<SecretBytes, TransitError> {
        match self.kind {
            TransitKind::Mob => Ok(self.mob()?.to_pem()),
            TransitKind::Aes256Gcm96 | TransitKind::ChaCha20Poly1305 | TransitKind::Hmac => {
                let mut text = SecretBytes::new(vec![0; self.secret.expose().len().div_ceil(3) * 4]);
                STANDARD
                    .encode_slice(self.secret.expose(), text.expose_mut())
                    .map_err(|_| TransitError::Damaged)?;
                Ok(text)
            }
            _ => Err(TransitError::WrongKind),
        }
    }

    fn aead(&self, algorithm: &'static Algorithm) -> Result<LessSafeKey, TransitError> {
        let key = UnboundKey::new(algorithm, self.secret.expose()).map_err(|_| TransitError::Damaged)?;
        Ok(LessSafeKey::new(key))
    }

    fn rsa(&self) -> Result<PrivateDecryptingKey, TransitError> {
        match self.kind {
            TransitKind::Rsa2048 | TransitKind::Rsa3072 | TransitKind::Rsa4096 => {
                PrivateDecryptingKey::from_pkcs8(self.secret.expose()).map_err(|_| TransitError::Damaged)
            }
            _ => Err(TransitError::WrongKind),
        }
    }

    fn mob(&self) -> Result<MobPrivateKey, TransitError> {
        MobPrivateKey::from_pkcs8(self.secret.expose()).map_err(|_| TransitError::Damaged)
    }

    fn ed25519(&self) -> Result<Ed25519KeyPair, TransitError> {
        Ed25519KeyPair::from_pkcs8(self.secret.expose()).map_err(|_| TransitError::Damaged)
    }

    fn ecdsa(&self) -> Result<EcdsaKeyPair, TransitError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, self.secret.expose())
            .map_err(|_| TransitError::Damaged)
    }
}

impl std::fmt::Debug for TransitKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TransitKey({}, redacted)", self.kind.as_str())
    }
}

fn public_pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN PUBLIC KEY-----\n".to_owned();
    let mut rest = text.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        pem = pem + line + "\n";
        rest = more;
    }
    if !rest.is_empty() {
        pem = pem + rest + "\n";
    }
    pem + "-----END PUBLIC KEY-----\n"
}
