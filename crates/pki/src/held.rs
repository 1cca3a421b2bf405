//! Keys of certificates wherever they are: in memory, or in an HSM that signs and never tells them.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    digest::{self, Digest, SHA256, SHA384, SHA512},
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
        RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
        RsaKeyPair,
    },
};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    pki_types::SubjectPublicKeyInfoDer,
    sign::{Signer, SigningKey},
};

use crate::{
    der,
    error::Error,
    key::{self, Pair, PrivateKey},
    oid::Oid,
};

/// What kind of key a certificate has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFamily {
    /// ECDSA on P-256, which signs with SHA-256.
    P256,
    /// ECDSA on P-384, which signs with SHA-384.
    P384,
    /// RSA of 2048 to 8192 bits.
    Rsa,
}

/// A hash function of signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash of a message: 32, 48 or 64 octets.
    pub fn of(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        };
        digest::digest(algorithm, message).as_ref().to_vec()
    }

    /// The DigestInfo of a message (RFC 8017 §9.2), which RSASSA-PKCS1-v1_5 pads and signs.
    pub fn digest_info(self, message: &[u8]) -> Vec<u8> {
        self.digest_info_of(&self.of(message))
    }

    /// The DigestInfo of what was hashed by this already.
    pub fn digest_info_of(self, digest: &[u8]) -> Vec<u8> {
        // 2.16.840.1.101.3.4.2.1, .2, .3
        let last = match self {
            Self::Sha256 => 1,
            Self::Sha384 => 2,
            Self::Sha512 => 3,
        };
        let name = der::tlv(der::tag::OID, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last]);
        let algorithm = der::sequence(&[name, der::tlv(der::tag::NULL, &[])]);
        der::sequence(&[algorithm, der::tlv(der::tag::OCTET_STRING, digest)])
    }
}

/// How something is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signing {
    /// ECDSA with the hash of the key's curve; an ECDSA-Sig-Value (RFC 3279 §2.2.3).
    Ecdsa,
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(Hash),
    /// RSASSA-PSS (RFC 8017 §8.1), MGF1 with the same hash, a salt as long as it.
    RsaPss(Hash),
}

/// A private key of a certificate, wherever it is. Only [`PrivateKey`], which is in memory, can be written into a file.
pub trait CertificateKey: fmt::Debug + Send + Sync {
    /// Its kind.
    fn family(&self) -> KeyFamily;

    /// The SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), DER.
    ///
    /// # Errors
    /// [`Error::Crypto`], [`Error::Elsewhere`].
    fn public_key_info(&self) -> Result<Vec<u8>, Error>;

    /// The signature of a message.
    ///
    /// # Errors
    /// [`Error::Crypto`], also for a way that is another family's; [`Error::Elsewhere`] where the key's holder does not sign.
    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, Error>;
}

impl CertificateKey for Arc<dyn CertificateKey> {
    fn family(&self) -> KeyFamily {
        self.as_ref().family()
    }

    fn public_key_info(&self) -> Result<Vec<u8>, Error> {
        self.as_ref().public_key_info()
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.as_ref().sign(how, message)
    }
}

/// The signature of a certificate, a request, a list or a response.
pub(crate) fn sign(key: &dyn CertificateKey, message: &[u8]) -> Result<Vec<u8>, Error> {
    let how = match key.family() {
        KeyFamily::P256 | KeyFamily::P384 => Signing::Ecdsa,
        KeyFamily::Rsa => Signing::RsaPkcs1(Hash::Sha256),
    };
    key.sign(how, message)
}

/// The AlgorithmIdentifier of what [`sign`] makes (RFC 5758 §3.2, RFC 4055 §5).
pub(crate) fn signature_algorithm(key: &dyn CertificateKey) -> Vec<u8> {
    match key.family() {
        KeyFamily::P256 => der::sequence(&[ECDSA_WITH_SHA256.to_der()]),
        KeyFamily::P384 => der::sequence(&[ECDSA_WITH_SHA384.to_der()]),
        KeyFamily::Rsa => der::sequence(&[SHA256_WITH_RSA.to_der(), der::tlv(der::tag::NULL, &[])]),
    }
}

impl CertificateKey for PrivateKey {
    fn family(&self) -> KeyFamily {
        match self.pair() {
            Pair::P256(_) => KeyFamily::P256,
            Pair::P384(_) => KeyFamily::P384,
            Pair::Rsa(_) => KeyFamily::Rsa,
        }
    }

    fn public_key_info(&self) -> Result<Vec<u8>, Error> {
        PrivateKey::public_key_info(self)
    }

