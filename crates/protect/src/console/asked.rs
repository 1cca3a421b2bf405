//! Of which applications the data are that requests to erase are about, as the element said it once. Neither changes: a request names its data for good, and a datum its application.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sceau_element_api::documents::ProtectAct;
use sceau_element_api::{ActId, ApplicationId, OrganisationId};

/// A request's organisation, and the applications.
type Known = (OrganisationId, Arc<BTreeSet<ApplicationId>>);

/// Requests that wait. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(Arc<Mutex<HashMap<ActId, Known>>>);

impl Asked {
    /// None where the element was not asked.
    pub(super) fn applications(&self, act: ActId) -> Option<Arc<BTreeSet<ApplicationId>>> {
        self.known().get(&act).map(|(_, applications)| Arc::clone(applications))
    }

    pub(super) fn learn(&self, act: &ProtectAct, applications: BTreeSet<ApplicationId>) {
        self.known().insert(act.act, (act.organisation, Arc::new(applications)));
    }

    /// Forgets those of an organisation that wait no more.
    pub(super) fn retain(&self, organisation: OrganisationId, waiting: &[ActId]) {
        self.known().retain(|act, (of, _)| *of != organisation || waiting.contains(act));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ActId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_element_api::AccountId;
    use sceau_element_api::documents::Does;

    fn request(organisation: OrganisationId) -> ProtectAct {
        let (act, by, data, reason) = (ActId::random(), AccountId::random(), Vec::new(), "why".to_owned());
        ProtectAct { v: 1, act, organisation, does: Does::Erase, data, reason, time: 1, by, decision: None }
    }

    #[test]
    fn what_waits_is_known_until_it_waits_no_more() {
        let (asked, organisation, application) =
            (Asked::default(), OrganisationId::random(), ApplicationId::random());
        let (one, two, other) =
            (request(organisation), request(organisation), request(OrganisationId::random()));
        for act in [&one, &two, &other] {
            assert!(asked.applications(act.act).is_none());
            asked.learn(act, [application].into());
        }
        asked.retain(organisation, &[two.act]);
        assert!(asked.applications(one.act).is_none());
        for act in [two, other] {
            assert_eq!(*asked.applications(act.act).unwrap(), [application].into());
        }
    }
}
