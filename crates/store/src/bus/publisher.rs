//! Publishing under confirms. Each message in flight has a channel of its own.
//!
//! The library pairs a returned message with whichever confirm comes next on its channel, so that with several in flight the one that
//! no queue took could pass for delivered. One in flight per channel leaves nothing to confuse.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Short, PoisonError};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ErrorKind};
use tokio::sync::Mutex;

use super::{Broker, Company, EXCHANGE, MESSAGE_TYPE};
use crate::{Absences, Clock, DeliveryError};

/// `delivery_mode` of a message that survives the broker's restart.
const PERSISTENT: u8 = 2;
/// What publishes to every company, one connection for each virtual host. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    broker: Arc<Broker>,
    clock: Arc<dyn Clock>,
    links: Arc<Short<HashMap<Company, Arc<Link>>>>,
    absences: Arc<Absences>,
}

/// The connection to a virtual host, and its channels that wait for work.
#[derive(Default)]
struct Link {
    connection: Mutex<Option<Connection>>,
    idle: Short<Vec<Channel>>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Publisher({:?})", self.broker)
    }
}

impl Publisher {
    /// Connects when there is something to publish.
    pub fn new(broker: Arc<Broker>, clock: Arc<dyn Clock>) -> Self {
        Self { broker, clock, links: Arc::default(), absences: Arc::default() }
    }

    /// Puts JSON into the company's queue; returns once the broker holds it on a majority of its disks. `id` is the same at each repetition.
    ///
    /// # Errors
    /// [`DeliveryError::Away`]: broker away, queue full. [`DeliveryError::Refused`]: no queue takes it, or the broker no message of this size, which
    /// only a person can mend.
    pub async fn publish(&self, company: &Company, id: &str, body: &[u8]) -> Result<(), DeliveryError> {
        let link = self.link(company);
        let channel = link.channel(self, company).await?;
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let properties = properties(company, id);
        let confirm = channel.basic_publish(EXCHANGE.into(), "".into(), options, body, properties).await;
        let confirmation = match confirm {
            Ok(confirm) => confirm.await.map_err(|error| failed(&error))?,
            Err(error) => return Err(failed(&error)),
        };
        // Whoever is dropped in between drops the channel too: it is never used again with a confirm still to come.
        link.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
        match confirmation {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(DeliveryError::Refused(format!(
                "no queue takes {}: provision the bus",
                company.put_type()
            ))),
            Confirmation::Nack(None) => {
                Err(DeliveryError::Away("the queue is full, or the broker cannot keep it".into()))
            }
            Confirmation::NotRequested => Err(DeliveryError::Away("the broker confirms nothing".into())),
        }
    }

    /// # Errors
    /// Why the broker was away a moment ago.
    fn unless_away(&self, company: &Company) -> Result<(), DeliveryError> {
        match self.absences.of(company.as_str(), self.clock.now_ms()) {
            Some(why) => Err(DeliveryError::Away(why)),
            None => Ok(()),
        }
    }

    fn link(&self, company: &Company) -> Arc<Link> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(links.entry(company.clone()).or_default())
    }
}

impl Link {
    /// A channel on which nothing is in flight.
    async fn channel(&self, publisher: &Publisher, company: &Company) -> Result<Channel, DeliveryError> {
        while let Some(channel) = self.next_idle() {
            if channel.status().connected() {
                return Ok(channel);
            }
        }
        publisher.unless_away(company)?;
        let mut connection = self.connection.lock().await;
        // Many wait here while one tries: they are told what it found.
        publisher.unless_away(company)?;
        let living = connection.take().filter(|connection| connection.status().connected());
        let living = match living {
            Some(living) => living,
            None => publisher.broker.connect(&company.vhost()).await.map_err(|error| {
                let why = error.to_string();
                publisher.absences.note(company.as_str(), publisher.clock.now_ms(), &why);
                DeliveryError::Away(why)
            })?,
        };
        let channel = living.create_channel().await;
        *connection = Some(living);
        let channel = channel.map_err(|error| failed(&error))?;
        let selected = channel.confirm_select(ConfirmSelectOptions::default()).await;
        selected.map_err(|error| failed(&error))?;
        Ok(channel)
    }

    fn next_idle(&self) -> Option<Channel> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

fn properties(company: &Company, id: &str) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(MESSAGE_TYPE.into(), AMQPValue::LongString(company.put_type().into()));
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_message_id(id.into())
        .with_headers(headers)
}

/// Says what the broker said: names of queues and hosts, nothing of a message. What it says of this message alone is for good.
fn failed(error: &lapin::Error) -> DeliveryError {
    let of_this_one = match error.kind() {
        ErrorKind::ProtocolError(said) => matches!(
            said.kind(),
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED | AMQPSoftError::NOTFOUND)
        ),
        _ => false,
    };
    if of_this_one {
        DeliveryError::Refused(error.to_string())
    } else {
        DeliveryError::Away(error.to_string())
    }
}
