//! A provider as it is asked: what it says of itself and its keys, kept for a while.
//!
//! Keys rotate. What is kept is fresh for ten minutes; a statement under a key that is not among them has them asked for again, three times
//! and then every twenty seconds, so that nobody who sends names of keys makes us ask more often. When the provider does not answer, its last keys
//! serve for an hour more; then nobody signs in by it until it does.

use std::sync::Arc;

use sceau_crypto::jose::{KeySet, KeySetError, Statement, StatementError};
use sceau_store::{Clock, RateLimiter, Rule};
use tokio::sync::Mutex;
use url::Url;

use super::{Ask, Clocks, Http, HttpAnswer, HttpFailure, IssuerUrl, Metadata, MetadataError, TokenError};

/// What is kept is not asked for again within so long.
const FRESH_MS: u64 = 600_000;
/// A provider that does not answer is believed on its last keys for so long.
const STALE_MS: u64 = 3_600_000;
/// How often it is asked, whatever happens.
const QUESTIONS: Rule = Rule { burst: 3, every_ms: 20_000 };

/// A provider does not answer, or not as one.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// No answer.
    #[error("the provider does not answer: {0}")]
    Away(#[from] HttpFailure),
    /// It refuses, or is somebody else.
    #[error("the provider answers with status {0}")]
    Status(u16),
    /// What it says of itself.
    #[error("the provider is not used: {0}")]
    Metadata(#[from] MetadataError),
    /// Its keys.
    #[error("the provider's keys are not used: {0}")]
    Keys(KeySetError),
    /// An answer that is none.
    #[error("the provider's {0} is malformed")]
    Malformed(&'static str),
}

/// A provider. Cheap to clone; clones keep the same keys.
#[derive(Clone)]
pub struct Provider {
    issuer: IssuerUrl,
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.issuer.as_str())
    }
}

struct Kept {
    known: Option<Known>,
    questions: RateLimiter,
    /// What became of the last question, where it failed.
    failure: Option<ProviderError>,
}

/// What a provider said when it was last asked.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its addresses.
    pub metadata: Arc<Metadata>,
    /// Its keys.
    pub keys: Arc<KeySet>,
    /// When, by our clock.
    pub asked_ms: u64,
    /// When, by its own.
    pub date_ms: Option<u64>,
}

impl Known {
    /// Both clocks, as far apart now as they were then.
    pub fn clocks(&self, now_ms: u64) -> Clocks {
        let passed = now_ms.saturating_sub(self.asked_ms);
        Clocks { ours_ms: now_ms, theirs_ms: self.date_ms.map(|date| date.saturating_add(passed)) }
    }
}

impl Provider {
    /// The provider of this name. Nothing is asked yet.
    pub fn new(issuer: IssuerUrl, http: Arc<dyn Http>, clock: Arc<dyn Clock>) -> Self {
        let kept = Kept { known: None, questions: RateLimiter::new(1), failure: None };
        Self { issuer, http, clock, kept: Arc::new(Mutex::new(kept)) }
    }

    /// Who it is.
    pub fn issuer(&self) -> &IssuerUrl {
        &self.issuer
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What it says of itself, as it is kept or asked for now.
    ///
    /// # Errors
    /// [`ProviderError`], where nothing that is recent enough is kept.
    pub async fn known(&self) -> Result<Known, ProviderError> {
        self.known_within(FRESH_MS).await
    }

    /// The payload of a statement that one of its keys signed, and the clocks then.
    ///
    /// # Errors
    /// [`TokenError::Statement`] or [`TokenError::Provider`].
    pub async fn verify(&self, statement: &Statement) -> Result<(Vec<u8>, Clocks), TokenError> {
        let known = self.known().await?;
        let (known, verified) = match known.keys.verify(statement) {
            Err(StatementError::UnknownKey) => {
                // It may have made a new one since.
                let known = self.known_within(0).await?;
                let verified = known.keys.verify(statement);
                (known, verified)
            }
            verified => (known, verified),
        };
        Ok((verified?, known.clocks(self.now_ms())))
    }

    /// Asks unless what is kept is younger than `age_ms`, or it was asked too often already. One asks at a time, and the others wait for it.
    async fn known_within(&self, age_ms: u64) -> Result<Known, ProviderError> {
        let mut kept = self.kept.lock().await;
        let now = self.now_ms();
        // A clock that went back makes what is kept look new: then it is asked for again.
        let passed = |since: u64| if since <= now { now - since } else { u64::MAX };
        let fresh = kept.known.as_ref().is_some_and(|known| passed(known.asked_ms) < age_ms);
        if !fresh && kept.questions.take("", QUESTIONS, now).is_ok() {
            match self.ask_all(now).await {
                Ok(known) => {
                    kept.known = Some(known);
                    kept.failure = None;
                }
                Err(error) => {
                    tracing::warn!(issuer = self.issuer.as_str(), %error, "a provider of identities was asked in vain");
                    kept.failure = Some(error);
                }
            }
        }
        let failure = kept.failure.clone();
        let usable = kept.known.clone().filter(|known| passed(known.asked_ms) < STALE_MS);
        usable.ok_or_else(|| {
            failure.unwrap_or_else(|| HttpFailure("it was asked too often in a moment".into()).into())
        })
    }

    async fn ask_all(&self, now_ms: u64) -> Result<Known, ProviderError> {
        let configuration = self.issuer.configuration();
        let url = Url::parse(&configuration).map_err(|_| ProviderError::Malformed("address"))?;
        let metadata = Metadata::parse(&self.fetch(url).await?.body, &self.issuer)?;
        let answer = self.fetch(metadata.keys.clone()).await?;
        let keys = KeySet::parse(&answer.body)?;
        Ok(Known { metadata: metadata.into(), keys: keys.into(), asked_ms: now_ms, date_ms: answer.date_ms })
    }

    async fn fetch(&self, url: Url) -> Result<HttpAnswer, ProviderError> {
        let answer = self.ask(Ask::get(url)).await?;
        if answer.status == 200 { Ok(answer) } else { Err(ProviderError::Status(answer.status)) }
    }

    pub(super) async fn ask(&self, ask: Ask) -> Result<HttpAnswer, ProviderError> {
        Ok(self.http.ask(ask).await?)
    }
}
