//! A step that was prepared on a connection's task: the writer judges it against the state as it is then.

use std::sync::Arc;

use sceau_element_api::keyring::RequestKind;
use sceau_element_api::wire::{Code, Version};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, PolicyId, TerminalId};
use sceau_trace::{Action, Hash};

use crate::event::TerminalBox;
use crate::state::ActorFact;

/// A step in the life of a keyring, whose message was verified.
#[derive(Debug)]
pub struct PreparedKeyring {
    /// The keyring.
    pub keyring: KeyringId,
    /// Who asks.
    pub by: By,
    /// What is done.
    pub act: KeyringAct,
}

/// Who signed the message.
#[derive(Debug)]
pub enum By {
    /// A registration authority.
    Authority(Arc<ActorFact>),
    /// Who has the activation code, and is bound to nothing.
    Factor,
    /// A terminal: this one, by the key of this thumbprint.
    Terminal(TerminalId, [u8; 32]),
}

/// Details of a record, by name.
pub type RecordDetails = Vec<(&'static str, String)>;

/// What is done.
#[derive(Debug)]
pub enum KeyringAct {
    /// It is made, under a policy.
    Make {
        /// The policy.
        policy: PolicyId,
        /// Its first version.
        row: NewRow,
    },
    /// It has a holder.
    Deliver {
        /// Its next version.
        row: NewRow,
        /// SHA-256 of the authority's statement.
        delivery: Hash,
    },
    /// Its holder has it.
    Activate {
        /// Its next version.
        row: NewRow,
        /// The box of the terminal.
        boxed: TerminalBox,
        /// SHA-256 of the holder's certificate; none for keyrings that only authenticate.
        certificate: Option<Hash>,
    },
    /// Who has the first factor has a wrong second one.
    WrongFactor {
        /// The version that blocks it, if this is the last of them.
        blocked: NewRow,
    },
    /// A PIN is tried.
    Attempt(RequestFact),
    /// It was wrong.
    Fail,
    /// It was right, and what was asked is refused.
    Deny {
        /// What it asked for.
        kind: RequestKind,
        /// SHA-256 of the request.
        request: Hash,
        /// Why.
        code: Code,
    },
    /// The holder signed, or showed who it is.
    Use {
        /// What was asked.
        request: RequestFact,
        /// The version that the consent names.
        version: Version,
        /// Where the box was that opened.
        opened: u64,
        /// The next one.
        boxed: Vec<u8>,
        /// What the record says of it.
        told: RecordDetails,
    },
}

/// A version that is to be attested.
#[derive(Debug)]
pub struct NewRow {
    /// The version that it follows.
    pub previous: Option<Version>,
    /// The exact bytes of the document.
    pub payload: Vec<u8>,
    /// What no platform reads.
    pub sealed: Vec<u8>,
}

/// A request that was verified.
#[derive(Debug, Clone)]
pub struct RequestFact {
    /// What it asks for.
    pub kind: RequestKind,
    /// Its id: it is used once.
    pub id: KeyringRequestId,
    /// SHA-256 of it.
    pub hash: Hash,
    /// Who asks.
    pub provider: KeyringActorId,
    /// Thumbprint of the key that signed it.
    pub signer: [u8; 32],
    /// Until when it is good, in Unix milliseconds.
    pub ends: u64,
}

impl RequestFact {
    /// What it is known again by: another provider's request of the same id is another.
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        let both = [self.provider.as_bytes().as_slice(), self.id.as_bytes()].concat();
        let mut key = [0; 16];
        key.iter_mut().zip(sceau_trace::sha256(&both).as_bytes()).for_each(|(place, byte)| *place = *byte);
        key
    }
}

impl KeyringAct {
    /// The action of its record.
    #[must_use]
    pub fn action(&self) -> Action {
        match self {
            Self::Make { .. } => Action::KEYRING_MAKE,
            Self::Deliver { .. } => Action::KEYRING_DELIVER,
            Self::Activate { .. } | Self::WrongFactor { .. } => Action::KEYRING_ACTIVATE,
            Self::Attempt(_) => Action::KEYRING_ATTEMPT,
            Self::Fail => Action::KEYRING_FAIL,
            Self::Deny { kind, .. } | Self::Use { request: RequestFact { kind, .. }, .. } => use_of(*kind),
        }
    }
}

/// The action of a use, or of its refusal.
pub(super) fn use_of(kind: RequestKind) -> Action {
    match kind {
        RequestKind::Authenticate => Action::KEYRING_AUTHENTICATE,
        _ => Action::KEYRING_SIGN,
    }
}
