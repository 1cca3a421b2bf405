//! What an authority hands out: a certificate, its private key, and who signed it.

use crate::{
    certificate::{Certificate, Fingerprint},
    error::Error,
    key::PrivateKey,
    pkcs12,
};

/// A new certificate with its private key.
#[derive(Debug)]
pub struct Issued {
    certificate: Certificate,
    issuer: Certificate,
    key: PrivateKey,
}

impl Issued {
    pub(crate) fn new(certificate: Certificate, issuer: Certificate, key: PrivateKey) -> Self {
        Self { certificate, issuer, key }
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// SHA-256 of its DER.
    pub fn fingerprint(&self) -> Fingerprint {
        self.certificate.fingerprint()
    }

    /// Its private key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// What a TLS peer is shown: the certificate, then its issuer unless that is a root, which the peer must know itself.
    pub fn chain(&self) -> Vec<Certificate> {
        let root = self.issuer.subject() == self.issuer.issuer();
        let mut chain = vec![self.certificate.clone()];
        if !root {
            chain.push(self.issuer.clone());
        }
        chain
    }

    /// The chain in PEM.
    pub fn chain_pem(&self) -> String {
        self.chain().iter().map(Certificate::to_pem).collect()
    }

    /// A PKCS#12 file (RFC 7292) with key, certificate and issuer for a browser or a system's key store:
    /// AES-256-CBC and SHA-256, under this password.
    ///
    /// # Errors
    /// [`Error::BadPassword`] for a password that some importers would refuse; [`Error::Pkcs12`].
    pub fn to_pkcs12(&self, password: &str) -> Result<Vec<u8>, Error> {
        pkcs12::encode(&self.key, &[&self.certificate, &self.issuer], password)
    }
}
