//! What a server shows while an authority looks whether a name is its own (tls-alpn-01, RFC 8737), and while it has no certificate to show.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use time::Duration;

use super::{Tbs, moment};
use crate::{
    der::{self, tag},
    error::Error,
    extension::{self, Host},
    key::{KeyAlgorithm, PrivateKey},
    name::Name,
    oid::Oid,
    tls,
};

/// The one protocol of such a handshake (RFC 8737 §4).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

/// id-pe-acmeIdentifier (RFC 8737 §6.1)
const ACME_IDENTIFIER: Oid = Oid::literal(&[0x2b, 6, 1, 5, 5, 7, 1, 31]);
/// Authorities look at once.
const VALID: Duration = Duration::hours(1);

/// A server of this DNS name that speaks [`ACME_TLS`] alone, with a self-signed certificate that holds the SHA-256 of the key authorization (RFC 8737 §3). Its
/// key is made for it and is nowhere else. It is valid from an hour before `now` (Unix milliseconds) to an hour after it.
///
/// # Errors
/// [`Error::BadHost`] for what is no DNS name; [`Error::Crypto`], [`Error::Tls`].
pub fn challenge_config(host: &str, key_authorization: &[u8; 32], now: u64) -> Result<ServerConfig, Error> {
    let name = Host::parse(host)?;
    if !matches!(name, Host::Dns(_)) {
        return Err(Error::BadHost(host.to_owned()));
    }
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
    let subject = Name::default().with(Oid::COMMON_NAME, "acme-tls/1");
    let now = moment(now)?;
    let held = der::tlv(tag::OCTET_STRING, key_authorization);
    let tbs = Tbs {
        issuer: &subject,
        subject: &subject,
        from: now.saturating_sub(VALID),
        until: now.saturating_add(VALID),
        public_key_info: key.public_key_info()?,
        extensions: vec![
            extension::subject_alt_name(&[name]),
            extension::extension(&ACME_IDENTIFIER, true, &held),
        ],
    };
    let certificate = tbs.sign(&key)?;
    let key = tls::provider().key_provider.load_private_key(key.to_rustls())?;
    // Not `with_single_cert`: it refuses a critical extension that it does not know, and this one must be so.
    let shown = Shown(Some(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key))));
    let mut config = tls::server_builder()?.with_no_client_auth().with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![ACME_TLS.to_vec()];
    Ok(config)
}

/// A server that has no certificate yet: each handshake ends with an alert (`access_denied`), and none with a certificate that nobody should believe.
///
/// # Errors
/// [`Error::Tls`].
pub fn refusing_config() -> Result<ServerConfig, Error> {
    let config = tls::server_builder()?.with_no_client_auth().with_cert_resolver(Arc::new(Shown(None)));
    Ok(tls::finish(config))
}

#[derive(Debug)]
struct Shown(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}
