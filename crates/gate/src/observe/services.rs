//! The services behind a gate, and the partners that it calls: each once, whichever routes lead there.

use std::collections::BTreeMap;

use super::ledger::ServiceTally;
use crate::plan::Plan;

/// By its address: whether it took the last connection that was tried, and what is counted of it.
pub(crate) fn services(plan: &Plan) -> BTreeMap<&str, (bool, &ServiceTally)> {
    let routes =
        plan.listeners.iter().flat_map(|listener| listener.routes.iter()).map(|route| &route.upstreams);
    let mut all = BTreeMap::new();
    for (service, takes, tally) in
        routes.chain(plan.outgoing.iter().map(|one| one.partner())).flat_map(|it| it.services())
    {
        // A route that found it away tries it each second; one that did not may not have asked.
        let known = all.entry(service).or_insert((takes, tally));
        known.0 &= takes;
    }
    all
}
