//! The terminals of a keyring: those that it has, the one that may come, and those that it had.

use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::row::Keyring;
use crate::documents::{DocumentError, field};
use crate::{Base64Url, TerminalId};

/// Terminals that a keyring had, which are remembered; older ones are in its history alone.
pub const MOST_FORMER: usize = 16;

/// A terminal that is bound to a keyring, or that tries to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundTerminal {
    /// The terminal.
    pub terminal: TerminalId,
    /// Thumbprint of its key (RFC 7638), 32 bytes.
    pub thumbprint: Base64Url,
    /// Since when, in Unix milliseconds.
    pub bound: u64,
    /// Whether it is only trying: it came with a roaming code, and has not proven the PIN.
    pub provisional: bool,
    /// Since when its holder asks that it be taken off, in Unix milliseconds, where support has to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parting: Option<u64>,
}

/// The terminal that may come to a keyring. It is among its terminals, as one that tries, from when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoamingTerminal {
    /// The name that it has, or will have.
    pub terminal: TerminalId,
    /// The terminal that its holder had it come by.
    pub by: TerminalId,
    /// What its code is found by: a hash, which opens and proves nothing.
    pub code: Hash,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Until when it may go on, in Unix milliseconds.
    pub ends: u64,
    /// Whether the holder found the same short code on both.
    pub admitted: bool,
}

/// A terminal that a keyring had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerTerminal {
    /// The terminal.
    pub terminal: TerminalId,
    /// Thumbprint of its key (RFC 7638), 32 bytes.
    pub thumbprint: Base64Url,
    /// Since when it was one, in Unix milliseconds.
    pub bound: u64,
    /// Until when, in Unix milliseconds.
    pub until: u64,
    /// What came of it.
    pub left: Left,
}

/// Why a terminal is one of a keyring no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// The keyring moved to another one.
    Moved,
    /// It was taken off.
    Dissociated,
}

impl Keyring {
    /// The terminals that are bound: not the one that tries.
    pub fn bound(&self) -> impl Iterator<Item = &BoundTerminal> {
        self.terminals.iter().filter(|terminal| !terminal.provisional)
    }
}

pub(super) fn are_terminals(keyring: &Keyring) -> Result<(), DocumentError> {
    field(keyring.terminals.len() <= 9, "terminals", "at most 8, and one that tries")?;
    let prints = keyring.terminals.iter().map(|terminal| &terminal.thumbprint);
    let mut prints = prints.chain(keyring.former.iter().map(|terminal| &terminal.thumbprint));
    field(prints.all(|print| print.len() == 32), "terminals.thumbprint", "32 bytes")?;
    let expected = keyring.roaming.as_ref().map(|roaming| roaming.terminal);
    let mut tries = keyring.terminals.iter().filter(|terminal| terminal.provisional);
    let comes = tries.all(|terminal| Some(terminal.terminal) == expected);
    field(comes, "terminals.provisional", "the one alone that may come")?;
    field(keyring.former.len() <= MOST_FORMER, "former", "at most 16")
}
