//! Reading a company's replies, each acknowledged once its verdict is durable.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;

use super::{Broker, BusError, Company};

/// First and longest pause before the broker is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Messages that the broker sends ahead of their acknowledgement.
const AHEAD: u16 = 16;

/// A reply as it came, from the queue of `company`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose queue it came from: the broker let nobody else write there.
    pub company: Company,
    /// The login that sent it, where the sender said so: the broker checked that it is true.
    pub user_id: Option<String>,
    /// Whether the broker sent it before: the verdict may already be there.
    pub redelivered: bool,
    /// The bytes.
    pub body: Vec<u8>,
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable, be it a decision or a refusal: never to be seen again.
    Settled,
    /// Our own side failed: to be seen again, after a pause.
    Again,
}

/// Consumes the replies of one company, across the broker's absences.
#[derive(Debug)]
pub struct Consumer {
    broker: Arc<Broker>,
    company: Company,
    pauses: (Duration, Duration),
}

impl Consumer {
    /// For this company.
    pub fn new(broker: Arc<Broker>, company: Company) -> Self {
        Self { broker, company, pauses: PAUSES }
    }

    /// Pauses for so long, always, before the broker is tried again.
    #[must_use]
    pub fn pausing(self, pause: Duration) -> Self {
        Self { pauses: (pause, pause), ..self }
    }

    /// Hands each reply to `settle`, in order, until `stop` resolves.
    pub async fn run<F, R>(&self, settle: F, stop: impl Future<Output = ()>)
    where
        F: Fn(Received) -> R + Send + Sync,
        R: Future<Output = Verdict> + Send,
    {
        tokio::pin!(stop);
        let mut pause = self.pauses.0;
        loop {
            tokio::select! {
                () = &mut stop => return,
                ended = self.consume(&settle, &mut pause) => match ended {
                    Ok(()) => tracing::warn!(company = %self.company, "the bus ended the connection"),
                    Err(error) => tracing::warn!(company = %self.company, %error, "replies wait"),
                },
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(self.pauses.1),
            }
        }
    }

    /// Consumes on one connection until it ends.
    async fn consume<F, R>(&self, settle: &F, pause: &mut Duration) -> Result<(), BusError>
    where
        F: Fn(Received) -> R + Send + Sync,
        R: Future<Output = Verdict> + Send,
    {
        let connection = self.broker.connect(&self.company.vhost()).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(AHEAD, BasicQosOptions::default()).await?;
        let (queue, options) = (self.company.status_queue(), BasicConsumeOptions::default());
        let mut replies =
            channel.basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default()).await?;
        *pause = self.pauses.0;
        while let Some(delivery) = replies.next().await {
            let delivery = delivery?;
            match settle(self.received(&delivery)).await {
                Verdict::Settled => drop(delivery.ack(BasicAckOptions::default()).await?),
                Verdict::Again => {
                    // Its order among the company's replies is kept, and the broker counts how often it came.
                    let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
                    delivery.nack(options).await?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn received(&self, delivery: &Delivery) -> Received {
        Received {
            company: self.company.clone(),
            user_id: delivery.properties.user_id().as_ref().map(ToString::to_string),
            redelivered: delivery.redelivered,
            body: delivery.data.clone(),
        }
    }
}
