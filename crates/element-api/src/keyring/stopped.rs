//! Why a keyring stands still, goes on, or is ended: words from lists, so that no free text on people is on record.

use serde::{Deserialize, Serialize};

use super::words::words;
use super::{BlockedFor, KeyringPhase};

/// That a keyring was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspended {
    /// By whom.
    pub by: StoppedBy,
    /// Why.
    pub reason: SuspendReason,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Where it stood before, and goes on.
    pub before: KeyringPhase,
}

/// Who stopped a keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBy {
    /// The registration authority that made it.
    Authority,
    /// Support.
    Support,
    /// Its holder, from a terminal of it.
    Holder,
}

/// Why a keyring is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendReason {
    /// A terminal or the letter of activation was lost.
    Lost,
    /// Somebody else may have used or tried it.
    Suspected,
    /// Its holder asked for it.
    Requested,
    /// Its holder is not entitled to it for now.
    Entitlement,
}

/// Why a keyring goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeReason {
    /// What was lost was found.
    Found,
    /// The suspicion was unfounded.
    Unfounded,
    /// Its holder asked for it.
    Requested,
    /// Its holder is entitled to it again.
    Entitlement,
}

/// Why a keyring is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestroyReason {
    /// Its terminal or its PIN was lost.
    Lost,
    /// Somebody else used or tried it.
    Compromised,
    /// Its holder asked for it.
    Requested,
    /// Its holder is not entitled to it any more.
    Entitlement,
    /// Another keyring takes its place.
    Replaced,
}

words! {
    SuspendReason { Lost = "lost", Suspected = "suspected", Requested = "requested", Entitlement = "entitlement" }
    ResumeReason { Found = "found", Unfounded = "unfounded", Requested = "requested", Entitlement = "entitlement" }
    DestroyReason {
        Lost = "lost", Compromised = "compromised", Requested = "requested", Entitlement = "entitlement", Replaced = "replaced",
    }
}

impl std::fmt::Display for Suspended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = match self.by {
            StoppedBy::Authority => "its registration authority",
            StoppedBy::Support => "support",
            StoppedBy::Holder => "its holder, from a terminal of it",
        };
        let why = match self.reason {
            SuspendReason::Lost => "something of it was lost",
            SuspendReason::Suspected => "somebody else may have used or tried it",
            SuspendReason::Requested => "its holder asked for it",
            SuspendReason::Entitlement => "its holder is not entitled to it for now",
        };
        write!(f, "the keyring was suspended by {by}: {why}; only its registration authority lets it go on")
    }
}

impl std::fmt::Display for BlockedFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let by = match self {
            Self::Pin => "wrong PINs",
            Self::Factors => "wrong second factors",
        };
        write!(f, "the keyring was blocked by {by}, for good: ask its registration authority for another")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn words_are_spelled_as_in_json() {
        for (reason, text) in [
            (serde_json::to_value(SuspendReason::Lost).unwrap(), SuspendReason::Lost.as_str()),
            (serde_json::to_value(ResumeReason::Unfounded).unwrap(), ResumeReason::Unfounded.as_str()),
            (serde_json::to_value(DestroyReason::Compromised).unwrap(), DestroyReason::Compromised.as_str()),
        ] {
            assert_eq!(reason, text);
        }
        assert_eq!("suspected".parse::<SuspendReason>().unwrap(), SuspendReason::Suspected);
        assert!("because".parse::<SuspendReason>().is_err());
    }
}
