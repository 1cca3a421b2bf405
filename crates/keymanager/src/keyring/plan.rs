//! When the next key is due. Pure: the newest key, the policy and the time decide.

use sceau_element_api::documents::{KeySuite, KeyUse};

use super::Keyring;
use crate::settings::Settings;

/// What to do about the keys of one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Nothing.
    Rest,
    /// Publish the newest key, which the platform has not acknowledged.
    Publish,
    /// Make the next key, then publish it.
    Make(Why),
}

/// Why a key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// There is none.
    First,
    /// The newest one expires within the lead time.
    Expiring,
    /// The policy asks for another suite.
    Suite,
    /// The root that stated it was replaced.
    Root,
    /// Its private half is lost: another copy of this key manager made it.
    Lost,
    /// An administrator withdraws the one in use.
    Withdrawn,
    /// An administrator asks.
    Asked,
}

impl Why {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Expiring => "expiring",
            Self::Suite => "suite",
            Self::Root => "root",
            Self::Lost => "lost",
            Self::Withdrawn => "withdrawn",
            Self::Asked => "asked",
        }
    }
}

/// Decides. A key that was made is published before another one is thought of: serials have no gap.
pub(crate) fn plan(key_use: KeyUse, ring: &Keyring, settings: &Settings, now: u64) -> Plan {
    let Some(newest) = ring.newest(key_use) else { return Plan::Make(Why::First) };
    if !ring.is_stated_by_root_in_force(newest) {
        return Plan::Make(Why::Root);
    }
    if newest.destroyed {
        return Plan::Make(Why::Lost);
    }
    // An expired statement is not accepted any more, so it cannot be published: the element would refuse it for ever.
    if newest.index.is_none() && now < newest.statement.not_after {
        return Plan::Publish;
    }
    if now.saturating_add(settings.lead_ms) >= newest.statement.not_after {
        return Plan::Make(Why::Expiring);
    }
    let wanted = suite(key_use, settings);
    if newest.statement.suite == wanted { Plan::Rest } else { Plan::Make(Why::Suite) }
}

/// The suite that a use has under this policy.
pub(crate) fn suite(key_use: KeyUse, settings: &Settings) -> KeySuite {
    match (key_use, settings.suite) {
        (KeyUse::Sign, _) => KeySuite::Ed25519,
        (KeyUse::Encrypt, sceau_crypto::RecipientSuite::RsaOaep256) => KeySuite::RsaOaep256,
        // The default; a suite added later comes with its name.
        (KeyUse::Encrypt, _) => KeySuite::XWing,
    }
}
