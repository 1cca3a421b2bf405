//! What carries messages to the element: HTTP to a platform, or a test.

use std::future::Future;
use std::time::Duration;

use sceau_element_api::keyring::{ContextOffer, SealedAnswer, SealedMessage};
use sceau_element_api::wire::{Attest, AttestedRow};
use sceau_keyring::places;

use crate::{ClientError, Server};

/// A way to the element. It is believed of nothing: what it alters does not open, what it swaps is not signed.
pub trait Carries {
    /// Begins a context.
    ///
    /// # Errors
    /// As [`Server::post`].
    fn context(&self) -> impl Future<Output = Result<ContextOffer, ClientError>>;

    /// Carries a message, and its answer back.
    ///
    /// # Errors
    /// As [`Server::post`].
    fn message(&self, message: &SealedMessage) -> impl Future<Output = Result<SealedAnswer, ClientError>>;

    /// Has a document of the security officer attested.
    ///
    /// # Errors
    /// As [`Server::post`].
    fn attest(&self, attest: Attest) -> impl Future<Output = Result<AttestedRow, ClientError>>;

    /// Lets so much time pass before the same message is carried again.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> {
        tokio::time::sleep(time)
    }
}

impl Carries for Server {
    async fn context(&self) -> Result<ContextOffer, ClientError> {
        self.post(places::CONTEXTS, &serde_json::json!({})).await
    }

    async fn message(&self, message: &SealedMessage) -> Result<SealedAnswer, ClientError> {
        self.post(places::MESSAGES, message).await
    }

    async fn attest(&self, attest: Attest) -> Result<AttestedRow, ClientError> {
        self.post(places::DOCUMENTS, &attest).await
    }
}
