//! What becomes of a reply: the decision or its refusal is kept, answered and recorded in the element's log.
//!
//! A decision's intent is durable in the log before anything changes; its outcome, or a refusal, after the commit and before the broker is told
//! that the reply is settled. Whoever is killed in between is sent the reply again, finds it settled, and records what is missing.

use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{Base64Url, CallError};
use sceau_store::bus::{Company, Received};
use sceau_store::{Row, StoreError, Transaction, params};
use sceau_trace::{Action, Actor, ActorKind, Asserted};
use serde::{Deserialize, Serialize};

use super::letters::{Step, post};
use super::reply_fields::LONGEST;
use super::subscriptions::statements as subscriptions;
use super::{Outcome, Refused, Reply, ReplyError, SubscriptionMessage, Subscriptions};
use crate::Fault;

/// The topic, in the outbox, of replies that could not be settled: dead letters, until a person has one tried again.
pub const REPLY_TOPIC: &str = "mob_reply";

/// Replies of one company that wait for a person: beyond, its queue waits. It may write there by name.
pub(super) const MOST_ASIDE: u64 = 100;

/// The SQL of this part.
pub mod statements {
    sceau_store::statements! {
        pub INSERT_REPLY = "INSERT INTO mob_replies (id, company, login, digest, subscription, reply, error, received) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        pub REPLY_KNOWN = "SELECT id, login, subscription, reply, error, log_index FROM mob_replies \
            WHERE company = $1 AND digest = $2 ORDER BY received DESC LIMIT 1";
        pub DEAD_REPLIES = "SELECT count(*) AS n FROM outbox \
            WHERE topic = 'mob_reply' AND dead = 1 AND substr(payload, 1, length($1)) = $1";
        pub REPLY_RECORDED = "UPDATE mob_replies SET log_index = $2 WHERE id = $1";
    }
}

/// A reply that could not be settled, as the outbox keeps it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsettled {
    pub(super) company: Company,
    pub(super) user_id: Option<String>,
    /// The bytes: nobody knows whether they are text.
    pub(super) body: Base64Url,
}

/// A reply that is kept, and what the log says of it.
struct Kept<'a> {
    id: &'a str,
    company: &'a str,
    login: &'a str,
    subscription: Option<&'a str>,
    outcome: Result<&'a Outcome, &'a ReplyError>,
}

impl Subscriptions {
    /// Settles a reply that `login`'s company sent: decision or refusal is kept, with the message that answers a refusal, and recorded. A reply
    /// that the broker sends again is known by its bytes and settled already.
    ///
    /// # Errors
    /// When the database or the element fails: the reply must come again.
    pub async fn settle(&self, received: &Received, login: &str) -> Result<Option<ReplyError>, Fault> {
        let digest = hex(&sceau_crypto::sha256(&received.body));
        if received.redelivered && self.is_settled(received, &digest).await? {
            return Ok(None);
        }
        let (citizen_id, subscription_id) = Reply::named_ids(&received.body);
        let company = received.company.as_str();
        let at = params![subscription_id.as_str(), company];
        let row = self.database.fetch_optional(subscriptions::SUBSCRIPTION_OF_COMPANY, at).await?;
        let mut judged = self.judge(received, login, row.as_ref())?;
        if let Ok(reply) = &judged {
            let intent =
                draft(company, login, Some(&reply.subscription_id)).detail("outcome", reply.outcome.as_str());
            self.element.append(intent).await?;
        }
        let id = hex(&sceau_crypto::random::<16>());
        let mut transaction = self.database.begin().await?;
        if let Ok(reply) = &judged {
            judged = self.decide(&mut transaction, company, reply).await?.map(|()| reply.clone());
        }
        let named = Some(subscription_id.as_str()).filter(|named| !named.is_empty());
        let reply = judged.as_ref().ok().map(serde_json::to_string).transpose().map_err(StoreError::from)?;
        let error = judged.as_ref().err().map(serde_json::to_string).transpose().map_err(StoreError::from)?;
        let now = self.clock.now_ms();
        let values = params![id.as_str(), company, login, digest, named, reply, error, now];
        transaction.execute(statements::INSERT_REPLY, values).await?;
        if let Err(error) = &judged {
            let answer = answer(row.as_ref(), citizen_id, subscription_id.clone(), error)?;
            self.send(&mut transaction, &received.company, answer).await?;
        }
        transaction.commit().await?;
        let outcome = judged.as_ref().map(|reply| &reply.outcome);
        self.record(&Kept { id: &id, company, login, subscription: named, outcome }).await?;
        Ok(judged.err())
    }

