//! Private keys of certificates.

use std::fmt;

use aws_lc_rs::{
    digest::{Digest, SHA256},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use zeroize::{Zeroize, Zeroizing};

use crate::{der, error::Error, oid::Oid, pem};

/// The kinds of keys that certificates are made with. Browsers take none other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// RSA with 2048 bits, PKCS#1 v1.5 signatures with SHA-256: where the other side asks for it.
    Rsa2048,
    /// The same with 3072 bits.
    Rsa3072,
    /// The same with 4096 bits.
    Rsa4096,
}

impl KeyAlgorithm {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::EcdsaP256, Self::EcdsaP384, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// In words of the interfaces: `ecdsa-p256`, `rsa-2048`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A private key of a certificate, in memory.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    pair: Pair,
}

/// By what it signs.
pub(crate) enum Pair {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the library or its random source fails.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, Error> {
        let document = match algorithm {
            KeyAlgorithm::EcdsaP256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?.to_pkcs8v1()?
            }
            KeyAlgorithm::EcdsaP384 => {
                EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING)?.to_pkcs8v1()?
            }
            KeyAlgorithm::Rsa2048 => return Self::generate_rsa(KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => return Self::generate_rsa(KeySize::Rsa3072),
            KeyAlgorithm::Rsa4096 => return Self::generate_rsa(KeySize::Rsa4096),
        };
        Self::from_pkcs8(Zeroizing::new(document.as_ref().to_vec()))
    }

    fn generate_rsa(size: KeySize) -> Result<Self, Error> {
        let pkcs8: Pkcs8V1Der<'_> = RsaKeyPair::generate(size)?.as_der()?;
        Self::from_pkcs8(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    /// Reads a PKCS#8 DER.
    ///
    /// # Errors
    /// [`Error::NotAPrivateKey`].
    pub fn from_pkcs8(pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8)
            .map(Pair::P256)
            .or_else(|_| EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &pkcs8).map(Pair::P384))
            .or_else(|_| RsaKeyPair::from_pkcs8(&pkcs8).map(Pair::Rsa))
            .map_err(|_| Error::NotAPrivateKey)?;
        Ok(Self { pkcs8, pair })
    }

    /// Reads the PEM of a PKCS#8 key (`BEGIN PRIVATE KEY`).
    ///
    /// # Errors
    /// [`Error::NotAPrivateKey`], also for the older forms, which `openssl pkcs8 -topk8 -nodes` converts.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let mut key =
            PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| Error::NotAPrivateKey)?;
        let pkcs8 = Zeroizing::new(key.secret_pkcs8_der().to_vec());
        key.zeroize();
        Self::from_pkcs8(pkcs8)
    }

    /// Reads the DER of an RSA key in the older form (PKCS#1, `BEGIN RSA PRIVATE KEY`), and makes it a PKCS#8 one (RFC 5208 §5).
    ///
    /// # Errors
    /// [`Error::NotAPrivateKey`].
    pub fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, Error> {
        let algorithm = der::sequence(&[RSA_ENCRYPTION.to_der(), vec![0x05, 0x00]]);
        let key = Zeroizing::new(der::tlv(der::tag::OCTET_STRING, pkcs1));
        let version = der::unsigned(&[]);
        let content = Zeroizing::new([version.as_slice(), &algorithm, &key].concat());
        Self::from_pkcs8(Zeroizing::new(der::tlv(der::tag::SEQUENCE, &content)))
    }

    /// The PKCS#8 DER: for sealing in a keystore, or for a file that only its owner reads.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The PKCS#8 PEM.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// The key as rustls wants it.
    pub fn to_rustls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()).into()
    }

    /// The SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), DER.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the library fails.
    pub fn public_key_info(&self) -> Result<Vec<u8>, Error> {
        let info: PublicKeyX509Der<'_> = match &self.pair {
            Pair::P256(pair) | Pair::P384(pair) => pair.public_key().as_der()?,
            Pair::Rsa(pair) => pair.public_key().as_der()?,
        };
        Ok(info.as_ref().to_vec())
    }

    /// The signature of a SHA-256 digest, which is signed as it is and not hashed again: an ECDSA-Sig-Value, or PKCS #1 v1.5 (RFC 8017 section 8.2). It is verified
    /// before it leaves, since one that a fault made tells the key.
    ///
    /// # Errors
    /// [`Error::Crypto`], also for a key on P-384.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let digest = Digest::import_less_safe(digest, &SHA256)?;
        let (signature, public) = match &self.pair {
            Pair::P256(pair) => {
                let signature = pair.sign_digest(&digest)?.as_ref().to_vec();
                (signature, ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, pair.public_key().as_ref()))
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature)?;
                let public = pair.public_key().as_ref();
                (signature, ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public))
            }
            Pair::P384(_) => return Err(Error::Crypto),
        };
        public.map_err(|_| Error::Crypto)?.verify_digest_sig(&digest, &signature)?;
        Ok(signature)
    }

    pub(crate) fn pair(&self) -> &Pair {
        &self.pair
    }
}

pub(crate) const RSA_ENCRYPTION: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}
