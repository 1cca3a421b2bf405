//! From a question to its answer: somebody is asked in a task of their own, so that whoever began it learns nothing from how long that takes.

use std::sync::Arc;
use std::time::Duration;

use sceau_element_api::KeyringId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Words;
use super::bounds::{Asks, Bounds, Turn};
use super::holders::{AFTERWARDS, Agreed, Answer, Ask, AskError, Holders, PAUSE, TRIES};
use crate::oauth::ClientId;
use crate::records::Records;

/// How long after its end it is told of a question that nobody answered: at one time of everybody, whenever the host says so.
pub(crate) const TOLD_AFTER: Duration = Duration::from_secs(10);

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

/// Asks holders.
pub(crate) struct Asker {
    pub(crate) holders: Arc<dyn Holders>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) records: Records,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asker")
    }
}

impl Asker {
    /// A turn to ask somebody for so many seconds, if that may be now.
    pub(crate) fn turn(&self, whom: &Whom, asks: Asks, seconds: u64) -> Option<Turn> {
        self.bounds.turn(whom, asks, seconds)
    }

    /// Asks whose turn it is; the answer is told there.
    pub(crate) fn ask(&self, question: Question<'_>, tell: watch::Sender<State>) {
        let Question { turn, whom, client, words, seconds } = question;
        let nonce = hex::encode(sceau_crypto::random::<16>());
        let ask = |keyring| Ask { keyring, description: words.description(), nonce, seconds };
        let following = Following {
            ask: whom.keyring.filter(|_| turn.is_to_be_asked()).map(ask),
            begun: Instant::now(),
            seconds,
            client: client.clone(),
            holders: Arc::clone(&self.holders),
            records: self.records.clone(),
            turn,
        };
        tokio::spawn(async move {
            let state = following.followed().await;
            let _ = tell.send(state);
        });
    }
}

/// What is asked, whose turn it is.
pub(crate) struct Question<'a> {
    pub(crate) turn: Turn,
    pub(crate) whom: &'a Whom,
    pub(crate) client: &'a ClientId,
    pub(crate) words: Words<'a>,
    pub(crate) seconds: u64,
}

/// One question under way.
struct Following {
    ask: Option<Ask>,
    begun: Instant,
    seconds: u64,
    client: ClientId,
    holders: Arc<dyn Holders>,
    records: Records,
    turn: Turn,
}

impl Following {
    async fn followed(mut self) -> State {
        let Some(ask) = self.ask.take() else { return self.nobody().await };
        match self.holders.ask(ask).await {
            Ok(Answer::Agreed(agreed)) => self.kept(*agreed).await,
            Ok(Answer::Refused) => {
                self.turn.refused();
                State::Refused
            }
            Ok(Answer::Silent) => self.silent().await,
            Err(AskError::Away(error)) => {
                tracing::warn!(%error, "the host of keyrings does not answer");
                self.away().await
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

    /// As if somebody did not answer: the host is tried as often, and away when it would be.
    async fn nobody(&self) -> State {
        for tried in 1..=TRIES {
            if self.holders.is_there().await {
                break;
            }
            if tried == TRIES {
                return self.away().await;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let ends = self.begun + Duration::from_secs(self.seconds) + Duration::from_millis(AFTERWARDS);
        tokio::time::sleep_until(ends).await;
        if self.holders.is_there().await { self.silent().await } else { self.away().await }
    }

    /// A host that went away meanwhile: told at the one time, too.
    async fn away(&self) -> State {
        if self.begun.elapsed() >= Duration::from_secs(self.seconds) {
            self.silent().await;
        }
        State::Away
    }

    async fn silent(&self) -> State {
        tokio::time::sleep_until(self.begun + Duration::from_secs(self.seconds) + TOLD_AFTER).await;
        State::Silent
    }

    async fn kept(self, agreed: Agreed) -> State {
        self.turn.agreed();
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

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
