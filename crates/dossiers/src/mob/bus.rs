//! Between the outbox, the bus and the subscriptions.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use sceau_store::bus::{Broker, Company, Consumer, Publisher, Received, Verdict};
use sceau_store::{DeliveryError, Handler, Message};
use tokio::sync::watch;

use super::settling::{Unsettled, is_passing};
use super::{Announced, REPLY_TOPIC, Subscriptions};

/// The topic of messages for companies' queues in the outbox.
pub const BUS_TOPIC: &str = "mob_bus";

/// What publishes for the companies and settles what they answer.
#[derive(Debug, Clone)]
pub struct ReplyDesk {
    broker: Arc<Broker>,
    publisher: Publisher,
    subscriptions: Subscriptions,
    /// The companies and their logins.
    companies: Arc<[(Company, String)]>,
}

impl ReplyDesk {
    /// For these companies, each with the name of its login.
    pub fn new(broker: Arc<Broker>, subscriptions: Subscriptions, companies: Vec<(Company, String)>) -> Self {
        let publisher = Publisher::new(Arc::clone(&broker), Arc::clone(&subscriptions.clock));
        Self { broker, publisher, subscriptions, companies: companies.into() }
    }

    /// Consumes every company's replies, until `stop` says so or is dropped.
    pub async fn run(&self, stop: &watch::Receiver<bool>) {
        let running = self.companies.iter().map(|(company, login)| {
            let consumer = Consumer::new(Arc::clone(&self.broker), company.clone());
            let mut stop = stop.clone();
            let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
            async move { consumer.run(|received| self.settle(received, login), stopped).await }
        });
        join_all(running).await;
    }

    async fn settle(&self, received: Received, login: &str) -> Verdict {
        let company = &received.company;
        if received.put_aside {
            return match self.subscriptions.put_aside(&received).await {
                Ok(()) => Verdict::Settled,
                Err(error) => {
                    tracing::error!(%company, %error, "a reply that was put aside cannot be kept now");
                    Verdict::Again
                }
            };
        }
        match self.subscriptions.settle(&received, login).await {
            Ok(None) => Verdict::Settled,
            Ok(Some(error)) => {
                tracing::warn!(%company, code = error.code, property = error.property, "a reply was refused");
                Verdict::Settled
            }
            Err(fault) if is_passing(&fault) => {
                tracing::error!(%company, %fault, "a reply cannot be settled now");
                Verdict::Again
            }
            Err(fault) => {
                tracing::error!(%company, %fault, "a reply cannot be settled");
                Verdict::Aside
            }
        }
    }

    async fn publish(&self, message: &Message) -> Result<(), DeliveryError> {
        let Announced { company, message: body } = message.parse()?;
        self.publisher.publish(&company, &message.id, body.as_bytes()).await
    }

    /// Settles a reply that a person has tried again.
    async fn replay(&self, message: &Message) -> Result<(), DeliveryError> {
        let Unsettled { company, user_id, body } = message.parse()?;
        let login = self.companies.iter().find(|(known, _)| *known == company).map(|(_, login)| login);
        let login = login.ok_or_else(|| DeliveryError::Refused(format!("{company} is not on the bus")))?;
        let received = Received { company, user_id, redelivered: true, put_aside: false, body: body.0 };
        match self.subscriptions.settle(&received, login).await {
            Ok(_) => Ok(()),
            Err(fault) if is_passing(&fault) => Err(DeliveryError::Away(fault.to_string())),
            Err(fault) => Err(DeliveryError::Refused(fault.to_string())),
        }
    }
}

/// Publishes what transactions left for companies ([`BUS_TOPIC`]), and settles replies that a person has tried again ([`REPLY_TOPIC`]).
impl Handler for ReplyDesk {
    fn deliver(&self, message: Message) -> BoxFuture<'_, Result<(), DeliveryError>> {
        Box::pin(async move {
            if message.topic == REPLY_TOPIC {
                self.replay(&message).await
            } else {
                self.publish(&message).await
            }
        })
    }
}
