//! The services behind a gate, and the partners that it calls: each once, whichever routes lead there.

use std::collections::BTreeMap;

use super::ledger::ServiceTally;
use crate::plan::Plan;

/// By its address: whether it serves, where anybody knows, and what is counted of it.
pub(crate) fn services(plan: &Plan) -> BTreeMap<&str, (Option<bool>, &ServiceTally)> {
    let mut all = BTreeMap::new();
    for (service, up, tally) in plan.upstreams().flat_map(|it| it.services()) {
        let known = all.entry(service).or_insert((up, tally));
        // A route that found it away tries it again; one that did not may not have asked.
        known.0 = match (known.0, up) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
    }
    all
}
