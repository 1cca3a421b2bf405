//! Where a keyring stands, and what was done with it: what its holder's terminal, its registration authority and support may know. No secret is in it.

use sceau_element_api::keyring::{
    BlockedFor, BoundTerminal, FormerTerminal, KeyringPhase, RoamingTerminal, Suspended,
};
use sceau_element_api::{KeyringActorId, KeyringId, KeyringRequestId, TerminalId};
use sceau_trace::{Hash, sha256};
use serde::{Deserialize, Serialize};

/// The most entries in one answer.
pub const MOST_HAPPENINGS: usize = 32;

/// Somebody looks at a keyring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAt {
    /// The keyring.
    pub keyring: KeyringId,
    /// The bound terminal that looks. Not written where an actor does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalId>,
    /// What was done before the entry of this index alone, which is about the keyring: the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// What was done after the entry of this index alone: what was told of it and before it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

impl LookAt {
    /// The newest page, for an actor or for this terminal.
    #[must_use]
    pub fn newest(keyring: KeyringId, terminal: Option<TerminalId>) -> Self {
        Self { keyring, terminal, before: None, after: None }
    }
}

/// Where a keyring stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The keyring.
    pub keyring: KeyringId,
    /// Where it stands.
    pub phase: KeyringPhase,
    /// The version of its row, which a resumption or destruction names.
    pub version: u64,
    /// SHA-256 of that version.
    pub hash: Hash,
    /// Since when it stands there, Unix ms.
    pub since: u64,
    /// When it was made, Unix ms.
    pub made: u64,
    /// When it was activated, Unix ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated: Option<u64>,
    /// Who suspended it and why, where it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspended>,
    /// Why it is blocked, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<BlockedFor>,
    /// The counters of its PIN.
    pub tries: Tries,
    /// Its terminals, with the one that tries to be.
    pub terminals: Vec<BoundTerminal>,
    /// The one that may come, where its holder has one come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roaming: Option<RoamingTerminal>,
    /// Those that it had, the last one last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<FormerTerminal>,
    /// What was done with it, the last first.
    pub done: Vec<Happening>,
    /// What the next page is before; none where there is no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
    /// When this was said, by the element's clock, Unix ms.
    pub time: u64,
}

/// The counters of a PIN, for people: wrong ones are of the whole keyring, attempts without an end of the terminal that asks; of the one that has most of them, for who is no terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    /// Wrong PINs since the last right one.
    pub wrong: u8,
    /// Wrong ones that are left before it is blocked.
    pub left: u8,
    /// Attempts that were begun and not ended since then.
    pub unfinished: u8,
    /// Until when no other one may be begun, Unix ms. Not written where one may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cools_until: Option<u64>,
}

/// Something that was done with a keyring: what its record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Index of the record.
    pub index: u64,
    /// When, Unix ms.
    pub time: u64,
    /// What was done, as records spell it: `keyring.sign`.
    pub action: String,
    /// In which quality: `holder`, `registration_authority`, `support`, `element`.
    pub by: String,
    /// Why it was refused. Not written where it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Why it was done, where that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// On which terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalId>,
    /// Which other terminal it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<TerminalId>,
    /// For whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<KeyringActorId>,
    /// What that one asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<KeyringRequestId>,
    /// How many signatures were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// [`Happening::attempt_of`] of the attempt that it is, or ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Hash>,
}

impl Happening {
    /// What an attempt is known again by: SHA-256 of OPAQUE's first message. Its terminal knows which ones are its own, whether they were answered or not; a copy of the
    /// terminal draws others.
    #[must_use]
    pub fn attempt_of(ke1: &[u8]) -> Hash {
        sha256(ke1)
    }
}
