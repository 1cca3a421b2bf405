//! Keyrings that wait for a certificate of an authority outside.

use std::collections::BTreeSet;
use std::ops::Bound;

use sceau_element_api::KeyringId;
use sceau_element_api::keyring::KeyringPhase;

use super::KeyringFact;

/// Those whose row says so, in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct CertifyingKeyrings(BTreeSet<KeyringId>);

impl CertifyingKeyrings {
    /// Those after this one.
    pub(crate) fn after(&self, known: Option<KeyringId>) -> impl Iterator<Item = KeyringId> {
        let from = known.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((from, Bound::Unbounded)).copied()
    }

    /// Takes a version of a keyring in.
    pub(super) fn take(&mut self, keyring: KeyringId, fact: &KeyringFact) {
        if fact.phase == KeyringPhase::Certifying {
            self.0.insert(keyring);
        } else {
            self.0.remove(&keyring);
        }
    }
}
