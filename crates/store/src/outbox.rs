//! The outbox: what a transaction decided to tell others, delivered at least once after its commit.
//!
//! A message is a row written in the caller's transaction, so that it exists if and only if what it speaks of does.
//! Handlers must bear repetition: a crash between delivery and its note delivers again. Order is not promised.
//!
//! Where several processes share the database, each claims what it is about to deliver, for twice as long as a delivery may last, by the
//! server's clock. Nobody else delivers it meanwhile; what a process that died had claimed is delivered by another once that time is over.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::{Clock, Database, Migration, Row, StoreError, Transaction, params};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "store/0001-outbox",
        sql: "CREATE TABLE outbox (
    id TEXT NOT NULL PRIMARY KEY,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    created BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    dead BIGINT NOT NULL,
    reason TEXT
);
CREATE INDEX outbox_due ON outbox (dead, due)",
    },
    Migration {
        name: "store/0002-claims",
        sql: "ALTER TABLE outbox ADD COLUMN claim TEXT;
ALTER TABLE outbox ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0",
    },
];

/// Its SQL, public for the tests that prepare every statement.
pub mod statements {
    crate::statements! {
        pub ENQUEUE_MESSAGE = "INSERT INTO outbox (id, topic, payload, created, attempts, due, dead) \
            VALUES ($1, $2, $3, $4, 0, 0, 0)";
        pub DUE_MESSAGES = "SELECT id, topic, payload, created, attempts FROM outbox \
            WHERE dead = 0 AND due <= $1 ORDER BY due, created LIMIT 64";
        pub CLAIM_MESSAGES = "UPDATE outbox SET claim = $2, claimed_until = $3 \
            WHERE dead = 0 AND claimed_until <= $1 AND id IN (SELECT id FROM outbox \
            WHERE dead = 0 AND due <= $1 AND claimed_until <= $1 ORDER BY due, created LIMIT $4) \
            RETURNING id, topic, payload, created, attempts";
        pub NEXT_DUE = "SELECT min(CASE WHEN claimed_until > due THEN claimed_until ELSE due END) AS due \
            FROM outbox WHERE dead = 0";
        pub FORGET_MESSAGE = "DELETE FROM outbox WHERE id = $1";
        pub POSTPONE_MESSAGE = "UPDATE outbox SET attempts = $2, due = $3, reason = $4, claimed_until = 0 \
            WHERE id = $1 AND (claim IS NULL OR claim = $5)";
        pub BURY_MESSAGE = "UPDATE outbox SET attempts = $2, dead = 1, reason = $3, claimed_until = 0 \
            WHERE id = $1 AND (claim IS NULL OR claim = $4)";
        pub DEAD_LETTERS = "SELECT id, topic, payload, created, attempts, reason FROM outbox \
            WHERE dead = 1 ORDER BY created";
        pub REVIVE_MESSAGE = "UPDATE outbox SET dead = 0, attempts = 0, due = 0 WHERE id = $1 AND dead = 1";
    }
}

/// A message as a handler sees it.
#[derive(Clone)]
pub struct Message {
    /// The same at each repetition: what makes a handler idempotent.
    pub id: String,
    /// Which handler it is for.
    pub topic: String,
    /// JSON.
    pub payload: String,
    /// When it was enqueued, in Unix milliseconds.
    pub created: u64,
    /// How many deliveries failed before this one.
    pub attempts: u32,
    /// Why the last delivery failed; only for dead letters.
    pub reason: Option<String>,
}

/// Shows no payload: it may hold personal data.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} {} after {} attempts)", self.topic, self.id, self.attempts)
    }
}

impl Message {
    /// The payload as what was enqueued. A payload of another shape will not get better: it is refused.
    ///
    /// # Errors
    /// [`DeliveryError::Refused`].
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DeliveryError> {
        serde_json::from_str(&self.payload).map_err(|error| DeliveryError::Refused(error.to_string()))
    }

    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            topic: row.get("topic")?,
            payload: row.get("payload")?,
            created: row.get("created")?,
            attempts: row.get("attempts")?,
            reason: row.get("reason").unwrap_or(None),
        })
    }
}

