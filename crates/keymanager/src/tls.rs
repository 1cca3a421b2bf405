//! Certificates: the embedded authority, the server's own certificate and its renewal, certificates for people.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use sceau_hsm::{KeyRef, Provider, certificates};
use sceau_pki::{
    Anchors, Authority, AuthorityProfile, CertificateRole, ClientJudge, ClientProfile, Fingerprint, Issued,
    ServerProfile, server_config_asking,
};
use url::Url;

use crate::calendar::Certificate;
use crate::error::Error;
use crate::manager::Identity;
use crate::settings::Settings;

/// A server certificate with less than this left is replaced, in milliseconds: 30 days.
const RENEW_MS: u64 = 30 * 24 * 3600 * 1000;

/// What this key manager is to TLS.
pub(crate) struct Tls {
    authority: Mutex<Authority>,
    organisation: String,
    host: String,
    server: PathBuf,
    /// Whether the embedded authority issues the server's certificate.
    own_server: bool,
    /// The configuration in use, and the certificate that it shows.
    config: RwLock<Option<(Fingerprint, Arc<ServerConfig>)>>,
}

impl Tls {
    /// Opens the embedded authority, made at the first start.
    pub(crate) fn open(
        folder: &Path,
        identity: &Identity,
        settings: &Settings,
        keys: &Arc<dyn Provider>,
        sealing: KeyRef,
        now: u64,
    ) -> Result<Self, Error> {
        let path = folder.join("authority.pem");
        let authority = if path.exists() {
            certificates::read_authority(&path, &**keys, &sealing)?
        } else {
            let authority = Authority::create(&AuthorityProfile::of(&identity.name), now)?;
            certificates::write_authority(&path, &authority, &**keys, &sealing)?;
            authority
        };
        let host = Url::parse(&identity.address).ok().and_then(|url| url.host_str().map(str::to_owned));
        let host = host.ok_or(Error::Tampered("the address"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let own_server = settings.server_identity.is_none();
        let server = settings.server_identity.clone().unwrap_or_else(|| folder.join("server.pem"));
        Ok(Self {
            authority: Mutex::new(authority),
            organisation: identity.name.clone(),
            host,
            server,
            own_server,
            config: RwLock::default(),
        })
    }

    /// Who may issue client certificates.
    pub(crate) fn anchors(&self, settings: &Settings) -> Result<Anchors, Error> {
        if settings.anchors.is_empty() {
            Ok(Anchors::new([self.with_authority(|authority| authority.certificate().clone())])?)
        } else {
            Ok(certificates::read_anchors(&settings.anchors)?)
        }
    }

    /// Replaces the server's certificate where it is missing or soon expires, and takes up what is on disk.
    pub(crate) fn renew(&self, judge: &ClientJudge, now: u64) -> Result<(), Error> {
        if self.own_server && self.is_due(now) {
            let profile = ServerProfile::for_hosts([self.host.as_str()]);
            let issued = self.with_authority(|authority| authority.issue_server(&profile, now))?;
            certificates::write_identity(&self.server, &issued)?;
        }
        let shown = certificates::read_certificate(&self.server)?.fingerprint();
        let mut config = self.config.write().unwrap_or_else(PoisonError::into_inner);
        if config.as_ref().is_none_or(|(current, _)| *current != shown) {
            let fresh =
                server_config_asking(&certificates::read_identity(&self.server)?, &[judge.anchors()])?;
            *config = Some((shown, Arc::new(fresh)));
        }
        Ok(())
    }

    /// The server's certificate, and until when it holds.
    pub(crate) fn expiry(&self) -> Option<Certificate> {
        let shown = certificates::read_certificate(&self.server).ok()?;
        Some(Certificate { fingerprint: shown.fingerprint().to_string(), not_after: shown.not_after() })
    }

    /// The configuration of new connections.
    pub(crate) fn config(&self) -> Option<Arc<ServerConfig>> {
        self.config
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|(_, config)| Arc::clone(config))
    }

    /// Issues a client certificate.
    pub(crate) fn issue(&self, name: &str, role: CertificateRole, now: u64) -> Result<Issued, Error> {
        let mut profile = ClientProfile::new(name, role);
        profile.organisation = Some(self.organisation.clone());
        Ok(self.with_authority(|authority| authority.issue_client(&profile, now))?)
    }

    /// The embedded authority's certificate, in PEM.
    pub(crate) fn authority_pem(&self) -> String {
        self.with_authority(|authority| authority.certificate().to_pem())
    }

    fn is_due(&self, now: u64) -> bool {
        let certificate = certificates::read_certificate(&self.server);
        certificate.map_or(true, |certificate| certificate.not_after() < now.saturating_add(RENEW_MS))
    }

    fn with_authority<T>(&self, use_it: impl FnOnce(&Authority) -> T) -> T {
        use_it(&self.authority.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
