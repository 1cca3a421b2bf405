//! An exchange of messages, as the platform carries it.

use std::time::Duration;

use sceau_element_api::keyring::{ContextOffer, FirstPart, SealedMessage};
use sceau_element_api::wire::Code;
use sceau_element_api::{CallError, Client};
use sceau_keyring::{Answer, Ask, Channel, Message, Statement, channel_id};
use sceau_trace::{Hash, sha256};

use super::stage::{Key, now};
use crate::house::ORIGIN;

/// An exchange of messages.
pub(super) struct Talk {
    pub(super) client: Client,
    pub(super) channel: Channel,
    pub(super) offer: ContextOffer,
    wrapped: Vec<u8>,
    pub(super) seq: u64,
    /// The environment that it says it runs in.
    pub(super) image: Option<Hash>,
    /// How often the same message was sent again, the element having said that it is busy.
    pub(super) again: usize,
}

impl Talk {
    pub(super) async fn begin(client: &Client) -> Self {
        let offer = client.keyring_context().await.unwrap();
        let (channel, wrapped) = Channel::begin(&offer, None).unwrap();
        Self { client: client.clone(), channel, offer, wrapped, seq: 1, image: Some(image()), again: 0 }
    }

    /// The next message, as the platform carries it.
    pub(super) fn message(&self, by: &Key, ask: Ask) -> SealedMessage {
        let message = Message {
            v: 1,
            aud: ORIGIN.to_owned(),
            channel: channel_id(&self.offer.channel).unwrap(),
            context: self.offer.id.clone(),
            seq: self.seq,
            time: now(),
            image: self.image,
            ask,
        };
        self.sealed(&message.sign(by).unwrap())
    }

    pub(super) fn sealed(&self, jws: &str) -> SealedMessage {
        let first = FirstPart { nonce: self.offer.nonce, wrapped: self.wrapped.clone().into() };
        SealedMessage {
            context: self.offer.id.clone(),
            seq: self.seq,
            first: (self.seq == 1).then_some(first),
            sealed: self.channel.seal_up(self.seq, jws).into(),
            address: None,
        }
    }

    pub(super) async fn carried(&mut self, message: SealedMessage) -> Answer {
        let answer = loop {
            match self.client.keyring(message.clone()).await {
                // In clear, where a turn is waited for: the same message may come again, as a terminal sends it.
                Err(CallError::Refused(refusal)) if refusal.code == Code::Busy => {
                    self.again += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                answer => break answer.unwrap(),
            }
        };
        assert_eq!(answer.seq, self.seq);
        self.seq += 1;
        self.channel.open_down(answer.seq, &answer.sealed).unwrap()
    }

    pub(super) async fn ask(&mut self, by: &Key, ask: Ask) -> Answer {
        let message = self.message(by, ask);
        self.carried(message).await
    }
}

/// The environment of the terminals of these tests.
pub(super) fn image() -> Hash {
    sha256(b"image")
}
