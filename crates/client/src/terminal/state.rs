//! Where the keyring of a terminal stands; and what was tried with it that this terminal did not try: a copy of the terminal guesses in its holder's sight.
//!
//! The terminal knows its own attempts by OPAQUE's first message of each, whether it was answered or not. A copy draws others, and cannot make them look like these.

use sceau_element_api::TerminalId;
use sceau_element_api::keyring::{BlockedFor, BoundTerminal, KeyringPhase, SuspendReason};
use sceau_keyring::{Answer, Ask, Happening, LookAt, MOST_MESSAGES, Standing, Stopped, Suspend};

use super::keeps::DeviceKey;
use super::refused;
use super::storage::{Kept, Own, Storage};
use crate::ClientError;
use crate::keyring::{Carries, Conversation};

/// Pages that are looked through.
const MOST_PAGES: u64 = MOST_MESSAGES / 2;

/// What a terminal knows of its keyring.
#[derive(Debug)]
pub struct TerminalState {
    /// Where it stands, and what was done last.
    pub standing: Standing,
    /// Index of the newest entry that was looked through.
    pub(super) seen: Option<u64>,
    /// What others did.
    pub others: Others,
    /// Terminals that were added since this one's last use; since it was bound, where there was none.
    pub added: Vec<BoundTerminal>,
    /// This terminal.
    pub terminal: TerminalId,
}

/// What was tried since this terminal's last use, and not by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Others {
    /// When this terminal was used last, by the element's clock, Unix ms; none where it was not yet.
    pub since: Option<u64>,
    /// The attempts in this terminal's name, the first one first: a copy of it made them.
    pub attempts: Vec<Other>,
    /// Those on other terminals of the keyring.
    pub elsewhere: Vec<Other>,
    /// Whether there may be more, further back.
    pub more: bool,
}

/// An attempt of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// When, by the element's clock, Unix ms.
    pub time: u64,
    /// As which terminal.
    pub terminal: Option<TerminalId>,
    /// How it ended.
    pub ended: Ended,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The PIN was wrong.
    Wrong,
    /// Nobody ended it.
    Unfinished,
    /// The PIN was right, and the element refused what was asked, with this code.
    Refused(String),
    /// The PIN was right, and it was done.
    Done,
}

/// Where the keyring stands, and what others did with it. No PIN is needed.
///
/// # Errors
/// [`ClientError::Keyring`] for a folder that is no terminal here; [`ClientError::Refused`] with the element's code; as [`crate::Server::post`].
pub async fn state(storage: &Storage, carrier: &impl Carries) -> Result<TerminalState, ClientError> {
    let (kept, device, _) = storage.load()?;
    look(storage, carrier, (&kept, &device), Since::Ever).await
}

/// Stops the keyring. No PIN is needed, and the terminal alone cannot undo it: its registration authority lets it go on.
///
/// # Errors
/// As [`state`].
pub async fn suspend(
    storage: &Storage,
    carrier: &impl Carries,
    reason: SuspendReason,
) -> Result<Stopped, ClientError> {
    let (kept, device, _) = storage.load()?;
    let conversation = Conversation::open(carrier, &kept.origin, kept.channel).await?;
    let mut conversation = conversation.within(kept.image);
    let ask = Ask::Suspend(Suspend { keyring: kept.keyring, terminal: Some(kept.terminal), reason });
    match conversation.ask(&device, ask).await? {
        Answer::Stopped(stopped) => Ok(stopped),
        _ => Err(ClientError::Answer),
    }
}

/// From where on the history of a keyring is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// The last of it, whatever it is: for who is told it.
    Ever,
    /// What this terminal did not look through at its last use: for who is warned.
    LastUse,
}

