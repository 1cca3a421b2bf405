//! The months whose keys go: announced at one start, destroyed at a later one, a day after at least.

use std::collections::BTreeMap;

use sceau_element_api::protect::Happened;

use crate::retention::Month;

/// A step to the end of a month's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionStep {
    /// It is to be destroyed when what it seals is kept no more.
    Due,
    /// It was destroyed.
    Ended,
}

/// What became of the keys of months; of those that nothing is said of, the keys are to be there.
#[derive(Debug, Default)]
pub struct Retention(BTreeMap<Month, (RetentionStep, Happened)>);

impl Retention {
    /// The last step of a month's key, and when it was.
    #[must_use]
    pub fn of(&self, month: Month) -> Option<(RetentionStep, Happened)> {
        self.0.get(&month).copied()
    }

    /// The months that were announced, and whose keys are not said to be destroyed.
    pub fn due(&self) -> impl Iterator<Item = (Month, Happened)> {
        let due = self.0.iter().filter(|(_, (step, _))| *step == RetentionStep::Due);
        due.map(|(month, (_, at))| (*month, *at))
    }

    /// The months whose keys were destroyed.
    pub fn ended(&self) -> impl Iterator<Item = Month> {
        self.0.iter().filter(|(_, (step, _))| *step == RetentionStep::Ended).map(|(month, _)| *month)
    }

    /// Takes a step; none where it does not follow.
    pub(super) fn take(&mut self, month: Month, step: RetentionStep, at: Happened) -> Option<()> {
        let before = self.of(month);
        let follows = match step {
            // Announced anew by a clock that the first announcement was ahead of.
            RetentionStep::Due => {
                before.is_none_or(|(step, first)| step == RetentionStep::Due && at.time < first.time)
            }
            RetentionStep::Ended => before.is_some_and(|(step, _)| step == RetentionStep::Due),
        };
        if !follows {
            return None;
        }
        self.0.insert(month, (step, at));
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_announced_and_then_destroyed_and_that_is_all() {
        let (mut months, month) = (Retention::default(), Month::of(0));
        let at = |index| Happened { time: index * 10, index };
        assert_eq!(months.take(month, RetentionStep::Ended, at(1)), None);
        assert_eq!(months.take(month, RetentionStep::Due, at(2)), Some(()));
        assert_eq!(months.take(month, RetentionStep::Due, at(3)), None);
        assert_eq!(months.due().collect::<Vec<_>>(), [(month, at(2))]);
        let sooner = Happened { time: 15, index: 3 };
        assert_eq!(months.take(month, RetentionStep::Due, sooner), Some(()));
        assert_eq!(months.due().collect::<Vec<_>>(), [(month, sooner)]);
        assert_eq!(months.take(month, RetentionStep::Ended, at(4)), Some(()));
        assert_eq!((months.due().count(), months.of(month)), (0, Some((RetentionStep::Ended, at(4)))));
        assert_eq!(months.ended().collect::<Vec<_>>(), [month]);
        assert_eq!(months.take(month, RetentionStep::Due, at(5)), None);
    }
}
