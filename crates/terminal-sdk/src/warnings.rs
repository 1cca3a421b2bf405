//! What a holder is warned of before a PIN: what was tried since this terminal's last use and not by it.

use sceau_client::terminal::{Ended, Other, Others};
use sceau_element_api::keyring::BoundTerminal;

use crate::standing::OneTerminal;

/// What was tried with the keyring since this terminal's last use, and not by this terminal; and what was added to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, uniffi::Record)]
pub struct Warnings {
    /// When this terminal was used last, by the element's clock, Unix ms; none where it was not yet.
    pub since: Option<u64>,
    /// Attempts in this terminal's name, the first one first: somebody has a copy of it.
    pub attempts: Vec<OtherAttempt>,
    /// Whether there may be more of them, further back.
    pub more: bool,
    /// Attempts on other terminals of the keyring. A wrong PIN there counts here too.
    pub elsewhere: Vec<OtherAttempt>,
    /// Terminals that were added: somebody has the PIN, if that was not the holder.
    pub added: Vec<OneTerminal>,
}

/// An attempt that this terminal did not make.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct OtherAttempt {
    /// When, by the element's clock, Unix ms.
    pub time: u64,
    /// As which terminal.
    pub terminal: Option<String>,
    /// How it ended.
    pub ended: HowEnded,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum HowEnded {
    /// The PIN was wrong.
    WrongPin,
    /// Nobody ended it.
    Unfinished,
    /// The PIN was right, and the element refused what was asked.
    Refused {
        /// The element's code.
        code: String,
    },
    /// The PIN was right, and it was done.
    Done,
}

impl Warnings {
    pub(crate) fn of(others: &Others, added: &[BoundTerminal]) -> Self {
        let attempts = |all: &[Other]| all.iter().map(OtherAttempt::of).collect();
        Self {
            since: others.since,
            attempts: attempts(&others.attempts),
            more: others.more,
            elsewhere: attempts(&others.elsewhere),
            added: added.iter().map(OneTerminal::of).collect(),
        }
    }

    /// Whether there is anything that a holder has to read: that more was done than was looked through, too.
    pub(crate) fn warns(&self) -> bool {
        self.more || !(self.attempts.is_empty() && self.elsewhere.is_empty() && self.added.is_empty())
    }
}

impl OtherAttempt {
    fn of(other: &Other) -> Self {
        let ended = match &other.ended {
            Ended::Wrong => HowEnded::WrongPin,
            Ended::Unfinished => HowEnded::Unfinished,
            Ended::Refused(code) => HowEnded::Refused { code: code.clone() },
            Ended::Done => HowEnded::Done,
        };
        Self { time: other.time, terminal: other.terminal.map(|id| id.to_string()), ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_look_through_all_is_warned_of_that_alone() {
        let mut others = Others::default();
        assert!(!Warnings::of(&others, &[]).warns());
        others.more = true;
        assert!(Warnings::of(&others, &[]).warns());
    }
}
