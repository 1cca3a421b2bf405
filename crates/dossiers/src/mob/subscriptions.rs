//! Subscriptions that a company's own system decides over the bus.

use std::sync::Arc;

use sceau_store::bus::{Company, Received};
use sceau_store::{Clock, Database, Outbox, Row, StoreError, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{BUS_TOPIC, Outcome, Refused, Reply, ReplyError, SubscriptionMessage};

/// The SQL of this part.
pub mod statements {
    sceau_store::statements! {
        pub INSERT_SUBSCRIPTION = "INSERT INTO mob_subscriptions (id, company, citizen, status, message, created) \
            VALUES ($1, $2, $3, 'A_TRAITER', $4, $5)";
        pub SUBSCRIPTION_OF_COMPANY = "SELECT citizen, status, message FROM mob_subscriptions \
            WHERE id = $1 AND company = $2";
        pub DECIDE_SUBSCRIPTION = "UPDATE mob_subscriptions SET status = $3 \
            WHERE id = $1 AND company = $2 AND status = 'A_TRAITER'";
        pub INSERT_REPLY = "INSERT INTO mob_replies (id, company, digest, subscription, reply, error, received) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        pub REPLY_KNOWN = "SELECT count(*) AS n FROM mob_replies WHERE company = $1 AND digest = $2";
        pub REPLIES = "SELECT company, subscription, reply, error, received FROM mob_replies \
            WHERE subscription = $1 ORDER BY received, id";
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
    /// What it decided, unless it was refused.
    pub reply: Option<Reply>,
    /// Why it was refused.
    pub error: Option<ReplyError>,
    /// When, in Unix milliseconds.
    pub received: u64,
}

impl crate::Dossiers {
    /// The subscriptions of the companies on the bus.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions {
        Subscriptions::new(self.database.clone(), self.outbox.clone(), Arc::clone(&self.clock))
    }
}

/// The subscriptions of the companies on the bus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Subscriptions {
    database: Database,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
}

impl Subscriptions {
    /// In this database, which has this room's tables.
    pub fn new(database: Database, outbox: Outbox, clock: Arc<dyn Clock>) -> Self {
        Self { database, outbox, clock }
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

    /// Settles a reply: the decision or its refusal is recorded, with the message that answers a refusal, in one transaction. A reply
    /// that the broker sends again is known by its bytes and settled already.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was settled; the reply must come again.
    pub async fn settle(
        &self,
        received: &Received,
        login: Option<&str>,
    ) -> Result<Option<ReplyError>, StoreError> {
        let digest = hex(&sceau_crypto::sha256(&received.body));
        let mut transaction = self.database.begin().await?;
        let company = received.company.as_str();
        let known = transaction.fetch_one(statements::REPLY_KNOWN, params![company, digest.as_str()]).await?;
        if received.redelivered && known.get::<u64>("n")? > 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        let decided = self.judge(&mut transaction, received, login).await?;
        let id = uuid();
        let now = self.clock.now_ms();
        let values = match &decided {
            Ok(reply) => {
                let text = serde_json::to_string(reply)?;
                params![
                    id,
                    company,
                    digest,
                    Some(reply.subscription_id.as_str()),
                    Some(text),
                    None::<String>,
                    now
                ]
                .to_vec()
            }
            Err((error, _)) => {
                let (_, named) = Reply::named_ids(&received.body);
                let subscription = Some(named).filter(|named| !named.is_empty());
                let text = serde_json::to_string(error)?;
                params![id, company, digest, subscription, None::<String>, Some(text), now].to_vec()
            }
        };
        transaction.execute(statements::INSERT_REPLY, &values).await?;
        let error = match decided {
            Ok(_) => None,
            Err((error, message)) => {
                self.send(&mut transaction, &received.company, message).await?;
                Some(error)
            }
        };
        transaction.commit().await?;
        Ok(error)
    }

    /// What was received for a subscription, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn replies(&self, subscription: &str) -> Result<Vec<DecisionRow>, StoreError> {
        let rows = self.database.fetch_all(statements::REPLIES, params![subscription]).await?;
        rows.iter().map(decision).collect()
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

    /// Decides, or says why not and what goes back. A refused reply that names no subscription of its sender gets none of its contents.
    async fn judge(
        &self,
        transaction: &mut Transaction,
        received: &Received,
        login: Option<&str>,
    ) -> Result<Result<Reply, (ReplyError, String)>, StoreError> {
        let (citizen_id, subscription_id) = Reply::named_ids(&received.body);
        let values = params![subscription_id.as_str(), received.company.as_str()];
        let row = transaction.fetch_optional(statements::SUBSCRIPTION_OF_COMPANY, values).await?;
        let error = match self.decide(transaction, received, login, row.as_ref()).await? {
            Ok(reply) => return Ok(Ok(reply)),
            Err(error) => error,
        };
        let citizen: Option<String> = row.as_ref().map(|row| row.get("citizen")).transpose()?;
        let own = row.filter(|_| citizen.as_deref() == Some(&citizen_id));
        let message = match own {
            Some(row) => {
                let text: String = row.get("message")?;
                let mut message: SubscriptionMessage = serde_json::from_str(&text)?;
                message.error = Some(error.clone());
                serde_json::to_string(&message)?
            }
            None => serde_json::to_string(&Refused { citizen_id, subscription_id, error: error.clone() })?,
        };
        Ok(Err((error, message)))
    }

    async fn decide(
        &self,
        transaction: &mut Transaction,
        received: &Received,
        login: Option<&str>,
        row: Option<&Row>,
    ) -> Result<Result<Reply, ReplyError>, StoreError> {
        // The broker checked that the name is true; whether it is this company's is ours to check.
        if received.user_id.as_deref().is_some_and(|sender| Some(sender) != login) {
            return Ok(Err(ReplyError::sender()));
        }
        let reply = match Reply::parse(&received.body, self.clock.now_ms()) {
            Ok(reply) => reply,
            Err(error) => return Ok(Err(error)),
        };
        let Some(row) = row else { return Ok(Err(ReplyError::unknown_subscription())) };
        if row.get::<String>("citizen")? != reply.citizen_id {
            return Ok(Err(ReplyError::citizen()));
        }
        let status = if matches!(reply.outcome, Outcome::Validated(_)) { "VALIDEE" } else { "REJETEE" };
        let values = params![reply.subscription_id.as_str(), received.company.as_str(), status];
        let changed = transaction.execute(statements::DECIDE_SUBSCRIPTION, values).await?;
        Ok(if changed == 1 { Ok(reply) } else { Err(ReplyError::status()) })
    }

    async fn send(
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
        reply: reply.map(|text| serde_json::from_str(&text)).transpose()?,
        error: error.map(|text| serde_json::from_str(&text)).transpose()?,
        received: row.get("received")?,
    })
}

fn uuid() -> String {
    hex(&sceau_crypto::random::<16>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
