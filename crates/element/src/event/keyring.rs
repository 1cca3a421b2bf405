//! What an event changes in keyrings.

use sceau_element_api::{Base64Url, KeyringId, TerminalId};
use serde::{Deserialize, Serialize};

use super::EventError;

/// A step in the life of keyrings. Its bytes in the journal are JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyringChange {
    /// Keyrings began at this element.
    Begun(KeyringsBegun),
    /// A keyring has a new version, which the record attests.
    Row {
        /// The keyring.
        keyring: KeyringId,
        /// Index of the entry before about it; none for its first.
        previous: Option<u64>,
        /// The exact bytes of the document.
        payload: Base64Url,
        /// What no platform reads, sealed for the keyring.
        sealed: Base64Url,
        /// The boxes of terminals that are bound by it, or whose secret turned.
        boxes: Vec<TerminalBox>,
        /// The use of its holder that made it. Not written where there was none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<HolderUse>,
    },
    /// Who had the first factor had a wrong second one.
    WrongFactor {
        /// Of this keyring.
        keyring: KeyringId,
        /// Index of the entry before about it.
        previous: u64,
    },
    /// A terminal begins to prove a PIN.
    Attempt {
        /// Of this keyring.
        keyring: KeyringId,
        /// Index of the entry before about it.
        previous: u64,
        /// Which one. Entries of before there were several have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terminal: Option<TerminalId>,
    },
    /// That ended without a use.
    Ended {
        /// Of this keyring.
        keyring: KeyringId,
        /// Index of the entry before about it.
        previous: u64,
        /// How.
        how: AttemptEnd,
        /// On which terminal. Entries of before there were several have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terminal: Option<TerminalId>,
    },
    /// Its registration authority or support read where it stands.
    Read {
        /// Of this keyring.
        keyring: KeyringId,
        /// Index of the entry before about it.
        previous: u64,
    },
    /// The holder used it.
    Used {
        /// The keyring.
        keyring: KeyringId,
        /// Index of the entry before about it.
        previous: u64,
        /// On which terminal.
        terminal: TerminalId,
        /// What the request is known again by, 16 bytes.
        request: Base64Url,
        /// Until when it must be, in Unix milliseconds.
        ends: u64,
        /// The terminal's next box.
        boxed: Base64Url,
        /// Whether the holder's face was compared, and was right. Not written where it was not asked for.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        face: bool,
    },
}

/// What the element keeps from when keyrings began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyringsBegun {
    /// The secrets that PINs are proven by, sealed.
    pub setup: Base64Url,
    /// The security officer's certificate, DER.
    pub officer: Base64Url,
    /// The certificate of the embedded authority, DER.
    pub authority: Base64Url,
    /// The key that contexts are sealed to.
    pub channel: Base64Url,
    /// The key that packages and proofs are signed by, 32 bytes.
    pub word: Base64Url,
}

/// What a terminal opens with its holder's PIN, until its next use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalBox {
    /// The terminal.
    pub terminal: TerminalId,
    /// The box.
    pub boxed: Base64Url,
}

/// What a holder asked of their own keyring, on a terminal of it, and proved the PIN for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderUse {
    /// On which terminal.
    pub terminal: TerminalId,
    /// What the request is known again by, 16 bytes.
    pub request: Base64Url,
    /// Until when it must be, in Unix milliseconds.
    pub ends: u64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The PIN was wrong.
    Failed,
    /// The PIN was right, and what was asked was refused.
    Proven,
}

impl KeyringChange {
    /// Which keyring it is about, and the index of the entry before about it.
    pub(crate) fn about(&self) -> Option<(KeyringId, Option<u64>)> {
        match self {
            Self::Begun(_) => None,
            Self::Row { keyring, previous, .. } => Some((*keyring, *previous)),
            Self::Attempt { keyring, previous, .. }
            | Self::Ended { keyring, previous, .. }
            | Self::Read { keyring, previous }
            | Self::WrongFactor { keyring, previous }
            | Self::Used { keyring, previous, .. } => Some((*keyring, Some(*previous))),
        }
    }

    pub(super) fn write(&self, body: &mut Vec<u8>) {
        // Texts, numbers and lists of them, which JSON has.
        body.extend_from_slice(&serde_json::to_vec(self).unwrap_or_default());
    }

    pub(super) fn read(rest: &[u8]) -> Result<Self, EventError> {
        serde_json::from_slice(rest).map_err(|_| EventError::Malformed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Base64Url> {
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Base64Url)
    }

    pub(in crate::event) fn change() -> impl Strategy<Value = KeyringChange> {
        let keyring = || Just(()).prop_map(|()| KeyringId::random());
        let terminal = || Just(()).prop_map(|()| TerminalId::random());
        let boxes = (terminal(), bytes()).prop_map(|(terminal, boxed)| TerminalBox { terminal, boxed });
        let some_terminal = || proptest::option::of(Just(()).prop_map(|()| TerminalId::random()));
        let holder = (terminal(), bytes(), any::<u64>()).prop_map(|(terminal, request, ends)| HolderUse {
            terminal,
            request,
            ends,
        });
        prop_oneof![
            (bytes(), bytes(), bytes(), bytes(), bytes()).prop_map(
                |(setup, officer, authority, channel, word)| {
                    KeyringChange::Begun(KeyringsBegun { setup, officer, authority, channel, word })
                }
            ),
            (
                keyring(),
                any::<Option<u64>>(),
                bytes(),
                bytes(),
                proptest::collection::vec(boxes, 0..3),
                proptest::option::of(holder)
            )
                .prop_map(|(keyring, previous, payload, sealed, boxes, holder)| {
                    KeyringChange::Row { keyring, previous, payload, sealed, boxes, holder }
                }),
            (keyring(), any::<u64>(), some_terminal()).prop_map(|(keyring, previous, terminal)| {
                KeyringChange::Attempt { keyring, previous, terminal }
            }),
            (keyring(), any::<u64>())
                .prop_map(|(keyring, previous)| KeyringChange::WrongFactor { keyring, previous }),
            (keyring(), any::<u64>())
                .prop_map(|(keyring, previous)| KeyringChange::Read { keyring, previous }),
            (
                keyring(),
                any::<u64>(),
                prop_oneof![Just(AttemptEnd::Failed), Just(AttemptEnd::Proven)],
                some_terminal()
            )
                .prop_map(|(keyring, previous, how, terminal)| {
                    KeyringChange::Ended { keyring, previous, how, terminal }
                }),
            (keyring(), any::<u64>(), terminal(), bytes(), any::<u64>(), bytes(), any::<bool>()).prop_map(
                |(keyring, previous, terminal, request, ends, boxed, face)| {
                    KeyringChange::Used { keyring, previous, terminal, request, ends, boxed, face }
                }
            ),
        ]
    }
}
