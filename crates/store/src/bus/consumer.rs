//! Reading a company's replies, each acknowledged once its verdict is durable.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;

use super::{Broker, BusError, Company};

/// First and longest pause before the broker is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Messages that the broker sends ahead of their acknowledgement, of each queue: one in hand, one on its way. A hostile sender's may be as large
/// as the broker takes.
const AHEAD: u16 = 2;

/// A reply as it came, from the queue of `company`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Whose queue it came from: the broker let nobody else write there.
    pub company: Company,
    /// The login that sent it, where the sender said so: the broker checked that it is true.
    pub user_id: Option<String>,
    /// Whether it was handed over before: the verdict may already be there.
    pub redelivered: bool,
    /// Whether it was put aside: only to be kept where a person sees it.
    pub put_aside: bool,
    /// The bytes.
    pub body: Vec<u8>,
}

/// What became of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable, be it a decision or a refusal: never to be seen again.
    Settled,
    /// It was not looked at: its company has to wait for so long, and this reply with it, before any other.
    Later(Duration),
    /// Our own side is away: to be seen again, after a pause, before any other.
    Again,
    /// It cannot be settled, and the others must not wait for it: the broker puts it aside, and hands it over once more as
    /// [`Received::put_aside`].
    Aside,
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
        let replies =
            self.queue(&channel, &self.company.status_queue()).await?.map(|reply| Some((reply, false)));
        let aside = self.queue(&channel, &self.company.dead_queue()).await?.map(|reply| Some((reply, true)));
        // Either one's end is the end: a queue that was taken away is asked for again.
        let ended = || futures::stream::once(std::future::ready(None));
        let mut all = futures::stream::select(replies.chain(ended()), aside.chain(ended()));
        *pause = self.pauses.0;
        while let Some(Some((delivery, put_aside))) = all.next().await {
            let delivery = delivery?;
            let mut received = Received { put_aside, ..self.received(&delivery) };
            let mut wait = self.pauses.0;
            loop {
                match settle(received.clone()).await {
                    Verdict::Settled => {
                        delivery.ack(BasicAckOptions::default()).await?;
                        break;
                    }
                    Verdict::Aside => {
                        delivery.nack(BasicNackOptions::default()).await?;
                        break;
                    }
                    Verdict::Later(pause) => {
                        tokio::time::sleep(pause).await;
                        if !channel.status().connected() {
                            return Ok(());
                        }
                        continue;
                    }
                    // Kept in hand, so that its order among the company's replies is kept, and the broker does not count it as poison.
                    Verdict::Again => tokio::time::sleep(wait).await,
                }
                if !channel.status().connected() {
                    return Ok(());
                }
                received.redelivered = true;
                wait = (wait * 2).min(self.pauses.1);
            }
        }
        Ok(())
    }

    async fn queue(&self, channel: &Channel, queue: &str) -> Result<lapin::Consumer, BusError> {
        let options = BasicConsumeOptions::default();
        Ok(channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?)
    }

    fn received(&self, delivery: &Delivery) -> Received {
        Received {
            company: self.company.clone(),
            user_id: delivery.properties.user_id().as_ref().map(ToString::to_string),
            redelivered: delivery.redelivered,
            put_aside: false,
            body: delivery.data.clone(),
        }
    }
}