pub(super) async fn look(
    storage: &Storage,
    carrier: &impl Carries,
    (kept, device): (&Kept, &DeviceKey),
    since: Since,
) -> Result<TerminalState, ClientError> {
    let conversation = Conversation::open(carrier, &kept.origin, kept.channel).await?;
    let mut conversation = conversation.within(kept.image);
    let known = storage.own()?.last.map(|last| last.index);
    let after = known.filter(|_| since == Since::LastUse);
    let newest = LookAt { after, ..LookAt::newest(kept.keyring, Some(kept.terminal)) };
    let page = |before| Ask::Look(LookAt { before, ..newest.clone() });
    let Answer::Standing(standing) = conversation.ask(device, page(None)).await? else {
        return Err(ClientError::Answer);
    };
    let mut done = standing.done.clone();
    let mut next = standing.next;
    // Read after the element answered: what another window tries meanwhile is written before it is sent.
    let last = storage.own()?.last.map(|last| last.index);
    let reached =
        |done: &[Happening]| done.last().is_none_or(|first| last.is_some_and(|last| first.index <= last));
    for _ in 1..MOST_PAGES {
        let Some(before) = next.filter(|_| !reached(&done)) else { break };
        let Answer::Standing(page) = conversation.ask(device, page(Some(before))).await? else {
            return Err(ClientError::Answer);
        };
        next = page.next;
        done.extend(page.done);
    }
    let own = storage.own()?;
    let others = Others::among(&done, (&own, kept.terminal), next.is_some() && !reached(&done));
    let added = added(&standing, &own, kept.terminal);
    // The element's list has the newest first; nothing newer than what is known was told where it is empty.
    let seen = done.first().map(|newest| newest.index).or(after);
    Ok(TerminalState { standing: *standing, seen, others, added, terminal: kept.terminal })
}

/// The terminals that are bound since this one was used last: those that its holder was not shown then. By their names, and not by when they were bound: that is told before it is so.
fn added(standing: &Standing, own: &Own, terminal: TerminalId) -> Vec<BoundTerminal> {
    let bound = || standing.terminals.iter().find(|one| one.terminal == terminal).map(|one| one.bound);
    let since = own.last.map(|last| last.time).or_else(bound).unwrap_or_default();
    let known = |one: &BoundTerminal| match &own.known {
        Some(known) => known.contains(&one.terminal),
        None => one.bound <= since,
    };
    let new = |one: &&BoundTerminal| one.terminal != terminal && !one.provisional && !known(one);
    standing.terminals.iter().filter(new).cloned().collect()
}

/// The names of the terminals of a keyring: not of the one that tries to be.
pub(super) fn names(standing: &Standing) -> Vec<TerminalId> {
    standing.terminals.iter().filter(|one| !one.provisional).map(|one| one.terminal).collect()
}

impl TerminalState {
    /// Whether a PIN can be typed at all: where it cannot, the holder is told why before.
    ///
    /// # Errors
    /// [`ClientError::Keyring`].
    pub fn may_try(&self) -> Result<(), ClientError> {
        let Standing { phase, suspended, blocked, tries, time, .. } = &self.standing;
        match phase {
            KeyringPhase::Suspended => {
                let words =
                    suspended.map_or_else(|| "the keyring is suspended".to_owned(), |why| why.to_string());
                Err(refused("keyring_suspended", words))
            }
            KeyringPhase::Blocked => {
                Err(refused("keyring_blocked", blocked.unwrap_or(BlockedFor::Pin).to_string()))
            }
            KeyringPhase::Destroyed => {
                Err(refused("keyring_destroyed", "the keyring was destroyed: nothing brings it back"))
            }
            _ => match tries.cools_until.filter(|until| until > time) {
                Some(until) => {
                    let seconds = until.saturating_sub(*time).div_ceil(1000);
                    let words =
                        format!("attempts were begun and not ended: wait {seconds} s, then try again");
                    Err(refused("keyring_cooling", words))
                }
                None => Ok(()),
            },
        }
    }
}