/// Why a message was not delivered. The text is kept in the database: no secret, no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// It may work later: try again with back-off.
    #[error("later: {0}")]
    Later(String),
    /// It never will: to the dead letters at once.
    #[error("refused: {0}")]
    Refused(String),
}

/// What delivers the messages of a topic. Any `Fn(Message) -> Future` is one.
pub trait Handler: Send + Sync + 'static {
    /// Delivers once; must bear being called again with the same message.
    fn deliver(&self, message: Message) -> BoxFuture<'_, Result<(), DeliveryError>>;
}

impl<F, R> Handler for F
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), DeliveryError>> + Send + 'static,
{
    fn deliver(&self, message: Message) -> BoxFuture<'_, Result<(), DeliveryError>> {
        Box::pin(self(message))
    }
}

/// When to try again, and when to stop.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Delay after the first failure, doubled at each further one; milliseconds.
    pub first_ms: u64,
    /// The longest delay, in milliseconds.
    pub longest_ms: u64,
    /// After so many failed deliveries the message is a dead letter.
    pub attempts: u32,
    /// A delivery that lasts longer has failed; milliseconds.
    pub timeout_ms: u64,
}

impl Default for RetryPolicy {
    /// One second to five minutes, 20 attempts: about an hour and a half.
    fn default() -> Self {
        Self { first_ms: 1_000, longest_ms: 300_000, attempts: 20, timeout_ms: 30_000 }
    }
}

impl RetryPolicy {
    /// Delay after `attempts` failures: the upper half is drawn by `jitter`, so that many do not come back together.
    fn delay_ms(&self, attempts: u32, jitter: u64) -> u64 {
        let doubled = self.first_ms.saturating_mul(1 << attempts.saturating_sub(1).min(32));
        let whole = doubled.min(self.longest_ms);
        let half = whole / 2;
        half + jitter % (whole - half + 1)
    }
}

/// Where transactions leave messages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    database: Database,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    wake: Arc<Notify>,
    /// Who claims: this process, as long as it lives.
    name: Arc<str>,
}

impl Outbox {
    /// An outbox in `database`, which has this room's migrations.
    pub fn new(database: Database, clock: Arc<dyn Clock>, policy: RetryPolicy) -> Self {
        let name = uuid::Uuid::new_v4().to_string().into();
        Self { database, clock, policy, wake: Arc::new(Notify::new()), name }
    }

    /// Leaves a message; it will be delivered if, and only if, `transaction` commits. Returns its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enqueue(
        &self,
        transaction: &mut Transaction,
        topic: &str,
        payload: &impl Serialize,
    ) -> Result<String, StoreError> {
        let id = uuid::Uuid::new_v4().to_string();
        let payload = serde_json::to_string(payload)?;
        let values = params![&id, topic, payload, self.clock.now_ms()];
        transaction.execute(statements::ENQUEUE_MESSAGE, values).await?;
        transaction.wake_after(Arc::clone(&self.wake));
        Ok(id)
    }

    /// What could not be delivered, oldest first, with reasons.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_letters(&self) -> Result<Vec<Message>, StoreError> {
        let rows = self.database.fetch_all(statements::DEAD_LETTERS, params![]).await?;
        rows.iter().map(Message::from_row).collect()
    }

    /// Gives a dead letter its attempts back; `false` if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revive(&self, id: &str) -> Result<bool, StoreError> {
        let revived = self.database.execute(statements::REVIVE_MESSAGE, params![id]).await?;
        self.wake.notify_one();
        Ok(revived > 0)
    }

    /// Begins to say who delivers what.
    pub fn dispatcher(&self) -> Dispatcher {
        Dispatcher { outbox: self.clone(), handlers: HashMap::new(), at_once: 1 }
    }

    /// The time by which messages are due, in Unix milliseconds.
    async fn now_ms(&self) -> Result<u64, StoreError> {
        self.database.now_ms(self.clock.as_ref()).await
    }
}

