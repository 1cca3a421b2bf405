//! Between the outbox, the bus and the subscriptions.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use sceau_store::bus::{Broker, Company, Consumer, Publisher, Received, Verdict};
use sceau_store::{DeliveryError, Handler, Message};
use tokio::sync::watch;

use super::{Announced, Subscriptions};

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
        let publisher = Publisher::new(Arc::clone(&broker));
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
        match self.subscriptions.settle(&received, Some(login)).await {
            Ok(None) => Verdict::Settled,
            Ok(Some(error)) => {
                tracing::warn!(%company, code = error.code, property = error.property, "a reply was refused");
                Verdict::Settled
            }
            Err(error) => {
                tracing::error!(%company, %error, "a reply cannot be settled now");
                Verdict::Again
            }
        }
    }
}

/// Publishes what transactions left for companies.
impl Handler for ReplyDesk {
    fn deliver(&self, message: Message) -> BoxFuture<'_, Result<(), DeliveryError>> {
        Box::pin(async move {
            let Announced { company, message: body } = message.parse()?;
            self.publisher.publish(&company, &message.id, body.as_bytes()).await
        })
    }
}
