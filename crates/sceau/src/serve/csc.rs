//! The Cloud Signature Consortium's API beside the provider, assembled.
//!
//! ```toml
//! [provider.csc]
//! credentials_folder = "/var/lib/sceau/csc"   # KEYRING.pem: the holder's certificate first
//! credentials_anchors_file = "/etc/sceau/outside.pem" # whom holders' certificates of authorities outside lead to; none without it
//! region = "FR"                               # ISO 3166-1
//! logo = "https://www.example.org/logo.png"   # PNG or JPEG, 256 points wide and high at most
//! description = "Signature à distance"
//! documents_most = 10                         # of one consent: the policy's `batch_most`, or fewer
//! consent_seconds = 300                       # how long a holder has to answer: 30 to 600, as the policy allows
//! stamp_authority = "https://tsa.example.org" # who stamps (RFC 3161); nobody without it
//! stamp_anchors_file = "/etc/sceau/tsa.pem"   # the roots that vouch for that authority
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sceau_csc::{Bearer, Credentials, Later, Plan, Service, Stamps, Tokens, Turn, Unstamped, routes};
use sceau_pki::{Anchors, Certificate, StampRequest};
use sceau_provider::{Lang, Provider, hardened};
use sceau_store::{Clock, SystemClock};
use serde::Deserialize;
use tokio::sync::Semaphore;
use url::Url;

use super::provider::ProviderTable;
use super::settings::absolute;
use crate::cert::web;
use crate::failure::{Exit, Failure};

/// How many time stamps are asked for at once.
const AT_ONCE: usize = 8;
/// The longest answer of an authority of time stamps, in bytes, and how long it may take.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(15);

/// The section `[provider.csc]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CscTable {
    credentials_folder: PathBuf,
    credentials_anchors_file: Option<PathBuf>,
    region: String,
    logo: Url,
    #[serde(default)]
    description: String,
    #[serde(default = "ten")]
    documents_most: usize,
    #[serde(default = "five_minutes")]
    consent_seconds: u64,
    stamp_authority: Option<Url>,
    stamp_anchors_file: Option<PathBuf>,
}

fn ten() -> usize {
    10
}

fn five_minutes() -> u64 {
    300
}

impl CscTable {
    /// What can be judged without asking anybody.
    pub(super) fn check(&self) -> Result<(), String> {
        absolute("provider.csc.credentials_folder", Some(&self.credentials_folder))?;
        absolute("provider.csc.credentials_anchors_file", self.credentials_anchors_file.as_deref())?;
        absolute("provider.csc.stamp_anchors_file", self.stamp_anchors_file.as_deref())?;
        let holds = [
            (self.region.len() == 2, "region is a country of two letters"),
            (self.description.chars().count() <= 255, "description has 255 characters at most"),
            ((1..=100).contains(&self.documents_most), "documents_most is 1 to 100"),
            ((30..=600).contains(&self.consent_seconds), "consent_seconds is 30 to 600"),
            (
                self.stamp_authority.is_some() == self.stamp_anchors_file.is_some(),
                "stamp_authority and stamp_anchors_file go together",
            ),
        ];
        let wrong = holds.into_iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, rule)| Err(format!("provider.csc: {rule}")))
    }

    /// Holders' certificates, by the id of their keyrings in hexadecimal and hyphens, and where they are.
    pub(crate) fn credentials(&self, authority: Certificate) -> Result<(&Path, Credentials), Failure> {
        let folder = &self.credentials_folder;
        let embedded = Credentials::new(folder.clone(), authority);
        Ok(match &self.credentials_anchors_file {
            Some(path) => (folder, embedded.and_outside(anchors(path)?)),
            None => (folder, embedded),
        })
    }

    /// The roots of the authority of time stamps, where there is one.
    pub(crate) fn stamp_anchors(&self) -> Option<&Path> {
        self.stamp_anchors_file.as_deref()
    }

    /// The routes, for tokens of this provider.
    pub(super) fn routes(
        &self,
        of: &ProviderTable,
        provider: Provider,
        lang: Lang,
        clock: Arc<dyn Clock>,
    ) -> Result<Router, Failure> {
        let (holders, authority) = of.to_sign()?;
        let (issuer, name) = of.names();
        let plan = Plan {
            issuer: issuer.to_owned(),
            name: name.to_owned(),
            logo: self.logo.to_string(),
            region: self.region.clone(),
            description: if self.description.is_empty() { name.to_owned() } else { self.description.clone() },
            lang: if lang == Lang::Fr { sceau_csc::Lang::Fr } else { sceau_csc::Lang::En },
            most: self.documents_most,
            seconds: self.consent_seconds,
        };
        let (_, credentials) = self.credentials(authority)?;
        let stamps = self.stamps()?;
        let service =
            Service::new(plan, credentials, Arc::new(holders), Arc::new(OfProvider(provider)), stamps, clock);
        Ok(hardened(routes(service)))
    }

    fn stamps(&self) -> Result<Option<Arc<dyn Stamps>>, Failure> {
        let (Some(url), Some(path)) = (&self.stamp_authority, &self.stamp_anchors_file) else {
            return Ok(None);
        };
        let anchors = anchors(path)?;
        Ok(Some(Arc::new(AtAuthority {
            url: url.clone(),
            anchors: Arc::new(anchors),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        })))
    }
}

fn anchors(path: &Path) -> Result<Anchors, Failure> {
    let text = std::fs::read_to_string(path).map_err(|cause| Failure::file("read", path, &cause))?;
    Anchors::from_pem(&text, &path.display().to_string())
        .map_err(|error| Failure::new(Exit::Usage, "certificate", error.to_string()))
}

/// The provider's own tokens.
struct OfProvider(Provider);

impl Tokens for OfProvider {
    fn bearer(&self, token: &str) -> Option<Bearer> {
        let signer = self.0.signer(token)?;
        let (client, name, keyring, service) = (signer.client, signer.name, signer.keyring, signer.service);
        Some(Bearer { client, name, keyring, service })
    }

    fn turn(&self, of: &Bearer, seconds: u64) -> Option<Turn> {
        let turn = self.0.turn_to_sign(&of.client, of.keyring, seconds)?;
        Some(Box::new(turn))
    }
}

/// An authority over HTTP.
struct AtAuthority {
    url: Url,
    anchors: Arc<Anchors>,
    /// Requests at once: each holds a thread.
    at_once: Arc<Semaphore>,
}

impl Stamps for AtAuthority {
    fn stamp(&self, imprint: [u8; 32], nonce: [u8; 16]) -> Later<'_, Result<Vec<u8>, Unstamped>> {
        let (url, anchors) = (self.url.clone(), Arc::clone(&self.anchors));
        let asked = move || {
            let request = StampRequest::new(imprint, nonce);
            let sent = ("application/timestamp-query", request.to_der());
            let answer = web::fetch(url, Some(sent), LONGEST, PATIENCE).map_err(Unstamped)?;
            let stamp = request.judge(&answer, &anchors, SystemClock.now_ms());
            stamp.map(|stamp| stamp.token).map_err(|refusal| Unstamped(refusal.to_string()))
        };
        let at_once = Arc::clone(&self.at_once);
        Box::pin(async move {
            let place = at_once.acquire_owned().await.map_err(|error| Unstamped(error.to_string()))?;
            // Whoever asked may be gone: the thread goes on, and has its place as long.
            let asked = move || (asked(), place).0;
            let asked = tokio::task::spawn_blocking(asked).await;
            asked.unwrap_or_else(|error| Err(Unstamped(error.to_string())))
        })
    }
}
