//! Steps in the lives of keyrings.

use sceau_element_api::wire::{Code, Refusal};

use super::{Core, Moment, Outcome, Step};
use crate::event::{Change, Event, KeyringChange, KeyringsBegun};
use crate::keyring::PreparedKeyring;
use crate::rules;
use crate::state::ApplyError;

impl Core {
    /// Has it serve keyrings; it does not unless this is said.
    pub(crate) fn serve_keyrings(&mut self) {
        self.keyrings = true;
    }

    /// Has keyrings begin.
    ///
    /// # Errors
    /// When they began before.
    pub(crate) fn begin_keyrings(&mut self, now: Moment, begun: KeyringsBegun) -> Result<Event, ApplyError> {
        self.time = self.time.max(now.unix);
        let record = rules::keyring::begin_record(self.time, &begun);
        let record = record.map_err(|_| ApplyError::Record { index: self.state.size() })?;
        let event = Event::new(&record, Change::Keyring(KeyringChange::Begun(begun)));
        self.apply(&event).map(|_| event)
    }

    pub(super) fn keyring(&mut self, prepared: &PreparedKeyring) -> Step {
        let index = self.state.size();
        let (events, outcome) = match rules::keyring::order(&self.state, self.time, prepared) {
            Ok(events) => (events, Outcome::Appended { index }),
            Err(refusal) => match rules::keyring::denied(&self.state, self.time, prepared, refusal.code) {
                Some(event) => (vec![event], Outcome::Refused(refusal)),
                None => return self.refuse(prepared.act.action(), None, refusal),
            },
        };
        match events.iter().try_for_each(|event| self.apply(event).map(drop)) {
            Ok(()) => Step { outcome, events },
            // As in `accept`: a fault of ours, and nothing may go on from here.
            Err(error) => {
                let refusal = Refusal::new(Code::Unavailable, error.to_string());
                Step { outcome: Outcome::Refused(refusal), events: Vec::new() }
            }
        }
    }
}
