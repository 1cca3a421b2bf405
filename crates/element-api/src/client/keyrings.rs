//! What is asked of the element for keyrings.

use super::{CallError, Client, answer};
use crate::keyring::{ContextOffer, KeyringsAbout, SealedAnswer, SealedMessage};
use crate::wire::{Request, Response};

impl Client {
    /// What a context of messages is begun with.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn keyring_context(&self) -> Result<ContextOffer, CallError> {
        answer!(self, Request::KeyringContext, Response::KeyringContext(offer) => offer)
    }

    /// Hands a sealed message over. What it changes is durable once this returns.
    ///
    /// # Errors
    /// [`CallError`]; after [`CallError::Broken`] or [`CallError::Deadline`] the same message may be handed over again.
    pub async fn keyring(&self, message: SealedMessage) -> Result<SealedAnswer, CallError> {
        answer!(self, Request::Keyring(Box::new(message)), Response::Keyring(answer) => answer)
    }

    /// What anybody may know of the element's part in keyrings.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn keyrings_about(&self) -> Result<KeyringsAbout, CallError> {
        answer!(self, Request::KeyringsAbout, Response::KeyringsAbout(about) => *about)
    }
}
