//! From a question to its answer: somebody is asked in a task of their own, so that whoever began it learns nothing from how long that takes.

use std::sync::Arc;
use std::time::Duration;

use sceau_crypto::sha256;
use sceau_element_api::KeyringId;
use sceau_store::Clock;
use tokio::sync::watch;

use super::bounds::{Counted, From};
use super::holders::{Agreed, Answer, Ask, AskError, Holders};
use super::{Bounds, Words};
use crate::oauth::ClientId;
use crate::records::Records;

/// Where a question stands.
#[derive(Debug, Clone)]
pub(crate) enum State {
    /// Nobody answered yet.
    Waiting,
    /// Agreed, and kept.
    Agreed(Arc<Agreed>),
    /// The holder said no.
    Refused,
    /// Nobody answered in time, or there is nobody: both look alike.
    Silent,
    /// The way to holders, or the database, is away.
    Away,
}

/// Who is asked: what was typed, and whose it is, if anybody's.
#[derive(Debug, Clone)]
pub(crate) struct Whom {
    pub(crate) hint: String,
    pub(crate) keyring: Option<KeyringId>,
}

impl Whom {
    /// What it is counted by.
    fn name(&self) -> [u8; 32] {
        match self.keyring {
            Some(keyring) => sha256(keyring.as_bytes()),
            None => sha256(format!("nobody {}", self.hint).as_bytes()),
        }
    }
}

/// Asks holders.
pub(crate) struct Asker {
    pub(crate) holders: Arc<dyn Holders>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) records: Records,
    pub(crate) clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asker")
    }
}

impl Asker {
    /// Begins to ask, if that may be now; the answer comes there.
    pub(crate) fn begin(
        &self,
        whom: &Whom,
        from: From,
        client: &ClientId,
        words: &Words<'_>,
        seconds: u64,
    ) -> Option<watch::Receiver<State>> {
        let now = self.clock.now_ms();
        let ends = now.saturating_add(seconds.saturating_mul(1000));
        let counted = self.bounds.take(whom.name(), from, ends, now)?;
        let (tell, told) = watch::channel(State::Waiting);
        let nonce = hex::encode(sceau_crypto::random::<16>());
        let ask = |keyring| Ask { keyring, description: words.description(), nonce, seconds };
        let following = Following {
            ask: whom.keyring.map(ask),
            seconds,
            client: client.clone(),
            holders: Arc::clone(&self.holders),
            bounds: Arc::clone(&self.bounds),
            records: self.records.clone(),
            clock: Arc::clone(&self.clock),
            counted,
        };
        tokio::spawn(async move {
            let state = following.followed().await;
            let _ = tell.send(state);
        });
        Some(told)
    }
}

/// One question under way.
struct Following {
    ask: Option<Ask>,
    seconds: u64,
    client: ClientId,
    holders: Arc<dyn Holders>,
    bounds: Arc<Bounds>,
    records: Records,
    clock: Arc<dyn Clock>,
    counted: Counted,
}

impl Following {
    async fn followed(mut self) -> State {
        let Some(ask) = self.ask.take() else { return self.nobody().await };
        let answer = self.holders.ask(ask).await;
        match answer {
            Ok(Answer::Agreed(agreed)) => {
                self.bounds.answered(self.counted, false, self.clock.now_ms());
                self.kept(*agreed).await
            }
            Ok(Answer::Refused) => {
                self.bounds.answered(self.counted, true, self.clock.now_ms());
                State::Refused
            }
            Ok(Answer::Silent) => State::Silent,
            Err(AskError::Away(error)) => {
                tracing::warn!(%error, "the host of keyrings does not answer");
                State::Away
            }
            Err(AskError::NotTaken(error)) => {
                // That a keyring is suspended, say, is its holder's business: whoever typed its name waits in vain.
                tracing::info!(client = %self.client, code = error.code().unwrap_or("none"), "a login was not taken by the host of keyrings");
                self.nobody().await
            }
            Err(AskError::Unproven(error)) => {
                tracing::error!(%error, "the host of keyrings gave an answer that is not the element's: nobody is logged in");
                State::Away
            }
        }
    }

    /// As if somebody did not answer.
    async fn nobody(&self) -> State {
        if !self.holders.is_there().await {
            return State::Away;
        }
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        State::Silent
    }

    async fn kept(&self, agreed: Agreed) -> State {
        match self.records.keep(&agreed, &self.client).await {
            Ok(()) => {
                tracing::info!(client = %self.client, index = agreed.index, "somebody logged in");
                State::Agreed(Arc::new(agreed))
            }
            Err(error) => {
                tracing::error!(%error, "a login could not be kept: nobody is told of it");
                State::Away
            }
        }
    }
}