    /// Keeps a reply that could not be settled as a dead letter, where a person sees it and has it tried again; whether it was taken: too many
    /// of its company wait already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_aside(&self, received: &Received) -> Result<bool, StoreError> {
        if received.body.len() > LONGEST {
            // No reply is as long, so its company put it here itself: nothing is lost, and it fills nobody's database.
            tracing::warn!(company = %received.company, "a dead letter that is no reply was dropped");
            return Ok(true);
        }
        let body = Base64Url(received.body.clone());
        let (company, user_id) = (received.company.clone(), received.user_id.clone());
        let mut transaction = self.database.begin().await?;
        // How the payload of each of its dead letters begins.
        let of_company = format!("{{\"company\":\"{company}\",");
        let waiting = transaction.fetch_one(statements::DEAD_REPLIES, params![of_company]).await?;
        if waiting.get::<u64>("n")? >= MOST_ASIDE {
            return Ok(false);
        }
        let unsettled = Unsettled { company, user_id, body };
        let reason = "this reply could not be settled";
        self.outbox.bury(&mut transaction, REPLY_TOPIC, &unsettled, reason).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Whether it was settled before; what its record lacks is recorded now.
    async fn is_settled(&self, received: &Received, digest: &str) -> Result<bool, Fault> {
        let company = received.company.as_str();
        let at = params![company, digest];
        let Some(row) = self.database.fetch_optional(statements::REPLY_KNOWN, at).await? else {
            return Ok(false);
        };
        if row.get::<Option<u64>>("log_index")?.is_some() {
            return Ok(true);
        }
        let (id, login): (String, Option<String>) = (row.get("id")?, row.get("login")?);
        let (reply, error): (Option<String>, Option<String>) = (row.get("reply")?, row.get("error")?);
        let subscription: Option<String> = row.get("subscription")?;
        let reply: Option<Reply> =
            reply.map(|text| serde_json::from_str(&text)).transpose().map_err(StoreError::from)?;
        let error: Option<ReplyError> =
            error.map(|text| serde_json::from_str(&text)).transpose().map_err(StoreError::from)?;
        let Some(outcome) = reply.as_ref().map(|reply| Ok(&reply.outcome)).or(error.as_ref().map(Err)) else {
            return Ok(true);
        };
        let login = login.as_deref().unwrap_or(company);
        let subscription = subscription.as_deref();
        self.record(&Kept { id: &id, company, login, subscription, outcome }).await?;
        Ok(true)
    }

    async fn record(&self, kept: &Kept<'_>) -> Result<(), Fault> {
        let draft = draft(kept.company, kept.login, kept.subscription);
        let draft = match kept.outcome {
            Ok(outcome) => draft.detail("outcome", outcome.as_str()).granted(),
            Err(error) => draft.refused(error.record_code()),
        };
        let index = self.element.append(draft).await?;
        self.database.execute(statements::REPLY_RECORDED, params![kept.id, index]).await?;
        Ok(())
    }

    /// What a reply decides, unless another was first; or why it decides nothing.
    fn judge(
        &self,
        received: &Received,
        login: &str,
        row: Option<&Row>,
    ) -> Result<Result<Reply, ReplyError>, StoreError> {
        // The broker checked that the name is true; whether it is this company's is ours to check.
        if received.user_id.as_deref().is_some_and(|sender| sender != login) {
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
        let waits = row.get::<String>("status")? == "A_TRAITER";
        Ok(if waits { Ok(reply) } else { Err(ReplyError::status()) })
    }

    async fn decide(
        &self,
        transaction: &mut Transaction,
        company: &str,
        reply: &Reply,
    ) -> Result<Result<(), ReplyError>, StoreError> {
        let status = if matches!(reply.outcome, Outcome::Validated(_)) { "VALIDEE" } else { "REJETEE" };
        let values = params![reply.subscription_id.as_str(), company, status];
        let changed = transaction.execute(subscriptions::DECIDE_SUBSCRIPTION, values).await?;
        if changed != 1 {
            return Ok(Err(ReplyError::status()));
        }
        let step = if status == "VALIDEE" { Step::Validated } else { Step::Rejected };
        post(&self.outbox, transaction, &reply.subscription_id, step).await?;
        Ok(Ok(()))
    }
}

/// What goes back with a refused reply: the subscription, if the reply named one of its sender's and its citizen.
fn answer(
    row: Option<&Row>,
    citizen_id: String,
    subscription_id: String,
    error: &ReplyError,
) -> Result<String, StoreError> {
    let citizen: Option<String> = row.map(|row| row.get("citizen")).transpose()?;
    let own = row.filter(|_| citizen.as_deref() == Some(&citizen_id));
    let Some(row) = own else {
        return Ok(serde_json::to_string(&Refused { citizen_id, subscription_id, error: error.clone() })?);
    };
    let mut message: SubscriptionMessage = serde_json::from_str(&row.get::<String>("message")?)?;
    message.error = Some(error.clone());
    Ok(serde_json::to_string(&message)?)
}

/// The record of a company's word: its login, itself, and the subscription if its name may stand in a log, where only a commitment to it is shown.
fn draft(company: &str, login: &str, subscription: Option<&str>) -> RecordDraft {
    let actor = Actor::new(ActorKind::Client, login);
    let draft = RecordDraft::new(actor, Action::DECISION).detail("channel", "bus").detail("company", company);
    let Some(subscription) = subscription else { return draft };
    let whole = draft.clone().subject("subscription", subscription);
    // The sender wrote it: what is no token of a log must not keep its refusal from being recorded.
    let fits = whole.clone().into_record(0, Asserted::Platform).is_ok();
    if fits { whole } else { draft }
}

/// Whether the same again may go well: nothing is wrong with the reply.
pub(super) fn is_passing(fault: &Fault) -> bool {
    match fault {
        Fault::Store(error) => error.is_away() || error.is_full(),
        Fault::Element(error) => {
            matches!(error, CallError::Unreachable { .. } | CallError::Broken | CallError::Deadline)
        }
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
