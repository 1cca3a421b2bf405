//! What is asked of the element for keyrings.

use super::{CallError, Client, answer};
use crate::KeyringId;
use crate::keyring::{
    AwaitedCertificate, BroughtCertificate, ContextOffer, KeyringsAbout, SealedAnswer, SealedMessage,
};
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

    /// Keyrings that wait for a certificate of an authority outside, after this one in the order of their ids: at most [`MOST_AWAITED`](crate::keyring::MOST_AWAITED).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn awaited_certificates(
        &self,
        after: Option<KeyringId>,
    ) -> Result<Vec<AwaitedCertificate>, CallError> {
        answer!(self, Request::AwaitedCertificates { after }, Response::AwaitedCertificates(awaited) => awaited)
    }

    /// Brings what an authority outside answered for a keyring, and returns where it is on record. Durable once it returns.
    ///
    /// # Errors
    /// [`CallError`]; refused with `certificate_invalid` where it is not this keyring's, `keyring_phase` where that waits for none.
    pub async fn bring_certificate(&self, brought: BroughtCertificate) -> Result<u64, CallError> {
        answer!(self, Request::BringCertificate(Box::new(brought)), Response::Appended { index } => index)
    }
}
