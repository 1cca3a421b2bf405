//! What the element knows of one keyring, and of its terminals.

use std::sync::Arc;

use sceau_element_api::keyring::{KeyringPhase, Left, RoamingTerminal, Suspended};
use sceau_element_api::wire::Version;
use sceau_element_api::{KeyringActorId, TerminalId};
use sceau_keyring::{Attempts, FAILURES};
use sceau_trace::Hash;

use super::PolicyFact;

/// A keyring.
#[derive(Debug)]
pub struct KeyringFact {
    /// Index of the record that attests its current version.
    pub row: u64,
    /// That version.
    pub version: Version,
    /// Index of the last entry about it.
    pub last: u64,
    /// Where it stands, as its row says.
    pub phase: KeyringPhase,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Who suspended it and why, where it is suspended.
    pub suspended: Option<Suspended>,
    /// The version of the policy that it follows.
    pub policy: Arc<PolicyFact>,
    /// The registration authority that made it.
    pub authority: KeyringActorId,
    /// When it was made.
    pub made: u64,
    /// Wrong second factors, in the hand of who had the first one.
    pub wrong_factors: u8,
    /// Wrong PINs, and faces of somebody else, since the last right one, on whichever of its terminals.
    pub failed: u8,
    /// Its terminals: not the one that tries to be.
    pub terminals: Vec<TerminalFact>,
    /// The one that may come to it.
    pub roaming: Option<RoamingFact>,
    /// Those that it had: their thumbprints, and what came of them.
    pub former: Vec<(TerminalId, [u8; 32], Left)>,
    /// SHA-256 of the sealed template of its holder's face.
    pub face: Option<Hash>,
    /// Whether that was used: it stays from then on.
    pub face_used: bool,
}

/// A terminal of a keyring.
#[derive(Debug, Clone, Copy)]
pub struct TerminalFact {
    /// The terminal.
    pub terminal: TerminalId,
    /// Thumbprint of its key.
    pub thumbprint: [u8; 32],
    /// Index of the entry that has its box.
    pub boxed: u64,
    /// Attempts that it began and did not end since its last right PIN.
    pub open: u8,
    /// When it began the last one, Unix ms.
    pub last: u64,
}

/// The terminal that may come to a keyring.
#[derive(Debug, Clone)]
pub struct RoamingFact {
    /// What its row says.
    pub said: RoamingTerminal,
    /// Index of the entry that has its box.
    pub boxed: u64,
    /// The terminal that came.
    pub came: Option<TerminalFact>,
}

impl RoamingFact {
    /// Whether it may go on at `now`.
    #[must_use]
    pub fn is_open_at(&self, now: u64) -> bool {
        now < self.said.ends
    }
}

impl KeyringFact {
    /// A terminal of it: not the one that tries to be.
    #[must_use]
    pub fn terminal(&self, id: TerminalId) -> Option<&TerminalFact> {
        self.terminals.iter().find(|known| known.terminal == id)
    }

    /// The terminal of this name that may try the PIN: one of its own, or the one that came, was admitted, and whose time is not over.
    #[must_use]
    pub fn may_try(&self, id: TerminalId, now: u64) -> Option<&TerminalFact> {
        self.terminal(id).or_else(|| {
            let roaming =
                self.roaming.as_ref().filter(|roaming| roaming.said.admitted && roaming.is_open_at(now))?;
            roaming.came.as_ref().filter(|came| came.terminal == id)
        })
    }

    /// The terminal of this name that came and tries to be one, admitted or not.
    #[must_use]
    pub fn came(&self, id: TerminalId) -> Option<&TerminalFact> {
        self.roaming.as_ref()?.came.as_ref().filter(|came| came.terminal == id)
    }

    /// Whether a terminal of this name is, was or may be one of it.
    #[must_use]
    pub fn has_had(&self, id: TerminalId) -> bool {
        let expected = self.roaming.as_ref().is_some_and(|roaming| roaming.said.terminal == id);
        expected || self.terminal(id).is_some() || self.former.iter().any(|(former, ..)| *former == id)
    }

    /// The counters of its PIN for one of its terminals; for nobody's in particular, of the one that has most attempts without an end.
    #[must_use]
    pub fn attempts(&self, terminal: Option<TerminalId>) -> Attempts {
        let came = self.roaming.as_ref().and_then(|roaming| roaming.came.as_ref());
        let all = self.terminals.iter().chain(came);
        let of = all.filter(|known| terminal.is_none_or(|id| known.terminal == id));
        let most = of.max_by_key(|known| (known.open, known.last));
        let (open, last) = most.map_or((0, 0), |known| (known.open, known.last));
        Attempts { failed: self.failed, open, last }
    }

    /// Takes in what came of an attempt. Entries of before there were several terminals name none: it was the only one.
    pub(super) fn tried(&mut self, terminal: Option<TerminalId>, by: impl FnOnce(Attempts) -> Attempts) {
        let terminal = terminal.or_else(|| self.terminals.first().map(|known| known.terminal));
        let Attempts { failed, open, last } = by(self.attempts(terminal));
        self.failed = failed;
        let came = self.roaming.as_mut().and_then(|roaming| roaming.came.as_mut());
        let mut all = self.terminals.iter_mut().chain(came);
        if let Some(known) = all.find(|known| Some(known.terminal) == terminal) {
            (known.open, known.last) = (open, last);
        }
    }

    /// What a right PIN does to the counters. Where the face is asked for too, it takes no wrong face back: else who has the PIN could try faces without an end.
    pub(super) fn pin_proven(&self) -> fn(Attempts) -> Attempts {
        if self.policy.document.face.is_some() { Attempts::ended } else { Attempts::proven }
    }

    /// Where it stands. Three wrong PINs block it, whether its row says so already or not.
    #[must_use]
    pub fn stands(&self) -> KeyringPhase {
        match self.phase {
            KeyringPhase::Active if self.failed >= FAILURES => KeyringPhase::Blocked,
            phase => phase,
        }
    }

    /// Until when it may be activated.
    #[must_use]
    pub fn activation_ends(&self) -> u64 {
        let days = u64::from(self.policy.document.activation_days);
        self.made.saturating_add(days * 24 * 3600 * 1000)
    }
}
