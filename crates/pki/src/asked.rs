//! What a server asks of its clients, seen from outside: whether it wants a certificate, and of which authorities.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::{
    ClientConfig, SignatureScheme, client::ResolvesClientCert, pki_types::CertificateDer, sign::CertifiedKey,
};

use crate::{error::Error, name::Name, shown};

/// What the server said during the handshake.
#[derive(Clone, Debug, Default)]
pub struct ServerWish {
    authorities: Arc<Mutex<Option<Vec<Name>>>>,
    seen: shown::Seen,
}

impl ServerWish {
    /// The authorities whose certificates it takes, none where it names none; `None` where it asked for no certificate.
    pub fn authorities(&self) -> Option<Vec<Name>> {
        self.authorities.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The OCSP response that it hands out with its certificate (DER), which nobody judged.
    pub fn stapled(&self) -> Option<Vec<u8>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).stapled.clone()
    }

    /// Its certificates, leaf first, which nobody judged. They are seen even where it ended the handshake because no certificate was shown to it, as it does
    /// in TLS 1.2 where it demands one (RFC 5246 §7.4.6).
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).chain.clone()
    }
}

/// As [`crate::looking_config`], and notes what the server asks for. It shows no certificate.
///
/// # Errors
/// [`Error::Tls`].
pub fn asking_config() -> Result<(ClientConfig, ServerWish), Error> {
    let wish = ServerWish::default();
    let mut config = shown::looking(Arc::clone(&wish.seen))?;
    config.client_auth_cert_resolver = Arc::new(Notes(wish.clone()));
    Ok((config, wish))
}

#[derive(Debug)]
struct Notes(ServerWish);

impl ResolvesClientCert for Notes {
    fn resolve(&self, authorities: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let names = authorities.iter().filter_map(|der| Name::from_der(der).ok()).collect();
        *self.0.authorities.lock().unwrap_or_else(PoisonError::into_inner) = Some(names);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}