impl Others {
    /// The attempts in this history, the last first, that are not the terminal's own.
    fn among(done: &[Happening], (own, terminal): (&Own, TerminalId), more: bool) -> Self {
        let after = own.last.map(|last| last.index);
        let since = own.last.map(|last| last.time);
        let new = done.iter().rev().filter(|one| after.is_none_or(|after| one.index > after));
        let strange = new.filter(|one| one.attempt.is_some_and(|attempt| !own.attempts.contains(&attempt)));
        let mut attempts: Vec<(Option<sceau_trace::Hash>, Other)> = Vec::new();
        for one in strange {
            let ended = match (one.action.as_str(), &one.refused) {
                ("keyring.attempt", _) => Ended::Unfinished,
                ("keyring.fail", _) => Ended::Wrong,
                (_, Some(code)) => Ended::Refused(code.clone()),
                (_, None) => Ended::Done,
            };
            match attempts.iter_mut().find(|(attempt, _)| *attempt == one.attempt) {
                Some((_, begun)) => begun.ended = ended,
                None => {
                    attempts.push((one.attempt, Other { time: one.time, terminal: one.terminal, ended }));
                }
            }
        }
        let all = attempts.into_iter().map(|(_, other)| other);
        let (elsewhere, attempts) =
            all.partition(|other: &Other| other.terminal.is_some_and(|of| of != terminal));
        Self { since, attempts, elsewhere, more }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use sceau_trace::{Hash, sha256};

    use super::*;
    use crate::terminal::storage::LastUse;

    fn entry(index: u64, action: &str, attempt: Hash) -> Happening {
        serde_json::from_value(serde_json::json!({
            "index": index, "time": index * 10, "action": action, "by": "holder", "attempt": attempt,
        }))
        .unwrap()
    }

    /// Whoever has a terminal's key and the host times what is done: neither makes a terminal look older than the holder's last use.
    #[test]
    fn a_terminal_is_new_by_its_name_and_not_by_when_it_was_bound() {
        let [own, shown, hidden] = [(); 3].map(|()| TerminalId::random());
        let bound = |terminal: TerminalId, bound: u64, provisional: bool| {
            let thumbprint = sceau_element_api::Base64Url(vec![1; 32]);
            serde_json::json!({"terminal": terminal, "thumbprint": thumbprint, "bound": bound, "provisional": provisional})
        };
        let standing: Standing = serde_json::from_value(serde_json::json!({
            "keyring": sceau_element_api::KeyringId::random(), "phase": "active", "version": 3, "hash": "03".repeat(32),
            "since": 1, "made": 1, "tries": {"wrong": 0, "left": 3, "unfinished": 0}, "done": [], "time": 99,
            "terminals": [bound(own, 1, false), bound(shown, 2, false), bound(hidden, 3, false), bound(TerminalId::random(), 4, true)],
        }))
        .unwrap();
        let last = Some(LastUse { index: 5, time: 50 });
        let of = |own: &Own| {
            added(&standing, own, own_name(&standing)).iter().map(|one| one.terminal).collect::<Vec<_>>()
        };
        let known = Own { last, known: Some(vec![own, shown]), ..Own::default() };
        assert_eq!(of(&known), [hidden], "it was bound before the last use, and never shown");
        assert_eq!(of(&Own { known: Some(names(&standing)), ..known.clone() }), []);
        // What an earlier version kept: by time.
        assert_eq!(of(&Own { known: None, ..known.clone() }), []);
        assert_eq!(of(&Own::default()), [shown, hidden]);
    }

    fn own_name(standing: &Standing) -> TerminalId {
        standing.terminals.first().unwrap().terminal
    }

    #[test]
    fn what_a_copy_tried_is_told_from_what_this_terminal_tried() {
        let attempt = |name: &str| sha256(name.as_bytes());
        let own =
            Own { last: Some(LastUse { index: 5, time: 50 }), attempts: vec![attempt("mine")], known: None };
        let refused =
            Happening { refused: Some("secret_stale".to_owned()), ..entry(12, "keyring.sign", attempt("d")) };
        let done = [
            refused,
            entry(11, "keyring.attempt", attempt("d")),
            entry(10, "keyring.attempt", attempt("c")),
            entry(9, "keyring.fail", attempt("mine")),
            entry(8, "keyring.fail", attempt("b")),
            entry(7, "keyring.attempt", attempt("b")),
            entry(6, "keyring.attempt", attempt("mine")),
            entry(5, "keyring.sign", attempt("a")),
            entry(4, "keyring.attempt", attempt("a")),
        ];
        let terminal = TerminalId::random();
        let others = Others::among(&done, (&own, terminal), false);
        let ended: Vec<_> = others.attempts.iter().map(|other| (other.time, other.ended.clone())).collect();
        let stale = Ended::Refused("secret_stale".to_owned());
        assert_eq!(ended, [(70, Ended::Wrong), (100, Ended::Unfinished), (110, stale)]);
        assert_eq!(others.since, Some(50));
        // A terminal that was never used counts all that it did not try.
        let all = Others::among(&done, (&Own::default(), terminal), true);
        assert_eq!((all.attempts.len(), all.since, all.more), (5, None, true));
    }
}
