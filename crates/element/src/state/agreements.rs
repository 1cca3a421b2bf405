//! Agreements of second persons: each lets one user open one datum once, as it then was, within its time.
//!
//! What is kept goes by the time of the records that follow, as calls do, so that a replay of the journal knows what the running process knew.

use std::collections::{BTreeMap, HashMap};

use sceau_element_api::ApplicationId;
use sceau_element_api::protect::{DatumId, UserId};

/// Agreements of one datum that wait.
const MOST_OF_DATUM: usize = 16;
/// Of those, by one user: four of them are needed before others cannot agree.
const MOST_BY_USER: usize = 4;
/// Of one application.
const MOST_OF_ONE: usize = 10_000;

/// An agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// Index of its record.
    pub index: u64,
    /// Who agrees that who may open; none while a start has not opened yet who they are.
    pub between: Option<Between>,
    /// From when on it counts no more, in Unix milliseconds.
    pub until: u64,
    /// The version of the datum that it is about.
    pub version: u64,
}

/// The two users of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Between {
    /// Who agrees.
    pub by: UserId,
    /// Who may open.
    pub to: UserId,
}

/// The agreements that wait.
#[derive(Debug, Default)]
pub(crate) struct Agreements {
    of_datum: HashMap<DatumId, Vec<Agreement>>,
    by_end: BTreeMap<(u64, u64), (DatumId, ApplicationId)>,
    of: HashMap<ApplicationId, usize>,
}

impl Agreements {
    /// The agreement that lets a user open a version of a datum at `time` (Unix milliseconds), the one that ends first.
    #[must_use]
    pub(crate) fn find(&self, datum: DatumId, version: u64, to: &UserId, time: u64) -> Option<u64> {
        let for_them = |it: &Agreement| it.between.as_ref().is_some_and(|between| between.to == *to);
        let counts = |it: &&Agreement| it.version == version && for_them(it) && time < it.until;
        let all = self.of_datum.get(&datum)?.iter().filter(counts);
        all.min_by_key(|it| (it.until, it.index)).map(|it| it.index)
    }

    /// The agreement between the same two that waits at `time`: another takes its place.
    #[must_use]
    pub(crate) fn before(&self, datum: DatumId, between: &Between, time: u64) -> Option<u64> {
        self.waiting(datum, time).find(|it| it.between.as_ref() == Some(between)).map(|it| it.index)
    }

    /// Whether one more can be remembered by this user, of the datum and of its application, at `time`.
    #[must_use]
    pub(crate) fn has_room(
        &self,
        application: ApplicationId,
        datum: DatumId,
        by: &UserId,
        time: u64,
    ) -> bool {
        let theirs = |it: &&Agreement| it.between.as_ref().is_some_and(|between| between.by == *by);
        self.waiting(datum, time).count() < MOST_OF_DATUM
            && self.waiting(datum, time).filter(theirs).count() < MOST_BY_USER
            && self.of.get(&application).is_none_or(|count| *count < MOST_OF_ONE)
    }

    fn waiting(&self, datum: DatumId, time: u64) -> impl Iterator<Item = &Agreement> {
        self.of_datum.get(&datum).into_iter().flatten().filter(move |it| time < it.until)
    }

    /// Takes an agreement in.
    pub(super) fn take(&mut self, application: ApplicationId, datum: DatumId, agreement: Agreement) {
        self.by_end.insert((agreement.until, agreement.index), (datum, application));
        self.of_datum.entry(datum).or_default().push(agreement);
        *self.of.entry(application).or_default() += 1;
    }

    /// The records of those whose users are not known yet.
    pub(super) fn unnamed(&self) -> Vec<u64> {
        let all = self.of_datum.values().flatten();
        all.filter(|it| it.between.is_none()).map(|it| it.index).collect()
    }

