//! Delivering what is due, and noting how it went.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::Instant;

use super::statements;
use super::{DeliveryError, Handler, Message, Outbox};
use crate::{Row, StoreError, params};

/// Delivers what is due. One for each process.
pub struct Dispatcher {
    outbox: Outbox,
    handlers: HashMap<&'static str, Box<dyn Handler>>,
    at_once: u32,
    /// The longest time between two looks.
    longest: Duration,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("topics", &self.handlers.keys()).finish_non_exhaustive()
    }
}

impl Dispatcher {
    pub(super) fn of(outbox: Outbox) -> Self {
        Self { outbox, handlers: HashMap::new(), at_once: 1, longest: Duration::from_secs(60) }
    }

    /// Gives a topic its handler; a later one replaces it.
    #[must_use]
    pub fn on(mut self, topic: &'static str, handler: impl Handler) -> Self {
        self.handlers.insert(topic, Box::new(handler));
        self
    }

    /// Delivers so many at once, instead of one after the other.
    #[must_use]
    pub fn at_once(self, deliveries: u32) -> Self {
        Self { at_once: deliveries.max(1), ..self }
    }

    /// Looks at least so often: where processes that deliver nothing leave messages too, and cannot wake this one.
    #[must_use]
    pub fn looking_every(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Delivers until the future is dropped or `stop` resolves; a delivery under way is finished first.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut look = Instant::now();
        loop {
            look = match self.deliver_all_due().await {
                // What is due later is what it was: the database need not be asked again.
                Ok(Delivered { none_failed: true, .. }) if Instant::now() < look => look,
                Ok(_) => {
                    let pause = self.pause().await;
                    Instant::now() + pause
                }
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    Instant::now() + Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = self.outbox.wake.notified() => {}
                () = tokio::time::sleep_until(look) => {}
            }
        }
    }

    /// Delivers everything that is due now, at most once each; returns how many were delivered.
    ///
    /// # Errors
    /// [`StoreError`] if the outbox cannot be read or noted; deliveries made before stay made.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        Ok(self.deliver_all_due().await?.messages)
    }

    async fn deliver_all_due(&self) -> Result<Delivered, StoreError> {
        let mut delivered = Delivered { messages: 0, none_failed: true };
        loop {
            let rows = self.due().await?;
            if rows.is_empty() {
                return Ok(delivered);
            }
            // A claim that is not used up has left nothing; what comes meanwhile wakes us again.
            let last = self.outbox.database.is_shared() && rows.len() < self.at_once as usize;
            let messages = rows.iter().map(Message::from_row).collect::<Result<Vec<_>, _>>()?;
            let deliveries = messages.into_iter().map(|message| self.deliver(message));
            let deliveries = futures::stream::iter(deliveries).buffer_unordered(self.at_once as usize);
            for done in deliveries.collect::<Vec<_>>().await {
                let done = done?;
                delivered.messages += usize::from(done);
                delivered.none_failed &= done;
            }
            if last {
                return Ok(delivered);
            }
        }
    }

    /// What is to be delivered now: where others may deliver too, only as much as is begun at once, and claimed.
    async fn due(&self) -> Result<Vec<Row>, StoreError> {
        let Outbox { database, policy, name, .. } = &self.outbox;
        let now = self.outbox.now_ms().await?;
        if !database.is_shared() {
            return database.fetch_all(statements::DUE_MESSAGES, params![now]).await;
        }
        let until = now.saturating_add(policy.timeout_ms.saturating_mul(2));
        database.write(statements::CLAIM_MESSAGES, params![now, &**name, until, self.at_once]).await
    }

    async fn deliver(&self, message: Message) -> Result<bool, StoreError> {
        let tried = Tried::of(&message);
        match self.attempt(message).await {
            Ok(()) => {
                self.outbox.database.execute(statements::FORGET_MESSAGE, params![&tried.id]).await?;
                return Ok(true);
            }
            Err(error) => self.failed(tried, &error).await?,
        }
        Ok(false)
    }

    async fn attempt(&self, message: Message) -> Result<(), DeliveryError> {
        let Some(handler) = self.handlers.get(message.topic.as_str()) else {
            return Err(DeliveryError::Refused(format!("nobody delivers {}", message.topic)));
        };
        let limit = Duration::from_millis(self.outbox.policy.timeout_ms);
        tokio::time::timeout(limit, handler.deliver(message))
            .await
            .unwrap_or_else(|_| Err(DeliveryError::Away("timed out".into())))
    }

    async fn failed(&self, tried: Tried, error: &DeliveryError) -> Result<(), StoreError> {
        let Outbox { policy, name, database, .. } = &self.outbox;
        let Tried { id, topic, attempts, refusals } = tried;
        let reason = error.to_string();
        let refusals = refusals.saturating_add(u32::from(matches!(error, DeliveryError::Later(_))));
        if matches!(error, DeliveryError::Refused(_)) || refusals >= policy.attempts {
            tracing::error!(topic, id, attempts, reason, "a message is now a dead letter");
            database.execute(statements::BURY_MESSAGE, params![id, attempts, reason, &**name]).await?;
            return Ok(());
        }
        let mut jitter = [0; 8];
        aws_lc_rs::rand::fill(&mut jitter).map_err(|_| StoreError::Random)?;
        let due = self.outbox.now_ms().await? + policy.delay_ms(attempts, u64::from_le_bytes(jitter)).max(1);
        let values = params![id, attempts, refusals, due, reason, &**name];
        database.execute(statements::POSTPONE_MESSAGE, values).await?;
        Ok(())
    }

    /// How long nothing will be due; a minute at most, in case the clock is moved.
    async fn pause(&self) -> Duration {
        let longest = self.longest;
        let next = self.outbox.database.fetch_one(statements::NEXT_DUE, params![]).await;
        let (Ok(row), Ok(now)) = (next, self.outbox.now_ms().await) else { return longest };
        let due: Option<u64> = row.get("due").unwrap_or(None);
        due.map_or(longest, |due| Duration::from_millis(due.saturating_sub(now)).min(longest))
    }
}

/// What came of the messages that were due.
struct Delivered {
    messages: usize,
    none_failed: bool,
}

/// A message that is being delivered, this attempt counted.
struct Tried {
    id: String,
    topic: String,
    attempts: u32,
    refusals: u32,
}

impl Tried {
    fn of(message: &Message) -> Self {
        let (id, topic) = (message.id.clone(), message.topic.clone());
        Self { id, topic, attempts: message.attempts.saturating_add(1), refusals: message.refusals }
    }
}
