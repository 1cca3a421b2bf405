//! Requests to erase that wait for a second person: each as it was signed, and with which passkey.

use std::collections::HashMap;

use sceau_element_api::documents::ProtectAct;
use sceau_element_api::{ActId, OrganisationId, RowId};
use sceau_trace::Hash;

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What was asked.
    pub document: ProtectAct,
    /// SHA-256 of its bytes.
    pub hash: Hash,
    /// The passkey that signed it.
    pub credential: RowId,
    /// When it was recorded, in Unix milliseconds.
    pub time: u64,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub struct WaitingActs(HashMap<ActId, Asked>);

impl WaitingActs {
    /// A request that was neither approved nor withdrawn. Its days may be over.
    #[must_use]
    pub fn get(&self, act: ActId) -> Option<&Asked> {
        self.0.get(&act)
    }

    /// How many an organisation has.
    #[must_use]
    pub fn of(&self, organisation: OrganisationId) -> usize {
        self.of_organisation(organisation).count()
    }

    /// Those of an organisation, the last asked first.
    #[must_use]
    pub fn waiting(&self, organisation: OrganisationId) -> Vec<ActId> {
        let mut all: Vec<&Asked> = self.of_organisation(organisation).collect();
        all.sort_by_key(|asked| (std::cmp::Reverse(asked.time), asked.document.act));
        all.into_iter().map(|asked| asked.document.act).collect()
    }

    fn of_organisation(&self, organisation: OrganisationId) -> impl Iterator<Item = &Asked> {
        self.0.values().filter(move |asked| asked.document.organisation == organisation)
    }

    /// Takes a version of an act in, whose record is of `time`, and forgets those whose days are over by then: by records alone, so that a replay
    /// forgets the same.
    pub(super) fn take(&mut self, asked: Asked, time: u64) {
        self.0.retain(|_, known| time < known.document.ends());
        if asked.document.is_request() {
            self.0.insert(asked.document.act, asked);
        } else {
            self.0.remove(&asked.document.act);
        }
    }
}