    /// The records of those whose users are known, with these.
    pub(crate) fn named(&self) -> Vec<(u64, Between)> {
        let all = self.of_datum.values().flatten();
        all.filter_map(|it| Some((it.index, it.between.clone()?))).collect()
    }

    /// Says whose the agreement of this record is.
    pub(super) fn name(&mut self, index: u64, between: &Between) {
        let all = self.of_datum.values_mut().flatten();
        all.filter(|it| it.index == index).for_each(|it| it.between = Some(between.clone()));
    }

    /// Forgets one that was used, or whose place another took.
    pub(super) fn spend(&mut self, datum: DatumId, index: u64) {
        let known = self.of_datum.get(&datum).and_then(|all| all.iter().find(|it| it.index == index));
        if let Some(until) = known.map(|it| it.until) {
            self.remove((until, index));
        }
    }

    /// Forgets those that ended by `time`.
    pub(crate) fn forget(&mut self, time: u64) {
        while let Some((first, _)) = self.by_end.first_key_value().filter(|((until, _), _)| *until <= time) {
            self.remove(*first);
        }
    }

    fn remove(&mut self, place: (u64, u64)) {
        let Some((datum, application)) = self.by_end.remove(&place) else { return };
        if let Some(all) = self.of_datum.get_mut(&datum) {
            all.retain(|it| it.index != place.1);
            if all.is_empty() {
                self.of_datum.remove(&datum);
            }
        }
        if let Some(count) = self.of.get_mut(&application) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn an_agreement_is_good_once_for_one_user_and_version_until_it_ends() {
        let (application, datum) = (ApplicationId::random(), DatumId::random());
        let (alice, bob): (UserId, UserId) = ("alice".parse().unwrap(), "bob".parse().unwrap());
        let mut all = Agreements::default();
        let between = Some(Between { by: bob.clone(), to: alice.clone() });
        let agreement = |index, until| Agreement { index, between: between.clone(), until, version: 1 };
        all.take(application, datum, agreement(7, 3000));
        all.take(application, datum, agreement(8, 2000));
        assert_eq!(all.find(datum, 1, &alice, 1000), Some(8), "the one that ends first");
        assert_eq!(all.find(datum, 1, &alice, 2000), Some(7));
        assert_eq!(all.find(datum, 1, &alice, 3000), None);
        assert_eq!(all.find(datum, 1, &bob, 1000), None);
        assert_eq!(all.find(datum, 2, &alice, 1000), None);
        assert_eq!(all.find(DatumId::random(), 1, &alice, 1000), None);
        all.spend(datum, 8);
        assert_eq!(all.find(datum, 1, &alice, 1000), Some(7));
        all.forget(3000);
        assert!(all.of_datum.is_empty() && all.by_end.is_empty() && all.of[&application] == 0);
    }

    #[test]
    fn a_datum_takes_no_place_of_others() {
        let application = ApplicationId::random();
        let (full, other) = (DatumId::random(), DatumId::random());
        let mut all = Agreements::default();
        let user = |name: &str| -> UserId { name.parse().unwrap() };
        let room =
            |all: &Agreements, datum, by: &str, time| all.has_room(application, datum, &user(by), time);
        for index in 0..16 {
            let by = ["alice", "bob", "carol", "dan"][usize::try_from(index / 4).unwrap()];
            assert!(room(&all, full, by, 0));
            let between = Between { by: user(by), to: user(&format!("user {index}")) };
            assert_eq!(all.before(full, &between, 0), None);
            all.take(
                application,
                full,
                Agreement { index, between: Some(between.clone()), until: 10, version: 1 },
            );
            assert_eq!((all.before(full, &between, 0), all.before(full, &between, 10)), (Some(index), None));
            assert_eq!(room(&all, full, by, 0), index % 4 != 3, "four by one user");
        }
        assert!(!room(&all, full, "eve", 0) && room(&all, other, "eve", 0) && room(&all, other, "dan", 0));
        assert!(room(&all, full, "alice", 10), "those that ended are none");
    }
}
