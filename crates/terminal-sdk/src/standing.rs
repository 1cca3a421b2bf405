//! Where a keyring stands, for its holder: what a page of it shows.

use sceau_client::terminal::TerminalState;
use sceau_element_api::keyring::{BoundTerminal, KeyringPhase, SuspendReason as Why};
use sceau_keyring::Happening;

use crate::warnings::Warnings;

/// Where the keyring stands, by the element's word.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct State {
    /// The keyring.
    pub keyring: String,
    /// This terminal.
    pub terminal: String,
    /// Where it stands.
    pub phase: Phase,
    /// Since when, Unix ms.
    pub since: u64,
    /// Wrong PINs since the last right one.
    pub wrong_pins: u8,
    /// Wrong ones that are left before it is blocked, for good.
    pub pins_left: u8,
    /// Until when no PIN can be tried, Unix ms; none where one can.
    pub cools_until: Option<u64>,
    /// Its terminals.
    pub terminals: Vec<OneTerminal>,
    /// What others did since this terminal was used last.
    pub warnings: Warnings,
    /// What was done with it, the last first: 32 at most.
    pub done: Vec<Done>,
    /// The element's time, Unix ms.
    pub time: u64,
}

/// Where a keyring stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
#[non_exhaustive]
pub enum Phase {
    /// It has factors, and no holder.
    Made,
    /// It has a holder, and waits to be activated.
    Delivered,
    /// It waits for its certificate.
    Certifying,
    /// It is in use.
    Active,
    /// It was stopped, until its registration authority lets it go on.
    Suspended,
    /// Wrong PINs stopped it, for good.
    Blocked,
    /// It is gone.
    Destroyed,
}

/// A terminal of the keyring.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OneTerminal {
    /// Its id.
    pub terminal: String,
    /// Since when, Unix ms.
    pub bound: u64,
    /// Whether it is only trying: it has not proven the PIN yet.
    pub provisional: bool,
}

/// Something that was done with the keyring.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Done {
    /// Index of its record in the log.
    pub index: u64,
    /// When, Unix ms.
    pub time: u64,
    /// What, as records spell it: `keyring.sign`.
    pub action: String,
    /// In which quality: `holder`, `registration_authority`, `support`, `element`.
    pub by: String,
    /// The code that it was refused with; none where it was done.
    pub refused: Option<String>,
    /// Why it was done, where that is said.
    pub reason: Option<String>,
    /// On which terminal.
    pub terminal: Option<String>,
    /// For which provider.
    pub provider: Option<String>,
    /// How many signatures were made.
    pub count: Option<u32>,
}

/// Why a holder stops their keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum SuspendReason {
    /// A terminal was lost.
    Lost,
    /// Somebody else may have used or tried it.
    Suspected,
    /// For a reason of their own.
    Requested,
}

impl From<SuspendReason> for Why {
    fn from(reason: SuspendReason) -> Self {
        match reason {
            SuspendReason::Lost => Self::Lost,
            SuspendReason::Suspected => Self::Suspected,
            SuspendReason::Requested => Self::Requested,
        }
    }
}

impl From<KeyringPhase> for Phase {
    fn from(phase: KeyringPhase) -> Self {
        match phase {
            KeyringPhase::Made => Self::Made,
            KeyringPhase::Delivered => Self::Delivered,
            KeyringPhase::Certifying => Self::Certifying,
            KeyringPhase::Active => Self::Active,
            KeyringPhase::Suspended => Self::Suspended,
            KeyringPhase::Blocked => Self::Blocked,
            KeyringPhase::Destroyed => Self::Destroyed,
        }
    }
}

impl OneTerminal {
    pub(crate) fn of(one: &BoundTerminal) -> Self {
        Self { terminal: one.terminal.to_string(), bound: one.bound, provisional: one.provisional }
    }
}

impl From<&Happening> for Done {
    fn from(one: &Happening) -> Self {
        Self {
            index: one.index,
            time: one.time,
            action: one.action.clone(),
            by: one.by.clone(),
            refused: one.refused.clone(),
            reason: one.reason.clone(),
            terminal: one.terminal.map(|id| id.to_string()),
            provider: one.provider.map(|id| id.to_string()),
            count: one.count,
        }
    }
}

impl From<&TerminalState> for State {
    fn from(state: &TerminalState) -> Self {
        let standing = &state.standing;
        Self {
            keyring: standing.keyring.to_string(),
            terminal: state.terminal.to_string(),
            phase: standing.phase.into(),
            since: standing.since,
            wrong_pins: standing.tries.wrong,
            pins_left: standing.tries.left,
            cools_until: standing.tries.cools_until,
            terminals: standing.terminals.iter().map(OneTerminal::of).collect(),
            warnings: Warnings::of(&state.others, &state.added),
            done: standing.done.iter().map(Done::from).collect(),
            time: standing.time,
        }
    }
}