/// Delivers what is due. One for each process.
pub struct Dispatcher {
    outbox: Outbox,
    handlers: HashMap<&'static str, Box<dyn Handler>>,
    at_once: u32,
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("topics", &self.handlers.keys()).finish_non_exhaustive()
    }
}

impl Dispatcher {
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

    /// Delivers until the future is dropped or `stop` resolves; a delivery under way is finished first.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let pause = match self.deliver_due().await {
                Ok(_) => self.pause().await,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    Duration::from_secs(5)
                }
            };
            tokio::select! {
                () = &mut stop => return,
                () = self.outbox.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers everything that is due now, at most once each; returns how many were delivered.
    ///
    /// # Errors
    /// [`StoreError`] if the outbox cannot be read or noted; deliveries made before stay made.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let mut delivered = 0;
        loop {
            let rows = self.due().await?;
            if rows.is_empty() {
                return Ok(delivered);
            }
            let messages = rows.iter().map(Message::from_row).collect::<Result<Vec<_>, _>>()?;
            let deliveries = messages.into_iter().map(|message| self.deliver(message));
            let deliveries = futures::stream::iter(deliveries).buffer_unordered(self.at_once as usize);
            for done in deliveries.collect::<Vec<_>>().await {
                delivered += usize::from(done?);
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
        let id = message.id.clone();
        let (topic, attempts) = (message.topic.clone(), message.attempts.saturating_add(1));
        match self.attempt(message).await {
            Ok(()) => {
                self.outbox.database.execute(statements::FORGET_MESSAGE, params![&id]).await?;
                return Ok(true);
            }
            Err(error) => self.failed(&id, &topic, attempts, &error).await?,
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
            .unwrap_or_else(|_| Err(DeliveryError::Later("timed out".into())))
    }

    async fn failed(
        &self,
        id: &str,
        topic: &str,
        attempts: u32,
        error: &DeliveryError,
    ) -> Result<(), StoreError> {
        let policy = self.outbox.policy;
        let reason = error.to_string();
        if matches!(error, DeliveryError::Refused(_)) || attempts >= policy.attempts {
            tracing::error!(topic, id, attempts, reason, "a message is now a dead letter");
            self.outbox
                .database
                .execute(statements::BURY_MESSAGE, params![id, attempts, reason, &*self.outbox.name])
                .await?;
            return Ok(());
        }
        let mut jitter = [0; 8];
        aws_lc_rs::rand::fill(&mut jitter).map_err(|_| StoreError::Random)?;
        let due = self.outbox.now_ms().await? + policy.delay_ms(attempts, u64::from_le_bytes(jitter)).max(1);
        let values = params![id, attempts, due, reason, &*self.outbox.name];
        self.outbox.database.execute(statements::POSTPONE_MESSAGE, values).await?;
        Ok(())
    }

    /// How long nothing will be due; a minute at most, in case the clock is moved.
    async fn pause(&self) -> Duration {
        let longest = Duration::from_secs(60);
        let next = self.outbox.database.fetch_one(statements::NEXT_DUE, params![]).await;
        let (Ok(row), Ok(now)) = (next, self.outbox.now_ms().await) else { return longest };
        let due: Option<u64> = row.get("due").unwrap_or(None);
        due.map_or(longest, |due| Duration::from_millis(due.saturating_sub(now)).min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::RetryPolicy;

    #[test]
    fn delays_double_stay_under_the_longest_and_above_half() {
        let policy = RetryPolicy { first_ms: 1_000, longest_ms: 60_000, attempts: 9, timeout_ms: 1 };
        for (attempts, whole) in [(1, 1_000), (2, 2_000), (5, 16_000), (7, 60_000), (64, 60_000)] {
            for jitter in [0, 1, 12_345, u64::MAX] {
                let delay = policy.delay_ms(attempts, jitter);
                assert!((whole / 2..=whole).contains(&delay), "{attempts} {jitter}: {delay}");
            }
        }
    }
}
