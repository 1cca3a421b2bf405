//! A context from the side of who begins it: numbers, signatures, seals, and repetitions of the same bytes where the way breaks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sceau_crypto::KeyId;
use sceau_element_api::Nonce;
use sceau_element_api::keyring::{FirstPart, SealedAnswer, SealedMessage};
use sceau_keyring::{Answer, Ask, Channel, Message, Signs, Statement, channel_id};
use sceau_trace::Hash;

use super::Carries;
use crate::ClientError;

/// Seconds before each repetition of a message whose answer did not come. The element has the answer for five minutes: a front that starts again takes less.
const REPEATED_AFTER: [u64; 7] = [0, 1, 2, 4, 8, 15, 30];

/// What the element says in clear, before there is a context to seal it in, and what stands in front of it says of itself. Nothing else that comes unsealed is
/// believed to be a refusal: whoever carries could say that a keyring is blocked.
const IN_CLEAR: [&str; 5] = ["busy", "unavailable", "context_unknown", "too_large", "not_a_sceau_server"];

/// A context under way.
#[derive(Debug)]
pub struct Conversation<'a, C> {
    carrier: &'a C,
    origin: String,
    sealed_to: KeyId,
    channel: Channel,
    nonce: Nonce,
    wrapped: Vec<u8>,
    seq: u64,
    image: Option<Hash>,
}

impl<'a, C: Carries> Conversation<'a, C> {
    /// Begins one with the element of this log, and of no other channel key than the pinned one.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] where it is another element, or who carries refuses; as [`crate::Server::post`].
    pub async fn open(carrier: &'a C, origin: &str, pinned: KeyId) -> Result<Self, ClientError> {
        let offer = carrier.context().await.map_err(in_clear)?;
        let (channel, wrapped) = Channel::begin(&offer, Some(pinned))?;
        let (origin, sealed_to) = (origin.to_owned(), channel_id(&offer.channel)?);
        Ok(Self { carrier, origin, sealed_to, channel, nonce: offer.nonce, wrapped, seq: 0, image: None })
    }

    /// As a bound terminal, in this environment: each message says it.
    #[must_use]
    pub(crate) fn within(self, image: Hash) -> Self {
        Self { image: Some(image), ..self }
    }

    /// The context's nonce, which consents name.
    #[must_use]
    pub fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// Its channel.
    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Asks, and gives the answer; where the way breaks the same bytes are sent again, for a minute, and do the same thing once.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the code of the element, which came sealed; [`ClientError::InClear`] and [`ClientError::Unproven`] of who carries; [`ClientError::Signs`];
    /// as [`crate::Server::post`].
    pub async fn ask(&mut self, signer: &dyn Signs, ask: Ask) -> Result<Answer, ClientError> {
        match self.hear(signer, ask).await? {
            Answer::Refused(refusal) => Err(refusal.into()),
            answer => Ok(answer),
        }
    }

    /// The same, where it matters who refuses: [`Answer::Refused`] is the element's own word, sealed; an error is whoever's who carries.
    pub(crate) async fn hear(&mut self, signer: &dyn Signs, ask: Ask) -> Result<Answer, ClientError> {
        self.seq += 1;
        let context = self.channel.id().into();
        let (seq, time, image) = (self.seq, now(), self.image);
        let message = Message {
            v: 1,
            aud: self.origin.clone(),
            channel: self.sealed_to,
            context,
            seq,
            time,
            image,
            ask,
        };
        let jws = zeroize::Zeroizing::new(message.sign(signer)?);
        let first = (seq == 1).then(|| FirstPart { nonce: self.nonce, wrapped: self.wrapped.clone().into() });
        let sealed = self.channel.seal_up(seq, &jws).into();
        let message = SealedMessage { context: self.channel.id().into(), seq, first, sealed, address: None };
        let answer = self.carried(&message).await.map_err(in_clear)?;
        Ok(self.channel.open_down(seq, &answer.sealed)?)
    }

    /// Has the message carried. What it does may be done already: as long as the element has the answer, that is asked for.
    async fn carried(&self, message: &SealedMessage) -> Result<SealedAnswer, ClientError> {
        let mut answer = self.carrier.message(message).await;
        for seconds in REPEATED_AFTER {
            match answer {
                Err(error) if error.is_passing() => {
                    self.carrier.pause(Duration::from_secs(seconds)).await;
                    answer = self.carrier.message(message).await;
                }
                answer => return answer,
            }
        }
        answer
    }
}

/// What came unsealed: the word of who carries, whatever it claims.
fn in_clear(error: ClientError) -> ClientError {
    let ClientError::Refused { status, code, detail } = error else { return error };
    let says = format!("whoever carries the messages refused, not the element, and says: {detail}");
    if IN_CLEAR.contains(&code.as_str()) {
        ClientError::InClear { status, code, detail: says }
    } else {
        ClientError::Unproven(format!("{says} ({code})"))
    }
}

/// Unix milliseconds, as this machine has them.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
