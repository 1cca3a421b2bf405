//! A certificate, read once: the parts that the rest of the house asks for.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{error::Error, name::Name, pem, signature::certificate_is_by};

/// The SHA-256 of a certificate's DER, in lower-case hexadecimal: what names a certificate everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of these DER bytes, whatever they are.
    pub fn of(der: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(out)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a certificate fingerprint is 64 hexadecimal digits (SHA-256)")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Takes upper and lower case, and the colons that `openssl x509 -fingerprint` puts between octets.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let mut out = [0; 32];
        hex::decode_to_slice(text.replace(':', ""), &mut out).map_err(|_| NotAFingerprint)?;
        Ok(Self(out))
    }
}

/// A certificate as read, which says nothing about whether to trust it.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    not_before: u64,
    not_after: u64,
}

impl Certificate {
    /// Reads one certificate's DER, all of it.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], naming `what`.
    pub fn from_der(der: &[u8], what: &str) -> Result<Self, Error> {
        let unreadable = || Error::NotACertificate { what: what.to_owned() };
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| unreadable())?;
        if !rest.is_empty() {
            return Err(unreadable());
        }
        Ok(Self {
            der: CertificateDer::from(der.to_vec()),
            subject: Name::from_der(parsed.subject().as_raw()).map_err(|_| unreadable())?,
            issuer: Name::from_der(parsed.issuer().as_raw()).map_err(|_| unreadable())?,
            serial: parsed.raw_serial().to_vec(),
            not_before: millis(parsed.validity().not_before.timestamp()),
            not_after: millis(parsed.validity().not_after.timestamp()),
        })
    }

    /// Reads every certificate of a PEM text, in order; at least one.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], naming `what`, when there is none or one is not readable.
    pub fn all_from_pem(text: &str, what: &str) -> Result<Vec<Self>, Error> {
        let unreadable = || Error::NotACertificate { what: what.to_owned() };
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes())
            .map(|der| Self::from_der(&der.map_err(|_| unreadable())?, what))
            .collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() { Err(unreadable()) } else { Ok(certificates) }
    }

    /// The DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// SHA-256 of the DER.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// Whom it is about.
    pub fn subject(&self) -> &Name {
        &self.subject
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The serial number in lower-case hexadecimal.
    pub fn serial(&self) -> String {
        hex::encode(&self.serial)
    }

    /// Its public key: the DER of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub fn public_key_info(&self) -> Vec<u8> {
        self.parsed().map(|parsed| parsed.public_key().raw.to_vec()).unwrap_or_default()
    }

    /// Whether the key of `issuer` signed it, whatever either of them says.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        certificate_is_by(self, issuer).unwrap_or(false)
    }

    /// First moment of its validity, unix milliseconds.
    pub fn not_before(&self) -> u64 {
        self.not_before
    }

    /// Last moment of its validity, unix milliseconds (the whole last second counts, RFC 5280 §4.1.2.5).
    pub fn not_after(&self) -> u64 {
        self.not_after
    }

    /// The parse tree. The DER was read before, so this only fails if the parser is not deterministic.
    pub(crate) fn parsed(&self) -> Result<X509Certificate<'_>, Error> {
        X509Certificate::from_der(&self.der)
            .map(|(_, parsed)| parsed)
            .map_err(|_| Error::NotACertificate { what: self.subject.to_string() })
    }
}

fn millis(unix_seconds: i64) -> u64 {
    u64::try_from(unix_seconds).unwrap_or(0).saturating_mul(1000)
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.fingerprint())
    }
}
