//! The Cloud Signature Consortium's API beside the provider, assembled.
//!
//! ```toml
//! [provider.csc]
//! credentials_folder = "/var/lib/sceau/csc"   # KEYRING.pem: the holder's certificate first
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
use sceau_csc::{Bearer, Credentials, Later, Plan, Service, Stamps, Tokens, Unstamped, routes};
use sceau_pki::{Anchors, StampRequest};
use sceau_provider::{Lang, Provider};
use sceau_store::{Clock, SystemClock};
use serde::Deserialize;
use url::Url;

use super::provider::ProviderTable;
use super::settings::absolute;
use crate::cert::web;
use crate::failure::{Exit, Failure};

/// The longest answer of an authority of time stamps, in bytes, and how long it may take.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(15);

/// The section `[provider.csc]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CscTable {
    credentials_folder: PathBuf,
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
        let credentials = Credentials::new(self.credentials_folder.clone(), authority);
        let stamps = self.stamps()?;
        let service =
            Service::new(plan, credentials, Arc::new(holders), Arc::new(OfProvider(provider)), stamps, clock);
        Ok(routes(service))
    }

    fn stamps(&self) -> Result<Option<Arc<dyn Stamps>>, Failure> {
        let (Some(url), Some(path)) = (&self.stamp_authority, &self.stamp_anchors_file) else {
            return Ok(None);
        };
        let anchors = anchors(path)?;
        Ok(Some(Arc::new(AtAuthority { url: url.clone(), anchors: Arc::new(anchors) })))
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
}

/// An authority over HTTP.
struct AtAuthority {
    url: Url,
    anchors: Arc<Anchors>,
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
        Box::pin(async {
            let asked = tokio::task::spawn_blocking(asked).await;
            asked.unwrap_or_else(|error| Err(Unstamped(error.to_string())))
        })
    }
}
