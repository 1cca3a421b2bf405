//! The way to a holder's terminals, and the element's word on what was signed there.

use std::pin::Pin;
use std::time::Duration;

use sceau_client::keyring::{Became as AtTheHost, FileKey, became, leave, now};
use sceau_client::{ClientError, Server};
use sceau_element_api::keyring::{KeyringAlgorithm, KeyringsAbout, RequestKind};
use sceau_element_api::{Base64Url, KeyringActorId, KeyringId, KeyringRequestId};
use sceau_keyring::{Item, ItemHash, Request, Statement as _};

/// How often a host that is away is tried, and between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// A future that somebody else's type gives.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a holder is asked to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Of whom.
    pub keyring: KeyringId,
    /// What they read first.
    pub description: String,
    /// What each thing is called, and its SHA-256.
    pub items: Vec<(String, [u8; 32])>,
    /// How their key signs.
    pub algorithm: KeyringAlgorithm,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// What became of it.
#[derive(Debug, Clone)]
pub enum Became {
    /// They did not answer yet.
    Waiting,
    /// They agreed: one signature for each item, in their order, of which the element's word was verified.
    Signed {
        /// The signatures; those on P-256 in DER.
        signatures: Vec<Vec<u8>>,
        /// The holder's certificate, DER, as the host gave it: that is nobody's word.
        certificate: Option<Vec<u8>>,
    },
    /// They said no.
    Refused,
    /// They did not answer in time.
    Silent,
}

/// Nobody was asked, or nothing is known of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAsked {
    /// The keyring is not there, or not in use now.
    #[error("the keyring is not in use: {0}")]
    Disabled(ClientError),
    /// Its holder has been asked too often, or too much waits for them.
    #[error("the holder is asked enough: {0}")]
    Often(ClientError),
    /// The host does not answer.
    #[error("the host of keyrings is away: {0}")]
    Away(ClientError),
    /// Anything else: a policy that allows less, a provider that may not ask, an answer that is not the element's word.
    #[error("the host of keyrings: {0}")]
    Other(ClientError),
}

/// Who asks holders: a host of keyrings, or a test.
pub trait Holders: Send + Sync + 'static {
    /// Leaves a request for a holder's terminals; its name, and until when it is good (Unix ms).
    fn ask(&self, asked: Asked) -> Later<'_, Result<(KeyringRequestId, u64), NotAsked>>;

    /// What became of it.
    fn became(&self, request: KeyringRequestId) -> Later<'_, Result<Became, NotAsked>>;
}

/// By requests that this provider signs, left at a host of keyrings, which is believed of nothing.
#[derive(Debug)]
pub struct AtHost {
    /// The host, which is shown the provider's certificate.
    pub host: Server,
    /// The provider's key.
    pub key: FileKey,
    /// Its id, as the security officer registered it.
    pub provider: KeyringActorId,
    /// The element, from its administrator.
    pub element: KeyringsAbout,
}

impl Holders for AtHost {
    fn ask(&self, asked: Asked) -> Later<'_, Result<(KeyringRequestId, u64), NotAsked>> {
        Box::pin(self.left(asked))
    }

    fn became(&self, request: KeyringRequestId) -> Later<'_, Result<Became, NotAsked>> {
        Box::pin(async move {
            match became(&self.host, &self.key, &self.element, request, 0).await.map_err(NotAsked::of)? {
                AtTheHost::Pending => Ok(Became::Waiting),
                AtTheHost::Rejected => Ok(Became::Refused),
                AtTheHost::Expired => Ok(Became::Silent),
                AtTheHost::Signed(signed) => {
                    let (outcome, _) = *signed;
                    let signatures = outcome.signatures.into_iter().map(|one| one.0).collect();
                    Ok(Became::Signed { signatures, certificate: outcome.certificate.map(|it| it.0) })
                }
            }
        })
    }
}

impl AtHost {
    async fn left(&self, asked: Asked) -> Result<(KeyringRequestId, u64), NotAsked> {
        let (id, time) = (KeyringRequestId::random(), now());
        let item = |(label, hash): (String, [u8; 32])| Item { label, hash: Base64Url::from(hash.as_slice()) };
        let request = Request {
            v: 1,
            request: id,
            provider: self.provider,
            keyring: asked.keyring,
            kind: RequestKind::Sign,
            description: asked.description,
            items: asked.items.into_iter().map(item).collect(),
            hash: ItemHash::Sha256,
            algorithm: Some(asked.algorithm),
            aud: self.element.origin.clone(),
            time,
            ends: time.saturating_add(asked.seconds.saturating_mul(1000)),
            nonce: None,
            terminal: None,
        };
        let jws = request.sign(&self.key).map_err(|error| NotAsked::Other(error.into()))?;
        for tried in 1..=TRIES {
            // The same again is left once: an answer that was lost leaves nobody's terminal ringing for nothing.
            match leave(&self.host, jws.clone()).await.map_err(NotAsked::of) {
                Ok(_) => break,
                Err(NotAsked::Away(_)) if tried < TRIES => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
        Ok((id, request.ends))
    }
}

impl NotAsked {
    fn of(error: ClientError) -> Self {
        match error.code() {
            Some("keyring_unknown" | "keyring_phase" | "keyring_suspended" | "keyring_destroyed") => {
                Self::Disabled(error)
            }
            Some("requests_wait" | "holder_busy" | "asked_often") => Self::Often(error),
            _ if error.is_passing() => Self::Away(error),
            _ => Self::Other(error),
        }
    }
}
