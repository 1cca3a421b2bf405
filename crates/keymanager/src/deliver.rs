//! What goes to the platform: records and decisions, at least once, whatever happens in between.
//!
//! Both are signed when they are sent, with the signing key that the platform acknowledged last, so that a change of key strands none. The
//! element knows a record by the hash of its bytes, and a decision by its row: a repetition changes nothing.

use sceau_client::ClientError;
use sceau_crypto::Typ;
use sceau_store::{DeliveryError, Dispatcher, Message, params};
use sceau_trace::{Action, Hash};

use crate::denial::record_code;
use crate::error::Error;
use crate::journal;
use crate::manager::KeyManager;
use crate::schema::statements;

/// The outbox topic of decisions; the payload is the hash.
pub(crate) const DECISION_TOPIC: &str = "decision";
/// The client's code for an answer that is none of the platform's.
pub(crate) const NOT_THE_PLATFORM: &str = "not_a_sceau_server";
/// Records sent in one call.
const BATCH: u64 = 64;

/// Why something did not reach the platform.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// It may later.
    Later(String),
    /// It never will: the platform's code.
    Refused(String),
    /// The fault is here.
    Broken(Error),
}

impl<E: Into<Error>> From<E> for Delivery {
    fn from(error: E) -> Self {
        match error.into() {
            error @ (Error::NotConnected | Error::NoCurrentKey | Error::NoSigningKey) => {
                Self::Later(error.to_string())
            }
            Error::Platform(error) => platform(error),
            error => Self::Broken(error),
        }
    }
}

/// A refusal of the request itself is for good; of the moment or of the credentials, it is not. What is not a problem document is a proxy's
/// word, not the platform's.
fn platform(error: ClientError) -> Delivery {
    match error {
        ClientError::Refused { code, .. } if code == NOT_THE_PLATFORM => Delivery::Later(code),
        ClientError::Refused { status: 400 | 403 | 404 | 409 | 410 | 413 | 422, code, .. } => {
            Delivery::Refused(code)
        }
        error => Delivery::Later(error.to_string()),
    }
}

impl KeyManager {
    /// Who delivers what: give it to a task of its own, or call `deliver_due`.
    pub(crate) fn dispatcher(&self) -> Dispatcher {
        let (records, decisions, mob, letters) = (self.clone(), self.clone(), self.clone(), self.clone());
        self.outbox()
            .dispatcher()
            .on(journal::TOPIC, move |message: Message| {
                let manager = records.clone();
                async move { manager.deliver_records(message.parse()?).await }
            })
            .on(DECISION_TOPIC, move |message: Message| {
                let manager = decisions.clone();
                async move {
                    let hash: Hash = message.parse()?;
                    manager.deliver_decision(&hash).await.map_err(later_or_refused)
                }
            })
            .on(crate::mob::TOPIC, move |message: Message| {
                let manager = mob.clone();
                async move { manager.deliver_mob_key(message.parse()?).await }
            })
            .on(crate::letters::TOPIC, move |message: Message| {
                let manager = letters.clone();
                async move { manager.deliver_letter(&message).await }
            })
    }

    /// Delivers record `position`, and while at it the others that wait. A record is never given up: a refusal, too, is tried again.
    async fn deliver_records(&self, position: u64) -> Result<(), DeliveryError> {
        let later = |delivery| match delivery {
            Delivery::Later(why) | Delivery::Refused(why) => DeliveryError::Later(why),
            Delivery::Broken(error) => DeliveryError::Later(error.to_string()),
        };
        match self.send_waiting().await {
            // One record that the platform refuses must not hold the others back.
            Err(Delivery::Refused(_)) => self.send_one(position).await.map_err(later),
            Err(other) => Err(later(other)),
            Ok(()) => self.send_one(position).await.map_err(later),
        }
    }

    async fn send_waiting(&self) -> Result<(), Delivery> {
        let rows = self.database().fetch_all(statements::UNDELIVERED, params![BATCH]).await?;
        let mut waiting = Vec::with_capacity(rows.len());
        for row in &rows {
            waiting.push((row.get::<u64>("position")?, row.get::<Vec<u8>>("leaf")?));
        }
        self.send(&waiting).await
    }

    /// Sends the record at `position`, and those that wait before it, in order; one that is refused holds none back.
    pub(crate) async fn send_through(&self, position: u64) -> Result<(), Delivery> {
        loop {
            match self.send_waiting().await {
                Ok(()) => {}
                Err(Delivery::Refused(_)) => return self.send_one(position).await,
                Err(other) => return Err(other),
            }
            let waits = statements::UNDELIVERED_RECORD;
            if self.database().fetch_optional(waits, params![position]).await?.is_none() {
                return Ok(());
            }
        }
    }

    /// Sends one record at once, if the platform does not have it yet.
    pub(crate) async fn send_one(&self, position: u64) -> Result<(), Delivery> {
        let row = self.database().fetch_optional(statements::UNDELIVERED_RECORD, params![position]).await?;
        let Some(row) = row else { return Ok(()) };
        self.send(&[(position, row.get("leaf")?)]).await
    }

    async fn send(&self, records: &[(u64, Vec<u8>)]) -> Result<(), Delivery> {
        if records.is_empty() {
            return Ok(());
        }
        let link = self.link().ok_or(Error::NotConnected)?;
        let signed: Result<Vec<_>, _> =
            records.iter().map(|(_, leaf)| self.sign_current(Typ::Record, leaf)).collect();
        let indices = link.machine.deliver_records(&signed?).await.map_err(Error::from)?;
        if indices.len() != records.len() {
            return Err(Delivery::Later("the platform acknowledged fewer records than were sent".to_owned()));
        }
        for (position, _) in records {
            self.database().execute(statements::RECORD_DELIVERED, params![*position]).await?;
        }
        Ok(())
    }

    /// Delivers a decision, unless the platform has it.
    pub(crate) async fn deliver_decision(&self, hash: &Hash) -> Result<(), Delivery> {
        let row = self.database().fetch_one(statements::GET_DECISION, params![hash.to_string()]).await?;
        if row.get("delivered")? {
            return Ok(());
        }
        let link = self.link().ok_or(Error::NotConnected)?;
        let jws = self.sign_decision(&row.get::<Vec<u8>>("payload")?)?;
        match link.machine.deliver_decision(&jws).await.map_err(platform) {
            Ok(_) => {
                self.database().execute(statements::DECISION_DELIVERED, params![hash.to_string()]).await?;
                Ok(())
            }
            Err(Delivery::Refused(code)) => {
                self.decision_refused(hash, &code).await?;
                Err(Delivery::Refused(code))
            }
            Err(other) => Err(other),
        }
    }
}

impl KeyManager {
    /// Keeps and records that the platform refuses a decision. It still stands on its manifest, and may be sent again.
    async fn decision_refused(&self, hash: &Hash, code: &str) -> Result<(), Error> {
        let draft = self.own_record(Action::DECISION).refused(record_code(code));
        let mut append = self.journal().begin().await?;
        append.record(draft.detail("decision", hash.to_string())).await?;
        append.transaction().execute(statements::DECISION_REFUSED, params![hash.to_string(), code]).await?;
        append.commit().await
    }
}

fn later_or_refused(delivery: Delivery) -> DeliveryError {
    match delivery {
        Delivery::Later(why) => DeliveryError::Later(why),
        Delivery::Refused(why) => DeliveryError::Refused(why),
        Delivery::Broken(error) => DeliveryError::Later(error.to_string()),
    }
}
