//! Reading where a keyring stands, and stopping it: by its holder's terminal, the registration authority that made it, and support, each as far as it may.

use sceau_element_api::keyring::{
    ActorRole, DestroyReason, KeyringPhase, ResumeReason, StoppedBy, SuspendReason,
};
use sceau_element_api::wire::{Code, Refusal};
use sceau_trace::{Action, Asserted, Record};

use super::not_here;
use super::order::{Step, Taken};
use crate::event::KeyringChange;
use crate::keyring::{By, NewRow};
use crate::rules::{demand, element};
use crate::state::KeyringFact;

/// Phases that a keyring can be suspended in: it has a holder, and is not stopped.
pub(crate) const SUSPENDABLE: [KeyringPhase; 3] =
    [KeyringPhase::Delivered, KeyringPhase::Certifying, KeyringPhase::Active];

impl Step<'_> {
    /// Who may look at it and stop it: a bound terminal of it, the registration authority that made it, support of its policy.
    fn asker(&self, known: &KeyringFact) -> Result<(), Refusal> {
        match &self.prepared.by {
            By::Terminal(..) => self.terminal(known).map(drop),
            By::Authority(_) => self.maker(known),
            By::Factor | By::Outside => {
                Err(Refusal::new(Code::ActorUnknown, "no terminal of this keyring signed it"))
            }
            By::Support(by) => {
                let may = self.acts(by, ActorRole::Support, &known.policy);
                demand(may, Code::ActorUnknown, "no support of this policy signed it")
            }
        }
    }

    pub(super) fn read(&self) -> Taken {
        let known = self.known()?;
        self.asker(known)?;
        let change = KeyringChange::Read { keyring: self.prepared.keyring, previous: known.last };
        Ok((self.about(known).granted(), change))
    }

    pub(super) fn suspend(&self, row: &NewRow, reason: SuspendReason) -> Taken {
        let known = self.known()?;
        self.asker(known)?;
        if !SUSPENDABLE.contains(&known.stands()) {
            return Err(not_here(known));
        }
        self.row(self.of(known).detail("reason", reason.as_str()), row, Some(known), Vec::new())
    }

    /// Nobody but the registration authority that made it lets it go on: who stole a terminal or support's key does not undo what stops them.
    pub(super) fn resume(&self, row: &NewRow, reason: ResumeReason) -> Taken {
        let known = self.known()?;
        self.maker(known)?;
        if known.phase != KeyringPhase::Suspended {
            return Err(not_here(known));
        }
        self.row(self.of(known).detail("reason", reason.as_str()), row, Some(known), Vec::new())
    }

    pub(super) fn destroy(&self, row: &NewRow, reason: DestroyReason) -> Taken {
        let known = self.known()?;
        self.maker(known)?;
        if known.phase == KeyringPhase::Destroyed {
            return Err(not_here(known));
        }
        self.row(self.of(known).detail("reason", reason.as_str()), row, Some(known), Vec::new())
    }

    /// That a keyring is blocked, right after the wrong PIN that did it; none where it is not, or its row changed meanwhile: then its counters alone say so.
    pub(super) fn block(&self, row: &NewRow) -> Option<Taken> {
        let known = self.known().ok()?;
        let blocks = known.phase == KeyringPhase::Active
            && known.attempts(None).failed().failed >= sceau_keyring::FAILURES
            && Some(known.version) == row.previous;
        let builder = || {
            let builder = Record::builder(self.now, element(), Asserted::Element, Action::KEYRING_BLOCK);
            builder.organisation(known.policy.document.organisation.to_string()).detail("reason", "pin")
        };
        let follows = |(record, change)| match change {
            // Its entry comes right after the one of the wrong PIN.
            KeyringChange::Row { keyring, payload, sealed, boxes, holder, .. } => {
                let previous = Some(self.state.size());
                (record, KeyringChange::Row { keyring, previous, payload, sealed, boxes, holder })
            }
            change => (record, change),
        };
        blocks.then(|| self.row(builder(), row, Some(known), Vec::new()).map(follows))
    }
}

/// In which quality somebody stops a keyring.
pub(crate) fn stopped_by(by: &By) -> StoppedBy {
    match by {
        By::Authority(_) => StoppedBy::Authority,
        By::Support(_) => StoppedBy::Support,
        By::Terminal(..) | By::Factor | By::Outside => StoppedBy::Holder,
    }
}
