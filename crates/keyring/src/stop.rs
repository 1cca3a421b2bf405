//! Stopping a keyring, for a while or for good: what is asked and answered.
//!
//! Who lets one go on or ends it names the version that they saw: what was asked of an earlier stop does nothing to a later one.

use sceau_element_api::keyring::{DestroyReason, KeyringPhase, ResumeReason, SuspendReason};
use sceau_element_api::{KeyringId, TerminalId};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

/// Stop a keyring, until its registration authority lets it go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspend {
    /// The keyring.
    pub keyring: KeyringId,
    /// The bound terminal that asks: no PIN is needed. Not written where an actor does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<TerminalId>,
    /// Why.
    pub reason: SuspendReason,
}

/// Let a suspended keyring go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The keyring.
    pub keyring: KeyringId,
    /// SHA-256 of the version that was seen.
    pub version: Hash,
    /// Why.
    pub reason: ResumeReason,
}

/// End a keyring, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destroy {
    /// The keyring.
    pub keyring: KeyringId,
    /// SHA-256 of the version that was seen.
    pub version: Hash,
    /// Why.
    pub reason: DestroyReason,
}

/// It is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Where the keyring stands now.
    pub phase: KeyringPhase,
    /// Index of the record.
    pub index: u64,
}
