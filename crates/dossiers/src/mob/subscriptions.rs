//! Subscriptions that a company's own system decides over the bus.

use std::sync::Arc;

use sceau_element_api::Client;
use sceau_store::bus::Company;
use sceau_store::{Clock, Database, Outbox, Row, StoreError, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{BUS_TOPIC, Reply, ReplyError, SubscriptionMessage};

/// The SQL of this part.
pub mod statements {
    sceau_store::statements! {
        pub INSERT_SUBSCRIPTION = "INSERT INTO mob_subscriptions (id, company, citizen, status, message, created) \
            VALUES ($1, $2, $3, 'A_TRAITER', $4, $5)";
        pub SUBSCRIPTION_OF_COMPANY = "SELECT citizen, status, message FROM mob_subscriptions \
            WHERE id = $1 AND company = $2";
        pub DECIDE_SUBSCRIPTION = "UPDATE mob_subscriptions SET status = $3 \
            WHERE id = $1 AND company = $2 AND status = 'A_TRAITER'";
        pub REPLIES = "SELECT company, login, subscription, reply, error, received, log_index FROM mob_replies \
            WHERE subscription = $1 ORDER BY received, id";
        pub DECIDING_REPLY = "SELECT company, login, subscription, reply, error, received, log_index FROM mob_replies \
            WHERE subscription = $1 AND reply IS NOT NULL ORDER BY received, id LIMIT 1";
    }
}

/// A message for a company's queue, as the outbox holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announced {
    /// Whose queue.
    pub company: Company,
    /// The bytes, JSON.
    pub message: String,
}

/// A reply that was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    /// From whose queue.
    pub company: Company,
    /// Which login sent it.
    pub login: Option<String>,
    /// What it decided, unless it was refused.
    pub reply: Option<Reply>,
    /// Why it was refused.
    pub error: Option<ReplyError>,
    /// When, in Unix milliseconds.
    pub received: u64,
    /// Where the element's log has its outcome; none before it is recorded.
    pub log_index: Option<u64>,
}

impl crate::Dossiers {
    /// The subscriptions of the companies on the bus.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions {
        let element = self.element().clone();
        Subscriptions::new(self.database.clone(), self.outbox.clone(), element, Arc::clone(&self.clock))
    }
}

/// The subscriptions of the companies on the bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    pub(super) database: Database,
    pub(super) outbox: Outbox,
    pub(super) element: Client,
    pub(super) clock: Arc<dyn Clock>,
}

impl Subscriptions {
    /// In this database, which has this room's tables; `element` keeps the log of what is decided.
    pub fn new(database: Database, outbox: Outbox, element: Client, clock: Arc<dyn Clock>) -> Self {
        Self { database, outbox, element, clock }
    }

    /// Records a subscription to be decided and leaves its message for the company, both if `transaction` commits.
    ///
    /// # Errors
    /// [`StoreError`]; a subscription of this id exists.
    pub async fn announce(
        &self,
        transaction: &mut Transaction,
        company: &Company,
        message: &SubscriptionMessage,
    ) -> Result<(), StoreError> {
        let text = serde_json::to_string(message)?;
        let (id, citizen, now) = (&message.subscription_id, &message.citizen_id, self.clock.now_ms());
        let values = params![id.as_str(), company.as_str(), citizen.as_str(), text.as_str(), now];
        transaction.execute(statements::INSERT_SUBSCRIPTION, values).await?;
        self.send(transaction, company, text).await
    }

    /// What was received for a subscription, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replies(&self, subscription: &str) -> Result<Vec<DecisionRow>, StoreError> {
        let rows = self.database.fetch_all(statements::REPLIES, params![subscription]).await?;
        rows.iter().map(decision).collect()
    }

    /// What its company decided over the bus, if it has: one row, however many refused replies name the subscription.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn decision(&self, subscription: &str) -> Result<Option<DecisionRow>, StoreError> {
        let row = self.database.fetch_optional(statements::DECIDING_REPLY, params![subscription]).await?;
        row.as_ref().map(decision).transpose()
    }

    /// The status of a company's subscription, if it is one: `A_TRAITER`, `VALIDEE` or `REJETEE`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn status(&self, company: &Company, id: &str) -> Result<Option<String>, StoreError> {
        let values = params![id, company.as_str()];
        let row = self.database.fetch_optional(statements::SUBSCRIPTION_OF_COMPANY, values).await?;
        row.map(|row| row.get("status")).transpose()
    }

    pub(super) async fn send(
        &self,
        transaction: &mut Transaction,
        to: &Company,
        message: String,
    ) -> Result<(), StoreError> {
        let announced = Announced { company: to.clone(), message };
        self.outbox.enqueue(transaction, BUS_TOPIC, &announced).await?;
        Ok(())
    }
}

fn decision(row: &Row) -> Result<DecisionRow, StoreError> {
    let (reply, error): (Option<String>, Option<String>) = (row.get("reply")?, row.get("error")?);
    Ok(DecisionRow {
        company: serde_json::from_value(row.get::<String>("company")?.into())?,
        login: row.get("login")?,
        reply: reply.map(|text| serde_json::from_str(&text)).transpose()?,
        error: error.map(|text| serde_json::from_str(&text)).transpose()?,
        received: row.get("received")?,
        log_index: row.get("log_index")?,
    })
}
