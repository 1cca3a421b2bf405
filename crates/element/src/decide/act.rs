//! Acts on data: several events, of which all happen or none.

use sceau_element_api::wire::{Code, Refusal, RowKey};
use sceau_trace::Action;

use super::{Core, Moment, Outcome, Step};
use crate::protect::PreparedAct;
use crate::rules;

impl Core {
    /// Has who approves an erasure be there for so many milliseconds when it is asked.
    pub fn take_approvers_of(&mut self, age: u64) {
        self.approver_age = age;
    }

    /// An act and what it does to each datum, in one batch: all of it is durable, or nothing.
    pub(super) fn act(&mut self, now: Moment, prepared: PreparedAct) -> Step {
        let claim = &prepared.claim.claim;
        let key = RowKey { kind: claim.kind, id: claim.id.clone() };
        let spent = self.spend(now, &prepared.claim.authority);
        let events = match spent
            .and_then(|()| rules::act::order(&self.state, self.time, self.approver_age, prepared))
        {
            Ok(events) => events,
            Err(refusal) => return self.refuse(Action::DATUM_ACT, Some(key), refusal),
        };
        let mut attested = None;
        for event in &events {
            match self.apply(event) {
                Ok(row) => attested = attested.or(row),
                // As in `accept`: a fault of ours, and nothing may go on from here.
                Err(error) => {
                    let refusal = Refusal::new(Code::Unavailable, error.to_string());
                    return Step { outcome: Outcome::Refused(refusal), events: Vec::new() };
                }
            }
        }
        Step { outcome: attested.map_or(Outcome::Silent, Outcome::Attested), events }
    }
}
