//! What a person must see of an outbox: what waits for longer than it should, and what was given up.

use serde::Serialize;

use super::{Message, Outbox, statements};
use crate::{Row, StoreError, Transaction, params};

/// A message that was tried in vain is late from this age on, in milliseconds.
pub const LATE_MS: u64 = 600_000;

/// How the messages of a topic stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The topic.
    pub topic: String,
    /// Messages to be delivered.
    pub waiting: u64,
    /// Those of them that are older than [`LATE_MS`] and were tried in vain.
    pub late: u64,
    /// When the oldest of these was enqueued, in Unix milliseconds.
    pub oldest: Option<u64>,
    /// Why it was not delivered the last time.
    pub reason: Option<String>,
    /// Dead letters.
    pub dead: u64,
}

impl Outbox {
    /// What could not be delivered, oldest first, with reasons; at most so many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_letters(&self, most: u32) -> Result<Vec<Message>, StoreError> {
        let rows = self.database.fetch_all(statements::DEAD_LETTERS, params![most]).await?;
        rows.iter().map(Message::from_row).collect()
    }

    /// What of a topic could not be delivered, oldest first, with reasons.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_letters_of(&self, topic: &str) -> Result<Vec<Message>, StoreError> {
        let rows = self.database.fetch_all(statements::DEAD_LETTERS_OF, params![topic]).await?;
        rows.iter().map(Message::from_row).collect()
    }

    /// A dead letter, if there is one of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dead_letter(&self, id: &str) -> Result<Option<Message>, StoreError> {
        let row = self.database.fetch_optional(statements::DEAD_LETTER, params![id]).await?;
        row.as_ref().map(Message::from_row).transpose()
    }

    /// What of a topic was tried in vain and is tried again, oldest first, a thousand at most.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn failing(&self, topic: &str) -> Result<Vec<Message>, StoreError> {
        let rows = self.database.fetch_all(statements::FAILING_MESSAGES, params![topic]).await?;
        rows.iter().map(Message::from_row).collect()
    }

    /// Leaves a message that only a person can have delivered, with the reason; it is a dead letter if, and only if, `transaction` commits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bury(
        &self,
        transaction: &mut Transaction,
        topic: &str,
        payload: &impl Serialize,
        reason: &str,
    ) -> Result<String, StoreError> {
        let id = uuid::Uuid::new_v4().to_string();
        let payload = serde_json::to_string(payload)?;
        let values = params![&id, topic, payload, self.clock.now_ms(), reason];
        transaction.execute(statements::INSERT_DEAD_LETTER, values).await?;
        tracing::error!(topic, id, reason, "a message is now a dead letter");
        Ok(id)
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

    /// Forgets a dead letter for good; `false` if there is none of this id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn discard(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.database.execute(statements::DISCARD_MESSAGE, params![id]).await? > 0)
    }

    /// How each topic stands that has messages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standing(&self) -> Result<Vec<Standing>, StoreError> {
        let late = self.clock.now_ms().saturating_sub(LATE_MS);
        let rows = self.database.fetch_all(statements::STANDING, params![late]).await?;
        let mut all = rows.iter().map(Standing::from_row).collect::<Result<Vec<_>, _>>()?;
        for standing in &mut all {
            if let Some(oldest) = standing.oldest {
                let at = params![&standing.topic, oldest];
                let row = self.database.fetch_optional(statements::LATEST_REASON, at).await?;
                standing.reason = row.map(|row| row.get("reason")).transpose()?.flatten();
            }
        }
        Ok(all)
    }
}

impl Standing {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            topic: row.get("topic")?,
            waiting: row.get("waiting")?,
            late: row.get("late")?,
            oldest: row.get("oldest")?,
            reason: None,
            dead: row.get("dead")?,
        })
    }
}
