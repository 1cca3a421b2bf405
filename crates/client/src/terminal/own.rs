//! What a holder asks of their own keyring, on a terminal: signed by the terminal, and by no provider.

use sceau_element_api::documents::Document as _;
use sceau_element_api::keyring::{KeyringPolicy, RequestKind};
use sceau_element_api::{KeyringActorId, KeyringRequestId, TerminalId};
use sceau_keyring::{ItemHash, Request, Signs as _, Statement as _, thumbprint};
use sceau_trace::Hash;

use super::keeps::DeviceKey;
use super::refused;
use super::sign::{ToApprove, Warned};
use super::state::Others;
use super::storage::Kept;
use crate::ClientError;
use crate::keyring::now;

/// How long the holder has to read and type, in ms.
const LASTS: u64 = 300_000;

/// What is asked.
pub(super) struct OwnAsk<'a> {
    pub(super) kind: RequestKind,
    /// In words, which the proof of it has the hash of.
    pub(super) words: &'a str,
    /// Which terminal is taken off, where one is.
    pub(super) terminal: Option<TerminalId>,
}

impl Kept {
    /// The policy that the terminal was bound under.
    pub(super) fn policy(&self) -> Result<KeyringPolicy, ClientError> {
        let damaged = |_| refused("terminal_damaged", "what the terminal keeps cannot be read");
        Ok(KeyringPolicy::parse(&self.policy).map_err(damaged)?.document)
    }

    /// What the holder asks of their own keyring, signed by the terminal.
    pub(super) fn asks(
        &self,
        device: &DeviceKey,
        asked: &OwnAsk<'_>,
    ) -> Result<(String, ToApprove), ClientError> {
        let time = now();
        let request = Request {
            v: 1,
            request: KeyringRequestId::random(),
            provider: KeyringActorId::of_holder(self.keyring),
            keyring: self.keyring,
            kind: asked.kind,
            description: asked.words.to_owned(),
            items: Vec::new(),
            hash: ItemHash::Sha256,
            algorithm: None,
            aud: self.origin.clone(),
            time,
            ends: time.saturating_add(LASTS),
            nonce: None,
            terminal: asked.terminal,
        };
        let key = Hash::new(thumbprint(device.spki()).ok_or(ClientError::Answer)?);
        let jws = request.sign(device)?;
        let asked = ToApprove {
            provider: self.policy()?.name,
            request,
            told: Vec::new(),
            certificates: self.certificates(),
            others: Others::default(),
            added: Vec::new(),
            warned: Warned::Joins,
            key,
        };
        Ok((jws, asked))
    }
}
