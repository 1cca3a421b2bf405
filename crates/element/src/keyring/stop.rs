//! A keyring is stopped, goes on, or is ended: the next version of it, for the rules to judge.

use sceau_element_api::keyring::{BlockedFor, Keyring, KeyringPhase, Suspended};
use sceau_element_api::wire::{Code, Refusal, Version};
use sceau_element_api::{Base64Url, KeyringId};
use sceau_keyring::{Answer, Destroy, FAILURES, Resume, Stopped, Suspend};
use sceau_trace::Hash;

use super::context::Stage;
use super::conversation::{Answered, Desk, Next, SUSPENDABLE, Turn, not_here, stopped_by, unknown};
use super::secrets::Secrets;
use super::terminals::nobody_comes;
use super::{KeyringAct, NewRow, PreparedKeyring};
use crate::state::KeyringFact;

/// A keyring as it is to be stopped.
struct Seen {
    row: u64,
    version: Version,
    wrong: u8,
}

impl Desk {
    pub(super) fn suspend(&self, turn: &mut Turn, asked: &Suspend) -> Result<Next, Refusal> {
        let (keyring, reason) = (asked.keyring, asked.reason);
        let by = self.asker(turn, keyring, asked.terminal)?;
        let seen = self.seen(keyring, |known| SUSPENDABLE.contains(&known.stands()))?;
        // A terminal that was to come does not: what made somebody stop the keyring may be that one.
        let (document, secrets) = nobody_comes(self.keyring_at(keyring, seen.row)?);
        let suspended =
            Suspended { by: stopped_by(&by), reason, since: self.now().unix, before: document.phase };
        let (phase, suspended) = (KeyringPhase::Suspended, Some(suspended));
        let document = Keyring { phase, suspended, ..document };
        let row = self.new_row(&document, &secrets, Some(seen.version))?;
        let prepared = PreparedKeyring { keyring, by, act: KeyringAct::Suspend { row, reason } };
        Ok(Next::Order(Box::new(prepared), stopped(phase)))
    }

    pub(super) fn resume(&self, turn: &mut Turn, asked: &Resume) -> Result<Next, Refusal> {
        let (keyring, reason) = (asked.keyring, asked.reason);
        let by = self.asker(turn, keyring, None)?;
        let seen = self.seen(keyring, |known| known.phase == KeyringPhase::Suspended)?;
        as_it_was_seen(&seen, asked.version)?;
        let (document, secrets) = self.keyring_at(keyring, seen.row)?;
        let before = document.suspended.map_or(KeyringPhase::Active, |suspended| suspended.before);
        // Wrong PINs that came in while it was suspended count.
        let blocks = before == KeyringPhase::Active && seen.wrong >= FAILURES;
        let phase = if blocks { KeyringPhase::Blocked } else { before };
        let blocked = blocks.then_some(BlockedFor::Pin);
        let document = Keyring { phase, blocked, suspended: None, ..document };
        let row = self.new_row(&document, &secrets, Some(seen.version))?;
        let prepared = PreparedKeyring { keyring, by, act: KeyringAct::Resume { row, reason } };
        Ok(Next::Order(Box::new(prepared), stopped(phase)))
    }

    pub(super) fn destroy(&self, turn: &mut Turn, asked: &Destroy) -> Result<Next, Refusal> {
        let (keyring, reason) = (asked.keyring, asked.reason);
        let by = self.asker(turn, keyring, None)?;
        let seen = self.seen(keyring, |known| known.phase != KeyringPhase::Destroyed)?;
        as_it_was_seen(&seen, asked.version)?;
        let row = self.last_row(keyring, seen.row, seen.version)?;
        let prepared = PreparedKeyring { keyring, by, act: KeyringAct::Destroy { row, reason } };
        Ok(Next::Order(Box::new(prepared), stopped(KeyringPhase::Destroyed)))
    }

    /// The last version of a keyring: no identity, record of a PIN, wrapped key or certificate is in it. What is left of its terminals is whom to tell that it is gone.
    pub(super) fn last_row(&self, keyring: KeyringId, row: u64, version: Version) -> Result<NewRow, Refusal> {
        let (document, secrets) = nobody_comes(self.keyring_at(keyring, row)?);
        let phase = KeyringPhase::Destroyed;
        let document = Keyring { phase, key: None, blocked: None, suspended: None, ..document };
        let mut terminals = secrets.terminals;
        terminals.iter_mut().for_each(|terminal| terminal.record = Base64Url(Vec::new()));
        let secrets = Secrets { terminals, former: secrets.former, ..Secrets::default() };
        self.new_row(&document, &secrets, Some(version))
    }

    /// A keyring as it is now, where it may be stopped so.
    fn seen(&self, keyring: KeyringId, may: impl FnOnce(&KeyringFact) -> bool) -> Result<Seen, Refusal> {
        self.with(|state| match state.keyrings().keyring(keyring) {
            Some(known) if may(known) => {
                Ok(Seen { row: known.row, version: known.version, wrong: known.failed })
            }
            Some(known) => Err(not_here(known)),
            None => Err(unknown()),
        })
    }
}

/// Who lets it go on, or ends it, saw this version: something that was asked of an earlier stop does nothing to a later one.
fn as_it_was_seen(seen: &Seen, named: Hash) -> Result<(), Refusal> {
    let words = "the keyring changed since it was looked at: look again";
    if seen.version.hash == named { Ok(()) } else { Err(Refusal::new(Code::StaleVersion, words)) }
}

fn stopped(phase: KeyringPhase) -> Answered {
    Box::new(move |index| (Answer::Stopped(Stopped { phase, index }), Stage::Actor))
}