    fn sign(&self, how: Signing, message: &[u8]) -> Result<Vec<u8>, Error> {
        match (self.pair(), how) {
            (Pair::P256(pair) | Pair::P384(pair), Signing::Ecdsa) => {
                Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
            }
            (Pair::Rsa(pair), how) => rsa(pair, how, message),
            _ => Err(Error::Crypto),
        }
    }
}

fn rsa(pair: &RsaKeyPair, how: Signing, message: &[u8]) -> Result<Vec<u8>, Error> {
    let encoding: &'static dyn RsaEncoding = match how {
        Signing::RsaPkcs1(Hash::Sha256) => &RSA_PKCS1_SHA256,
        Signing::RsaPkcs1(Hash::Sha384) => &RSA_PKCS1_SHA384,
        Signing::RsaPkcs1(Hash::Sha512) => &RSA_PKCS1_SHA512,
        Signing::RsaPss(Hash::Sha256) => &RSA_PSS_SHA256,
        Signing::RsaPss(Hash::Sha384) => &RSA_PSS_SHA384,
        Signing::RsaPss(Hash::Sha512) => &RSA_PSS_SHA512,
        Signing::Ecdsa => return Err(Error::Crypto),
    };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}

const ECDSA_WITH_SHA256: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]);
const ECDSA_WITH_SHA384: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3]);
const SHA256_WITH_RSA: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
/// id-ecPublicKey (RFC 5480 §2.1.1)
const EC_PUBLIC_KEY: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]);
/// secp256r1 and secp384r1 (RFC 5480 §2.1.1.1)
const P256: Oid = Oid::literal(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
const P384: Oid = Oid::literal(&[0x2b, 0x81, 4, 0, 0x22]);

impl KeyFamily {
    /// The DER of a curve's name (ECParameters, RFC 5480 §2.1.1), as HSMs take and tell it; none for RSA.
    pub fn curve_der(self) -> Option<Vec<u8>> {
        match self {
            Self::P256 => Some(P256.to_der()),
            Self::P384 => Some(P384.to_der()),
            Self::Rsa => None,
        }
    }

    /// Which curve this DER names.
    pub fn of_curve(der: &[u8]) -> Option<Self> {
        [Self::P256, Self::P384].into_iter().find(|family| family.curve_der().as_deref() == Some(der))
    }

    /// Octets of a coordinate of its curve; none for RSA.
    pub fn coordinate(self) -> Option<usize> {
        match self {
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::Rsa => None,
        }
    }

    /// The SubjectPublicKeyInfo of a point, uncompressed (SEC 1 §2.3.3); none for RSA, or where it is no such point's form.
    pub fn point_info(self, point: &[u8]) -> Option<Vec<u8>> {
        let fits = point.first() == Some(&4) && point.len() == 1 + 2 * self.coordinate()?;
        let algorithm = der::sequence(&[EC_PUBLIC_KEY.to_der(), self.curve_der()?]);
        fits.then(|| der::sequence(&[algorithm, der::bit_string(point)]))
    }
}

/// The SubjectPublicKeyInfo of an RSA key (RFC 3279 §2.3.1) from modulus and exponent, big-endian.
pub fn rsa_public_key_info(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let algorithm = der::sequence(&[key::RSA_ENCRYPTION.to_der(), der::tlv(der::tag::NULL, &[])]);
    let key = der::sequence(&[der::unsigned(modulus), der::unsigned(exponent)]);
    der::sequence(&[algorithm, der::bit_string(&key)])
}

/// The ECDSA-Sig-Value (RFC 3279 §2.2.3) of r and s one after the other, of the same length, as HSMs make them (PKCS#11 v2.40 §2.3.1); none where
/// they are not.
pub fn ecdsa_signature_der(family: KeyFamily, raw: &[u8]) -> Option<Vec<u8>> {
    let length = family.coordinate()?;
    let (r, s) = raw.split_at_checked(length)?;
    (s.len() == length).then(|| der::sequence(&[der::unsigned(r), der::unsigned(s)]))
}

/// The public part of a key that signs SHA-256 digests and is elsewhere: what it signed is looked at before anybody relies on it.
#[derive(Debug)]
pub struct DigestVerifier(ParsedPublicKey);

impl DigestVerifier {
    /// Of a SubjectPublicKeyInfo of this family.
    ///
    /// # Errors
    /// [`Error::Crypto`], also for P-384, which signs no SHA-256 digest here.
    pub fn of(family: KeyFamily, public_key_info: &[u8]) -> Result<Self, Error> {
        let key = match family {
            KeyFamily::P256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key_info),
            KeyFamily::Rsa => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key_info),
            KeyFamily::P384 => return Err(Error::Crypto),
        };
        Ok(Self(key.map_err(|_| Error::Crypto)?))
    }

    /// Whether this is its signature of a digest, as [`PrivateKey::sign_digest`] makes one.
    pub fn verifies(&self, digest: &[u8; 32], signature: &[u8]) -> bool {
        let digest = Digest::import_less_safe(digest, &SHA256);
        digest.is_ok_and(|digest| self.0.verify_digest_sig(&digest, signature).is_ok())
    }
}

