//! A context from the side of who begins it: numbers, signatures, seals, and one repetition of the same bytes where the way breaks.

use std::time::{SystemTime, UNIX_EPOCH};

use sceau_crypto::KeyId;
use sceau_element_api::Nonce;
use sceau_element_api::keyring::{FirstPart, SealedMessage};
use sceau_keyring::{Answer, Ask, Channel, Message, Signs, Statement, channel_id};

use super::Carries;
use crate::ClientError;

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
}

impl<'a, C: Carries> Conversation<'a, C> {
    /// Begins one with the element of this log, and of no other channel key than the pinned one.
    ///
    /// # Errors
    /// [`ClientError::Unproven`] where it is another element; as [`crate::Server::post`].
    pub async fn open(carrier: &'a C, origin: &str, pinned: KeyId) -> Result<Self, ClientError> {
        let offer = carrier.context().await?;
        let (channel, wrapped) = Channel::begin(&offer, Some(pinned))?;
        let (origin, sealed_to) = (origin.to_owned(), channel_id(&offer.channel)?);
        Ok(Self { carrier, origin, sealed_to, channel, nonce: offer.nonce, wrapped, seq: 0 })
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

    /// Asks, and gives the answer; where the way breaks the same bytes are sent once more, and do the same thing once.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the code of the element, or of who carries; [`ClientError::Unproven`]; [`ClientError::Signs`]; as [`crate::Server::post`].
    pub async fn ask(&mut self, signer: &dyn Signs, ask: Ask) -> Result<Answer, ClientError> {
        match self.hear(signer, ask).await? {
            Answer::Refused(refusal) => Err(refusal.into()),
            answer => Ok(answer),
        }
    }

    /// The same, where it matters who refuses: [`Answer::Refused`] is the element's own word, sealed; [`ClientError::Refused`] is whoever's who carries.
    pub(crate) async fn hear(&mut self, signer: &dyn Signs, ask: Ask) -> Result<Answer, ClientError> {
        self.seq += 1;
        let context = self.channel.id().into();
        let (seq, time) = (self.seq, now());
        let message =
            Message { v: 1, aud: self.origin.clone(), channel: self.sealed_to, context, seq, time, ask };
        let jws = zeroize::Zeroizing::new(message.sign(signer)?);
        let first = (seq == 1).then(|| FirstPart { nonce: self.nonce, wrapped: self.wrapped.clone().into() });
        let sealed = self.channel.seal_up(seq, &jws).into();
        let message = SealedMessage { context: self.channel.id().into(), seq, first, sealed, address: None };
        let answer = match self.carrier.message(&message).await {
            Err(error) if error.is_passing() => self.carrier.message(&message).await?,
            answer => answer?,
        };
        Ok(self.channel.open_down(seq, &answer.sealed)?)
    }
}

/// Unix milliseconds.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
