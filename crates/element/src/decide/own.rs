//! What the element does of itself.

use sceau_trace::{Action, Asserted, Record};

use super::{Core, Outcome, Step};
use crate::rules::{self, SignedContent};
use crate::signer::CONTENT_KEY;

impl Core {
    /// It starts, with this key of contents where none was named before.
    pub(super) fn start(&mut self, contents: Option<String>) -> Step {
        let record =
            Record::builder(self.time, rules::element(), Asserted::Element, Action::ELEMENT_START).granted();
        let record = contents.into_iter().fold(record, |record, key| record.detail(CONTENT_KEY, key));
        let event = record.build().ok().and_then(|record| self.keep(record));
        Step { outcome: Outcome::Silent, events: event.into_iter().collect() }
    }

    /// Who asked has the signature once its record is durable.
    pub(super) fn sign(&mut self, signed: &SignedContent) -> Step {
        match rules::content::order(&self.state, self.time, signed) {
            Ok(event) => self.accept(event),
            Err(refusal) => self.refuse(Action::DATUM_SIGN, Some(signed.row()), refusal),
        }
    }
}
