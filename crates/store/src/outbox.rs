//! The outbox: what a transaction decided to tell others, delivered at least once after its commit.
//!
//! A message is a row written in the caller's transaction, so that it exists if and only if what it speaks of does.
//! Handlers must bear repetition: a crash between delivery and its note delivers again. Order is not promised.
//!
//! Where several processes share the database, each claims what it is about to deliver, for twice as long as a delivery may last, by the
//! server's clock. Nobody else delivers it meanwhile; what a process that died had claimed is delivered by another once that time is over.

mod absences;
mod dispatcher;
mod standing;

use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

pub use absences::Absences;
pub use dispatcher::Dispatcher;
pub use standing::{LATE_MS, Standing};

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
    Migration {
        name: "store/0003-refusals",
        sql: "ALTER TABLE outbox ADD COLUMN refusals BIGINT NOT NULL DEFAULT 0;
CREATE INDEX outbox_standing ON outbox (topic, dead, created, attempts)",
    },
];

/// Its SQL, public for the tests that prepare every statement.
pub mod statements {
    crate::statements! {
        pub ENQUEUE_MESSAGE = "INSERT INTO outbox (id, topic, payload, created, attempts, due, dead) \
            VALUES ($1, $2, $3, $4, 0, 0, 0)";
        pub DUE_MESSAGES = "SELECT id, topic, payload, created, attempts, refusals FROM outbox \
            WHERE dead = 0 AND due <= $1 ORDER BY due, created LIMIT 64";
        pub CLAIM_MESSAGES = "UPDATE outbox SET claim = $2, claimed_until = $3 \
            WHERE dead = 0 AND claimed_until <= $1 AND id IN (SELECT id FROM outbox \
            WHERE dead = 0 AND due <= $1 AND claimed_until <= $1 ORDER BY due, created LIMIT $4) \
            RETURNING id, topic, payload, created, attempts, refusals";
        pub NEXT_DUE = "SELECT min(CASE WHEN claimed_until > due THEN claimed_until ELSE due END) AS due \
            FROM outbox WHERE dead = 0";
        pub FORGET_MESSAGE = "DELETE FROM outbox WHERE id = $1";
        pub POSTPONE_MESSAGE = "UPDATE outbox SET attempts = $2, refusals = $3, due = $4, reason = $5, claimed_until = 0 \
            WHERE id = $1 AND (claim IS NULL OR claim = $6)";
        pub INSERT_DEAD_LETTER = "INSERT INTO outbox (id, topic, payload, created, attempts, due, dead, reason) \
            VALUES ($1, $2, $3, $4, 1, 0, 1, $5)";
        pub BURY_MESSAGE = "UPDATE outbox SET attempts = $2, dead = 1, reason = $3, claimed_until = 0 \
            WHERE id = $1 AND (claim IS NULL OR claim = $4)";
        pub DEAD_LETTERS = "SELECT id, topic, payload, created, attempts, refusals, reason FROM outbox \
            WHERE dead = 1 ORDER BY created, id LIMIT $1";
        pub DEAD_LETTERS_OF = "SELECT id, topic, payload, created, attempts, refusals, reason FROM outbox \
            WHERE topic = $1 AND dead = 1 ORDER BY created, id";
        pub DEAD_LETTER = "SELECT id, topic, payload, created, attempts, refusals, reason FROM outbox \
            WHERE id = $1 AND dead = 1";
        pub FAILING_MESSAGES = "SELECT id, topic, payload, created, attempts, refusals, reason FROM outbox \
            WHERE topic = $1 AND dead = 0 AND attempts > 0 ORDER BY created, id LIMIT 1000";
        pub REVIVE_MESSAGE = "UPDATE outbox SET dead = 0, attempts = 0, refusals = 0, due = 0 \
            WHERE id = $1 AND dead = 1";
        pub DISCARD_MESSAGE = "DELETE FROM outbox WHERE id = $1 AND dead = 1";
        pub STANDING = "SELECT topic, count(CASE WHEN dead = 0 THEN 1 END) AS waiting, \
            count(CASE WHEN dead = 0 AND attempts > 0 AND created <= $1 THEN 1 END) AS late, \
            min(CASE WHEN dead = 0 AND attempts > 0 AND created <= $1 THEN created END) AS oldest, \
            count(CASE WHEN dead = 1 THEN 1 END) AS dead FROM outbox GROUP BY topic ORDER BY topic";
        pub LATEST_REASON = "SELECT reason FROM outbox \
            WHERE topic = $1 AND dead = 0 AND attempts > 0 AND created = $2 LIMIT 1";
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
    /// How many of them the other side refused for the time being.
    pub refusals: u32,
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
            refusals: row.get("refusals")?,
            reason: row.get("reason").unwrap_or(None),
        })
    }
}

/// Why a message was not delivered. The text is kept in the database: no secret, no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// Nobody takes anything now, be it this message or another: the server is away, its queue is full, our own database is. Tried again with
    /// back-off for as long as it takes.
    #[error("away: {0}")]
    Away(String),
    /// The other side answers, and does not want this message now: tried again with back-off, then a dead letter.
    #[error("later: {0}")]
    Later(String),
    /// It never will: to the dead letters at once.
    #[error("refused: {0}")]
    Refused(String),
}

/// A store of ours that fails says nothing of the message.
impl From<StoreError> for DeliveryError {
    fn from(error: StoreError) -> Self {
        if error.is_away() || error.is_full() {
            Self::Away(error.to_string())
        } else {
            Self::Later(error.to_string())
        }
    }
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
    /// After so many deliveries that were refused for the time being, the message is a dead letter. Absences do not count.
    pub attempts: u32,
    /// A delivery that lasts longer has failed; milliseconds.
    pub timeout_ms: u64,
}

impl Default for RetryPolicy {
    /// One second to five minutes, 20 refusals: about an hour and a half.
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

    /// Begins to say who delivers what.
    pub fn dispatcher(&self) -> Dispatcher {
        Dispatcher::of(self.clone())
    }

    /// The time by which messages are due, in Unix milliseconds.
    async fn now_ms(&self) -> Result<u64, StoreError> {
        self.database.now_ms(self.clock.as_ref()).await
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
