//! Forgetting: who asked, and from where, is sealed under the key of the month in which it was recorded. When that key is destroyed, the log and every
//! proof from it are as they were, and nobody learns any more whom a record is about.

mod keys;
mod month;

pub use keys::PersonalKeys;
pub(crate) use keys::{Retaining, split};
pub use month::{Month, RetainMonths};

use std::collections::BTreeSet;

use sceau_trace::{FieldPath, Openings, Record};

/// The months that a journal speaks of.
#[derive(Debug, Default, Clone)]
pub struct JournalMonths {
    /// It has records that are sealed under their keys.
    pub used: BTreeSet<Month>,
    /// Their keys were destroyed: none is asked for, made or used again, whatever the clock and the terms say now.
    pub ended: BTreeSet<Month>,
}

/// Kinds of subjects that a call names and the state does not need.
const PERSONAL: [&str; 4] = ["user", "granted_user", "granted_group", "address"];

/// Parts the openings of a call's record: those that are forgotten in time, and the others.
pub(crate) fn part(record: &Record, openings: &Openings) -> (Openings, Openings) {
    let is_personal = |path| match path {
        FieldPath::Subject(at) => {
            record.subjects().get(usize::from(at)).is_some_and(|it| PERSONAL.contains(&it.kind.as_str()))
        }
        FieldPath::Actor | FieldPath::Attested => false,
    };
    (openings.clone().only(is_personal), openings.clone().only(|path| !is_personal(path)))
}
