//! An S3 store: whom to ask, how long to wait, how often to ask again.

use std::time::Duration;

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::services::S3;
use opendal::{HttpTransporter, OperationContext, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;
use zeroize::Zeroizing;

use crate::StoreError;

/// Where an S3 store is, and who we are there.
#[derive(Clone)]
pub struct S3Store {
    /// Web address, without the bucket: `https://s3.example.org`. HTTP on loopback only.
    pub endpoint: String,
    /// Name of the bucket, which exists.
    pub bucket: String,
    /// Region, as the store names it.
    pub region: String,
    /// Id of the access key.
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: Zeroizing<String>,
    /// Authorities (PEM) to trust, beside the system's.
    pub authorities: Option<Vec<u8>>,
    /// How long to wait and how often to ask again.
    pub limits: S3Limits,
}

/// Shows no credential.
impl std::fmt::Debug for S3Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Store")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// How long to wait for a store, and how often to ask it again: after 5xx answers, after connections that end in the middle, after silence.
#[derive(Debug, Clone, Copy)]
pub struct S3Limits {
    /// For a connection.
    pub connect: Duration,
    /// For one attempt, and for each piece of a body.
    pub attempt: Duration,
    /// Delay before the second attempt; doubled at each further one, with jitter.
    pub first_delay: Duration,
    /// Attempts after the first.
    pub again: usize,
}

impl Default for S3Limits {
    /// About a minute and a half in all, where the store is silent.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            attempt: Duration::from_secs(15),
            first_delay: Duration::from_millis(200),
            again: 4,
        }
    }
}

impl S3Store {
    pub(super) fn operator(&self) -> Result<Operator, StoreError> {
        let endpoint = self.checked_endpoint()?;
        // Nothing is taken from the environment, a profile or a cloud's metadata service: the settings say all.
        let service = S3::default()
            .endpoint(endpoint)
            .bucket(&self.bucket)
            .region(&self.region)
            .access_key_id(&self.access_key_id)
            .secret_access_key(&self.secret_access_key)
            .disable_config_load()
            .disable_ec2_metadata();
        let transport = HttpTransporter::new(ReqwestTransport::new(self.client()?));
        let limits = &self.limits;
        let again = RetryLayer::new()
            .with_min_delay(limits.first_delay)
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(limits.again)
            .with_jitter();
        let patience = TimeoutLayer::new().with_timeout(limits.attempt).with_io_timeout(limits.attempt);
        Ok(Operator::new(service)
            .map_err(StoreError::objects("open"))?
            .with_context(OperationContext::new().with_http_transport(transport))
            .layer(patience)
            .layer(again))
    }

    /// Ciphertext only crosses the network, and yet who writes, how much and when is nobody else's business.
    fn checked_endpoint(&self) -> Result<&str, StoreError> {
        let unusable = |why: &str| StoreError::Settings(format!("the endpoint {} {why}", self.endpoint));
        let url: url::Url = self.endpoint.parse().map_err(|_| unusable("is not a web address"))?;
        let loopback = match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        match url.scheme() {
            "https" => Ok(&self.endpoint),
            "http" if loopback => Ok(&self.endpoint),
            _ => Err(unusable("is not HTTPS: without it only a store on this machine is used")),
        }
    }

    fn client(&self) -> Result<reqwest::Client, StoreError> {
        let mut client = reqwest::Client::builder()
            .connect_timeout(self.limits.connect)
            // A store that sends us elsewhere would be given requests that it did not sign for.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        if let Some(pem) = &self.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|authorities| !authorities.is_empty())
                .ok_or_else(|| {
                    StoreError::Settings(
                        "the authorities of the object store are not PEM certificates".into(),
                    )
                })?;
            client = authorities.into_iter().fold(client, reqwest::ClientBuilder::add_root_certificate);
        }
        client
            .build()
            .map_err(|error| StoreError::Settings(format!("the object store cannot be spoken to: {error}")))
    }
}
