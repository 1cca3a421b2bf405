//! A step that was prepared on a connection's task: the writer judges it against the state as it is then.

use std::sync::Arc;

use sceau_element_api::keyring::{DestroyReason, RequestKind, ResumeReason, SuspendReason};
use sceau_element_api::wire::{Code, Version};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, PolicyId, TerminalId};
use sceau_keyring::ProvenBy;
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
    /// Who has the activation code, or a roaming code, and is bound to nothing.
    Factor,
    /// Nobody here: an authority outside, in its signature.
    Outside,
    /// Support.
    Support(Arc<ActorFact>),
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
        /// SHA-256 of the holder's certificate; none for keyrings that only authenticate, and where an authority outside is to issue it.
        certificate: Option<Hash>,
    },
    /// Its certificate came from an authority outside.
    Certify {
        /// Its next version.
        row: NewRow,
        /// What the record says of it.
        told: RecordDetails,
    },
    /// Who has the first factor has a wrong second one.
    WrongFactor {
        /// The version that blocks it, if this is the last of them.
        blocked: NewRow,
    },
    /// A PIN is tried.
    Attempt {
        /// What for.
        request: RequestFact,
        /// What the attempt is known again by.
        attempt: Hash,
    },
    /// It was wrong.
    Fail {
        /// Which attempt it ends.
        attempt: Hash,
        /// What was wrong.
        factor: ProvenBy,
        /// The version of the keyring that is blocked, where this is one wrong PIN too many.
        blocked: Option<NewRow>,
    },
    /// It was right, and what was asked is refused.
    Deny {
        /// What it asked for.
        kind: RequestKind,
        /// Which attempt it ends.
        attempt: Hash,
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
        /// Whether the holder's face was compared, and is the one that was enrolled.
        face: bool,
        /// What the record says of it.
        told: RecordDetails,
    },
    /// The holder ended it.
    End {
        /// What was asked, on the terminal.
        request: RequestFact,
        /// Where the box was that opened.
        opened: u64,
        /// Its last version.
        row: NewRow,
        /// What the record says of it.
        told: RecordDetails,
    },
    /// The holder, on a terminal, changed which terminals it has.
    Terminals {
        /// What was asked, on the terminal.
        request: RequestFact,
        /// The version that the consent names.
        version: Version,
        /// Where the box was that opened.
        opened: u64,
        /// Its next version.
        row: NewRow,
        /// The next box of the terminal, and of one that may come.
        boxes: Vec<TerminalBox>,
        /// What the record says of it.
        told: RecordDetails,
        /// How.
        change: TerminalsChange,
    },
    /// A terminal came with a roaming code.
    Arrive {
        /// Its next version.
        row: NewRow,
        /// What the code is found by.
        code: Hash,
    },
    /// The holder found the same short code on both.
    Admit {
        /// Its next version.
        row: NewRow,
    },
    /// A roaming code is of no use any more.
    Withdraw {
        /// Its next version.
        row: NewRow,
    },
    /// Support agrees that a terminal is taken off.
    Agree {
        /// Its next version.
        row: NewRow,
        /// Which.
        terminal: TerminalId,
    },
    /// Somebody who may reads where it stands.
    Read,
    /// It is stopped.
    Suspend {
        /// Its next version.
        row: NewRow,
        /// Why.
        reason: SuspendReason,
    },
    /// It goes on.
    Resume {
        /// Its next version.
        row: NewRow,
        /// Why.
        reason: ResumeReason,
    },
    /// It is ended by its registration authority.
    Destroy {
        /// Its last version.
        row: NewRow,
        /// Why.
        reason: DestroyReason,
    },
}

/// How a holder changes which terminals a keyring has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalsChange {
    /// One more may come, of this name.
    Expect(TerminalId),
    /// The one that came is one of it.
    Join,
    /// One is taken off.
    Dissociate(TerminalId),
    /// The holder asks that one be taken off, where support has to agree.
    Part(TerminalId),
    /// The one that asks has a template of its holder's face.
    Enrol,
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
    /// Whether the holder of this keyring asks it, on a terminal of it.
    #[must_use]
    pub fn is_holders(&self, keyring: KeyringId) -> bool {
        sceau_keyring::is_holders(self.kind) && self.provider == KeyringActorId::of_holder(keyring)
    }

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
            Self::Certify { .. } => Action::KEYRING_CERTIFY,
            Self::Attempt { .. } => Action::KEYRING_ATTEMPT,
            Self::Fail { .. } => Action::KEYRING_FAIL,
            Self::Read => Action::KEYRING_READ,
            Self::Suspend { .. } => Action::KEYRING_SUSPEND,
            Self::Resume { .. } => Action::KEYRING_RESUME,
            Self::Destroy { .. } | Self::End { .. } => Action::KEYRING_DESTROY,
            Self::Terminals { change, .. } => match change {
                TerminalsChange::Expect(_) => Action::KEYRING_ROAM,
                TerminalsChange::Join => Action::KEYRING_JOIN,
                TerminalsChange::Dissociate(_) => Action::KEYRING_DISSOCIATE,
                TerminalsChange::Part(_) => Action::KEYRING_PART,
                TerminalsChange::Enrol => Action::KEYRING_ENROL,
            },
            Self::Arrive { .. } => Action::KEYRING_ARRIVE,
            Self::Admit { .. } => Action::KEYRING_ADMIT,
            Self::Withdraw { .. } => Action::KEYRING_WITHDRAW,
            Self::Agree { .. } => Action::KEYRING_DISSOCIATE,
            Self::Deny { kind, .. } | Self::Use { request: RequestFact { kind, .. }, .. } => use_of(*kind),
        }
    }
}

/// The action of a use, or of its refusal.
pub(super) fn use_of(kind: RequestKind) -> Action {
    match kind {
        RequestKind::Authenticate => Action::KEYRING_AUTHENTICATE,
        RequestKind::Destroy => Action::KEYRING_DESTROY,
        RequestKind::Roam => Action::KEYRING_ROAM,
        RequestKind::Join => Action::KEYRING_JOIN,
        RequestKind::Dissociate => Action::KEYRING_DISSOCIATE,
        RequestKind::Face => Action::KEYRING_ENROL,
        RequestKind::Sign => Action::KEYRING_SIGN,
    }
}
