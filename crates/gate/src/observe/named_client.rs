//! The clients that a file names.

use std::sync::Arc;

use sceau_pki::SubjectRule;

use super::ledger::{Ledger, NamedClientTally};

/// One of them, and what is counted of it.
#[derive(Debug)]
pub(crate) struct NamedClient {
    pub(crate) rule: SubjectRule,
    pub(crate) tally: Arc<NamedClientTally>,
}

impl NamedClient {
    /// The one of these clients whom this rule permits.
    pub(crate) fn of(clients: &str, rule: &SubjectRule, ledger: &Ledger) -> Self {
        let key = format!("{clients} {:?} {:?}", rule.common_name(), rule.organizational_units());
        Self { rule: rule.clone(), tally: ledger.clients.of(&key) }
    }
}
