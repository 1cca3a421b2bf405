//! Calls of applications: one, or the many of a batch, each judged on what those before it left.

use sceau_element_api::protect::OfBatch;
use sceau_element_api::wire::{Code, Refusal};

use super::{Core, Outcome, Step, answer};
use crate::event::Event;
use crate::protect::PreparedCall;
use crate::rules;
use crate::state::CallKey;

impl Core {
    /// A call: good once.
    pub(super) fn call(&mut self, prepared: PreparedCall) -> Step {
        self.state.forget_calls(self.time);
        match rules::call::taken(&self.state, self.time, &prepared.call) {
            Ok(key) => self.called(key, prepared),
            Err(refusal) => self.untaken(&prepared, refusal),
        }
    }

    /// A batch: good once, and of each of its data what a call of its own would come to. What comes of all of them is durable together.
    pub(super) fn batch(&mut self, calls: Vec<PreparedCall>) -> Step {
        self.state.forget_calls(self.time);
        let Some(first) = calls.first() else {
            let refusal = Refusal::new(Code::Malformed, "a batch has 1 to 400 data");
            return Step { outcome: Outcome::Refused(refusal), events: Vec::new() };
        };
        let key = match rules::call::taken(&self.state, self.time, &first.call) {
            Ok(key) => key,
            Err(refusal) => return self.untaken(first, refusal),
        };
        let mut events = Vec::with_capacity(calls.len());
        let mut items = Vec::with_capacity(calls.len());
        for prepared in calls {
            let step = self.called(key, prepared);
            events.extend(step.events);
            items.push(match step.outcome {
                Outcome::Called(called) => OfBatch::Granted(called),
                Outcome::Refused(refusal) => OfBatch::Refused(refusal),
                _ => OfBatch::Refused(Refusal::new(Code::Unavailable, "nothing was recorded")),
            });
        }
        Step { outcome: Outcome::CalledMany(items), events }
    }

    fn called(&mut self, key: CallKey, prepared: PreparedCall) -> Step {
        let index = self.state.size();
        let prepared = prepared
            .counted(|datum| self.state.opened(datum))
            .seconded(|datum, version, user| self.state.agreements().find(datum, version, user, self.time));
        let event: Event = match rules::call::order(&self.state, self.time, key, &prepared) {
            Ok(event) => event,
            Err(refusal) => return self.untaken(&prepared, refusal),
        };
        match self.apply(&event) {
            Ok(row) => Step { outcome: answer::of(prepared, index, row), events: vec![event] },
            Err(error) => Step {
                outcome: Outcome::Refused(Refusal::new(Code::Unavailable, error.to_string())),
                events: Vec::new(),
            },
        }
    }

    /// Whoever has an old call can bring it: such refusals are counted with those of strangers.
    fn untaken(&mut self, prepared: &PreparedCall, refusal: Refusal) -> Step {
        self.refuse(rules::call::action_of(&prepared.call.claims.op), prepared.row(), refusal)
    }
}
