//! Between the outbox, the bus and the subscriptions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use sceau_store::bus::{Broker, Company, Consumer, Publisher, Received, Verdict};
use sceau_store::{DeliveryError, Handler, Message, RateLimiter};
use tokio::sync::watch;

use super::settling::{Unsettled, is_passing};
use super::{Announced, REPLY_TOPIC, Subscriptions};
use crate::guard::REFUSED_REPLIES;

/// The topic of messages for companies' queues in the outbox.
pub const BUS_TOPIC: &str = "mob_bus";

/// Between two looks whether a person has room for one more reply of a company.
const UNTIL_SOMEBODY_LOOKS: Duration = Duration::from_secs(60);

/// What publishes for the companies and settles what they answer.
#[derive(Debug, Clone)]
pub struct ReplyDesk {
    broker: Arc<Broker>,
    publisher: Publisher,
    subscriptions: Subscriptions,
    /// The companies and their logins.
    companies: Arc<[(Company, String)]>,
    refusals: Arc<Refusals>,
}

/// How often companies were refused of late, each by itself: one that floods waits, with all of its replies, and no other.
#[derive(Debug)]
struct Refusals {
    limiter: RateLimiter<Company>,
    /// Until when the next reply of a company waits, in Unix milliseconds.
    until: Mutex<HashMap<Company, u64>>,
}

impl Refusals {
    fn of(companies: usize) -> Self {
        Self { limiter: RateLimiter::new(companies), until: Mutex::default() }
    }

    /// Counts one more.
    fn count(&self, company: &Company, now_ms: u64) {
        if let Err(wait_ms) = self.limiter.take(company, REFUSED_REPLIES, now_ms) {
            let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            until.insert(company.clone(), now_ms.saturating_add(wait_ms));
        }
    }

    /// For how long a company has to wait now.
    fn wait(&self, company: &Company, now_ms: u64) -> Option<Duration> {
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.get(company)?.checked_sub(now_ms).filter(|left| *left > 0)?;
        Some(Duration::from_millis(left))
    }
}

impl ReplyDesk {
    /// For these companies, each with the name of its login.
    pub fn new(broker: Arc<Broker>, subscriptions: Subscriptions, companies: Vec<(Company, String)>) -> Self {
        let publisher = Publisher::new(Arc::clone(&broker), Arc::clone(&subscriptions.clock));
        let refusals = Arc::new(Refusals::of(companies.len()));
        Self { broker, publisher, subscriptions, companies: companies.into(), refusals }
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
        let (company, now) = (&received.company, self.subscriptions.clock.now_ms());
        if let Some(wait) = self.refusals.wait(company, now) {
            return Verdict::Later(wait);
        }
        if received.put_aside {
            // Its company may write there by name: such a letter counts as a refused reply.
            self.refusals.count(company, now);
            return match self.subscriptions.put_aside(&received).await {
                Ok(true) => Verdict::Settled,
                Ok(false) => {
                    tracing::error!(%company, "its replies wait until a person has looked at those that were put aside");
                    Verdict::Later(UNTIL_SOMEBODY_LOOKS)
                }
                Err(error) => {
                    tracing::error!(%company, %error, "a reply that was put aside cannot be kept now");
                    Verdict::Again
                }
            };
        }
        match self.subscriptions.settle(&received, login).await {
            Ok(None) => Verdict::Settled,
            Ok(Some(error)) => {
                self.refusals.count(company, now);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_company_that_is_refused_too_often_waits_and_no_other() {
        let refusals = Refusals::of(2);
        let [loud, quiet]: [Company; 2] = ["loud", "quiet"].map(|name| name.parse().unwrap());
        for _ in 0..REFUSED_REPLIES.burst {
            assert_eq!(refusals.wait(&loud, 5), None);
            refusals.count(&loud, 5);
        }
        refusals.count(&loud, 5);
        assert_eq!(refusals.wait(&loud, 5), Some(Duration::from_secs(2)));
        assert_eq!(refusals.wait(&quiet, 5), None);
        assert_eq!(refusals.wait(&loud, 2_005), None);
        refusals.count(&loud, 2_005);
        refusals.count(&loud, 2_005);
        assert_eq!(refusals.wait(&loud, 2_005), Some(Duration::from_secs(2)), "two in two seconds");
    }
}