/// Such a key in handshakes. It signs on the thread that asks, which waits for as long as its holder takes.
#[derive(Debug, Clone)]
pub(crate) struct TlsKey {
    key: Arc<dyn CertificateKey>,
    public: Vec<u8>,
}

impl TlsKey {
    pub(crate) fn new(key: Arc<dyn CertificateKey>) -> Result<Self, Error> {
        Ok(Self { public: key.public_key_info()?, key })
    }

    fn ways(&self) -> &'static [(SignatureScheme, Signing)] {
        match self.key.family() {
            KeyFamily::P256 => &[(SignatureScheme::ECDSA_NISTP256_SHA256, Signing::Ecdsa)],
            KeyFamily::P384 => &[(SignatureScheme::ECDSA_NISTP384_SHA384, Signing::Ecdsa)],
            // SHA-256 first: it is what every token has.
            KeyFamily::Rsa => &[
                (SignatureScheme::RSA_PSS_SHA256, Signing::RsaPss(Hash::Sha256)),
                (SignatureScheme::RSA_PSS_SHA384, Signing::RsaPss(Hash::Sha384)),
                (SignatureScheme::RSA_PSS_SHA512, Signing::RsaPss(Hash::Sha512)),
                (SignatureScheme::RSA_PKCS1_SHA256, Signing::RsaPkcs1(Hash::Sha256)),
                (SignatureScheme::RSA_PKCS1_SHA384, Signing::RsaPkcs1(Hash::Sha384)),
                (SignatureScheme::RSA_PKCS1_SHA512, Signing::RsaPkcs1(Hash::Sha512)),
            ],
        }
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let (scheme, how) = *self.ways().iter().find(|(scheme, _)| offered.contains(scheme))?;
        Some(Box::new(TlsSigner { key: Arc::clone(&self.key), scheme, how }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.public.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.key.family() {
            KeyFamily::P256 | KeyFamily::P384 => SignatureAlgorithm::ECDSA,
            KeyFamily::Rsa => SignatureAlgorithm::RSA,
        }
    }
}

#[derive(Debug)]
struct TlsSigner {
    key: Arc<dyn CertificateKey>,
    scheme: SignatureScheme,
    how: Signing,
}

impl Signer for TlsSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        self.key.sign(self.how, message).map_err(|error| rustls::Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::key::KeyAlgorithm;

    /// What an HSM tells of a key, put together, is what the library says of the same key.
    #[test]
    fn public_parts_are_written_as_the_library_writes_them() {
        for (kind, family) in
            [(KeyAlgorithm::EcdsaP256, KeyFamily::P256), (KeyAlgorithm::EcdsaP384, KeyFamily::P384)]
        {
            let info = PrivateKey::generate(kind).unwrap().public_key_info().unwrap();
            let point = &info[info.len() - 1 - 2 * family.coordinate().unwrap()..];
            assert_eq!(family.point_info(point).unwrap(), info);
            assert_eq!(family.point_info(&point[1..]), None);
            assert_eq!(KeyFamily::of_curve(&family.curve_der().unwrap()), Some(family));
        }
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let Pair::Rsa(pair) = key.pair() else { unreachable!() };
        let public = aws_lc_rs::signature::KeyPair::public_key(pair);
        let (modulus, exponent) = (public.modulus(), public.exponent());
        assert_eq!(
            rsa_public_key_info(
                modulus.big_endian_without_leading_zero(),
                exponent.big_endian_without_leading_zero()
            ),
            key.public_key_info().unwrap()
        );
    }

    #[test]
    fn raw_signatures_become_der_and_nothing_else_does() {
        let raw = [[0; 31].as_slice(), &[1], &[0x80], &[0; 31]].concat();
        let der = ecdsa_signature_der(KeyFamily::P256, &raw).unwrap();
        assert_eq!(der[..5], [0x30, 38, 2, 1, 1]);
        assert_eq!(der[5..9], [2, 33, 0, 0x80]);
        for length in [0, 1, 63, 65, 96] {
            assert_eq!(ecdsa_signature_der(KeyFamily::P256, &vec![1; length]), None);
        }
    }
}
