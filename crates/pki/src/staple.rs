//! What a server hands out with its certificate: its responder's last word about it (RFC 6066 §8), put in its place while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use x509_parser::asn1_rs::{Any, FromDer};

use crate::{
    anchors::Anchors,
    certificate::Certificate,
    error::Error,
    tls::{self, TlsIdentity},
};

/// id-pe-tlsfeature (RFC 7633 §4), and `status_request` in it.
const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];
const STATUS_REQUEST: &[u8] = &[5];

/// The certificate that a server shows, and what it hands out with it. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Staple(Arc<Shown>);

#[derive(Debug)]
struct Shown {
    certificate: Certificate,
    issuer: Certificate,
    key: RwLock<Arc<CertifiedKey>>,
}

impl Staple {
    /// The server's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Whose it is.
    pub fn issuer(&self) -> &Certificate {
        &self.0.issuer
    }

    /// Whether clients that know this demand a response (`must-staple`, RFC 7633).
    pub fn is_demanded(&self) -> bool {
        self.0.certificate.parsed().is_ok_and(|parsed| {
            let feature = parsed.extensions().iter().find(|found| found.oid.as_bytes() == TLS_FEATURE);
            feature.is_some_and(|feature| demands_status(feature.value))
        })
    }

    /// What is handed out.
    pub fn response(&self) -> Option<Vec<u8>> {
        self.key().ocsp.clone()
    }

    /// Hands out this response (DER) from now on, or none. The caller judged it.
    pub fn put(&self, response: Option<Vec<u8>>) {
        let next = CertifiedKey { ocsp: response, ..CertifiedKey::clone(&self.key()) };
        *self.0.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }

    fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.key.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.key.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// As [`crate::server_config_asking`], or as [`crate::server_config`] where there are no anchors, and what is handed out with the certificate.
///
/// # Errors
/// [`Error::NoIssuer`] where the chain does not have the issuer behind the certificate; [`Error::Tls`].
pub fn server_config_stapling(
    identity: &TlsIdentity,
    anchors: &[&Anchors],
) -> Result<(ServerConfig, Staple), Error> {
    let [leaf, issuer, ..] = identity.chain() else { return Err(Error::NoIssuer) };
    let certificate = Certificate::from_der(leaf, "the server's certificate")?;
    let issuer = Certificate::from_der(issuer, "the chain")?;
    if certificate.issuer() != issuer.subject() {
        return Err(Error::NoIssuer);
    }
    let key = RwLock::new(Arc::new(identity.certified()));
    let shown = Arc::new(Shown { certificate, issuer, key });
    let config = tls::server_config_resolving(anchors, Arc::clone(&shown) as Arc<dyn ResolvesServerCert>)?;
    Ok((config, Staple(shown)))
}

/// A TLSFEATURE (RFC 7633 §4): a SEQUENCE of INTEGERs.
fn demands_status(features: &[u8]) -> bool {
    let Ok((_, all)) = Any::from_der(features) else { return false };
    let mut rest = all.data;
    while let Ok((after, one)) = Any::from_der(rest) {
        if one.data == STATUS_REQUEST {
            return true;
        }
        rest = after;
    }
    false
}
