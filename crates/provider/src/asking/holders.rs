//! The way to a holder's terminals, and the element's word on what they agreed to.

use std::pin::Pin;
use std::time::Duration;

use sceau_client::keyring::{Became, FileKey, became, leave, now};
use sceau_client::{ClientError, Server};
use sceau_element_api::keyring::{KeyringsAbout, RequestKind};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId};
use sceau_keyring::{Identity, ItemHash, Request, Statement as _, places};

/// How long one question to the host waits for news, in seconds.
const WAIT: u64 = 25;
/// How long after a request's end its outcome may still come.
pub(super) const AFTERWARDS: u64 = 5_000;
/// How often a host that is away is tried, and between.
pub(super) const TRIES: usize = 3;
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// What is asked of a holder.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Of whom.
    pub keyring: KeyringId,
    /// What they read.
    pub description: String,
    /// What comes back in the proof.
    pub nonce: String,
    /// For how long.
    pub seconds: u64,
}

/// Somebody showed who they are, in the element's word, verified.
#[derive(Debug, Clone)]
pub struct Agreed {
    /// The request.
    pub id: KeyringRequestId,
    /// Whose keyring.
    pub keyring: KeyringId,
    /// Who that is, where the policy has it told.
    pub identity: Option<Identity>,
    /// When, by the element's clock, Unix ms.
    pub time: u64,
    /// Index of the record in the log.
    pub index: u64,
    /// What was asked, as it was signed.
    pub request: String,
    /// The element's word.
    pub proof: String,
}

/// What became of it.
#[derive(Debug)]
pub enum Answer {
    /// They agreed.
    Agreed(Box<Agreed>),
    /// They said no.
    Refused,
    /// They did not answer.
    Silent,
}

/// Nobody was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The host of keyrings does not answer.
    #[error("the host of keyrings is away: {0}")]
    Away(ClientError),
    /// It refused: the keyring is not in use, or has been asked too often.
    #[error("the host of keyrings did not take the request: {0}")]
    NotTaken(ClientError),
    /// What it gave as an answer is not the element's word on this.
    #[error("what the host of keyrings gave is no answer: {0}")]
    Unproven(ClientError),
}

/// A future that somebody else's type gives.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who asks holders: a host of keyrings, or a test.
pub trait Holders: Send + Sync + 'static {
    /// Asks, and waits for the answer or the end.
    fn ask(&self, ask: Ask) -> Later<'_, Result<Answer, AskError>>;

    /// Whether it takes requests and says what became of them: what asking stands on, and no more, so that a login of nobody ends as one of somebody does.
    fn is_there(&self) -> Later<'_, bool>;
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
    fn ask(&self, ask: Ask) -> Later<'_, Result<Answer, AskError>> {
        Box::pin(self.asked(ask))
    }

    fn is_there(&self) -> Later<'_, bool> {
        Box::pin(async {
            let nobodys = format!("{}/{}?wait=0", places::REQUESTS, KeyringRequestId::random());
            match self.host.get::<serde_json::Value>(&nobodys).await {
                Ok(_) => true,
                Err(error) => error.code() == Some("request_unknown"),
            }
        })
    }
}

impl AtHost {
    async fn asked(&self, ask: Ask) -> Result<Answer, AskError> {
        let time = now();
        let request = Request {
            v: 1,
            request: KeyringRequestId::random(),
            provider: self.provider,
            keyring: ask.keyring,
            kind: RequestKind::Authenticate,
            description: ask.description,
            items: Vec::new(),
            hash: ItemHash::Sha256,
            algorithm: None,
            aud: self.element.origin.clone(),
            time,
            ends: time.saturating_add(ask.seconds.saturating_mul(1000)),
            nonce: Some(ask.nonce),
            terminal: None,
        };
        let jws = request.sign(&self.key).map_err(|error| AskError::NotTaken(error.into()))?;
        self.left(&jws, request.ends).await?;
        loop {
            let over = now() > request.ends.saturating_add(AFTERWARDS);
            let wait = if over { 0 } else { WAIT };
            match became(&self.host, &self.key, &self.element, request.request, wait).await {
                Ok(Became::Signed(signed)) => {
                    let (outcome, proof) = *signed;
                    return Ok(Answer::Agreed(Box::new(Agreed {
                        id: proof.id,
                        keyring: proof.keyring,
                        identity: proof.identity,
                        time: proof.time,
                        index: outcome.index,
                        request: jws,
                        proof: outcome.proof,
                    })));
                }
                Ok(Became::Rejected) => return Ok(Answer::Refused),
                Ok(Became::Expired | Became::Pending) if over => return Ok(Answer::Silent),
                // What the holder agreed to in the last moment comes after it.
                Ok(Became::Expired) => tokio::time::sleep(PAUSE).await,
                Ok(Became::Pending) => {}
                Err(error) if error.is_passing() && !over => tokio::time::sleep(PAUSE).await,
                Err(error) if error.is_passing() => return Err(AskError::Away(error)),
                Err(error) => return Err(AskError::Unproven(error)),
            }
        }
    }

    /// Leaves the request; a host that is away for a moment is asked again, which leaves it once.
    async fn left(&self, jws: &str, ends: u64) -> Result<(), AskError> {
        for tried in 1..=TRIES {
            let again = tried < TRIES;
            match leave(&self.host, jws.to_owned()).await {
                Ok(_) => return Ok(()),
                // Asked too often says 429 too: that is an answer.
                Err(error) if error.code().is_some_and(|code| code != "busy" && code != "unavailable") => {
                    return Err(AskError::NotTaken(error));
                }
                Err(error) if error.is_passing() && again && now() < ends => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(AskError::Away(error)),
            }
        }
        Ok(())
    }
}
