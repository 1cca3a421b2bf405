//! An exchange of messages with somebody who is known: what seals them, which was the last, and what may come.

use std::sync::Arc;

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::{KeyringAlgorithm, SealedAnswer};
use sceau_element_api::{Base64Url, KeyringId, Nonce, TerminalId};
use sceau_keyring::{Begun, Channel, Request};
use sceau_trace::Hash;

use super::RequestFact;

/// The longest answer that is kept where nothing was done yet: who is shown a keyring begins another exchange where a longer one was lost.
pub(super) const LONGEST_SHOWN: usize = 16 * 1024;

/// A context that was begun.
#[derive(Debug)]
pub(super) struct Context {
    /// What seals its messages.
    pub channel: Channel,
    /// The nonce of its offer.
    pub nonce: Nonce,
    /// Thumbprint of who signs in it.
    pub signer: [u8; 32],
    /// That one's key.
    pub spki: Vec<u8>,
    /// The same, read, once a message verified under it.
    pub key: Option<Arc<PublicJwk>>,
    /// The environment that it was bound in, where it is a bound terminal.
    pub image: Option<Hash>,
    /// The number of the next message.
    pub next: u64,
    /// The last one, and its answer.
    pub last: Option<Last>,
    /// What may come.
    pub stage: Stage,
    /// Whether it is known to be over.
    pub ended: bool,
}

impl Context {
    /// Keeps the answer to its last message, and what may come. What was done is not asked for anew, so its answer is kept however long it is.
    pub(super) fn answered(&mut self, last: Last, stage: Stage) {
        let shown = matches!(stage, Stage::Activating(_));
        self.next = last.answer.seq + 1;
        self.last = Some(last).filter(|last| !shown || last.answer.sealed.len() <= LONGEST_SHOWN);
        self.stage = stage;
    }

    /// Bytes that it keeps.
    pub(super) fn kept(&self) -> usize {
        let answer = self.last.as_ref().map_or(0, |last| last.answer.sealed.len());
        let request = match &self.stage {
            // What was read of it is about as long.
            Stage::Trying(trying) => 2 * trying.asks.jws.len(),
            _ => 0,
        };
        answer + request
    }
}

/// A message that was answered.
#[derive(Debug)]
pub(super) struct Last {
    /// SHA-256 of its sealed bytes.
    pub digest: Hash,
    /// The answer.
    pub answer: SealedAnswer,
}

/// What may come in a context.
#[derive(Debug)]
pub(super) enum Stage {
    /// What an actor asks.
    Actor,
    /// That a terminal confirms.
    Activating(Box<Activating>),
    /// That a terminal proves a PIN.
    Trying(Box<Trying>),
    /// Nothing.
    Over,
}

/// What was shown to a terminal that activates.
#[derive(Debug)]
pub(super) struct Activating {
    pub keyring: KeyringId,
    pub terminal: TerminalId,
    pub key: [u8; 16],
    /// What key will be made; none where there is none.
    pub algorithm: Option<KeyringAlgorithm>,
    pub identity: Hash,
    pub policy: Hash,
}

/// A request that was verified, and who signed it. Whether it may be asked is judged anew where it counts.
#[derive(Debug)]
pub(super) struct Asked {
    pub jws: String,
    pub request: Request,
    pub fact: RequestFact,
}

/// An attempt that was begun.
#[derive(Debug)]
pub(super) struct Trying {
    pub keyring: KeyringId,
    pub terminal: TerminalId,
    pub asks: Asked,
    pub begun: Begun,
    pub ke1: Base64Url,
    pub ke2: Vec<u8>,
    /// Whether the face is asked for.
    pub face: bool,
}
