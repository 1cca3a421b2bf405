//! Keyrings that wait for their holders.

use std::collections::{BTreeSet, HashMap};

use sceau_element_api::{KeyringActorId, KeyringId};

use super::KeyringFact;

/// Keyrings of one registration authority that nobody activated yet, and that still may be; beyond, it waits. Each takes room in the journal, for good.
const MOST_WAITING: usize = 10_000;

/// The keyrings that were made and are not active, by who made them and until when they may be.
#[derive(Debug, Default)]
pub(crate) struct WaitingKeyrings(HashMap<KeyringActorId, BTreeSet<(u64, KeyringId)>>);

impl WaitingKeyrings {
    /// Whether this registration authority may have another one made at `now`.
    #[must_use]
    pub(crate) fn has_room(&self, authority: KeyringActorId, now: u64) -> bool {
        let of_it = |waiting: &BTreeSet<(u64, KeyringId)>| {
            waiting.iter().rev().take_while(|(ends, _)| *ends > now).take(MOST_WAITING).count()
        };
        self.0.get(&authority).map_or(0, of_it) < MOST_WAITING
    }

    /// Takes a version of a keyring in, of an entry of this time.
    pub(super) fn take(&mut self, keyring: KeyringId, fact: &KeyringFact, time: u64) {
        let of_it = self.0.entry(fact.authority).or_default();
        let place = (fact.activation_ends(), keyring);
        // One that was blocked before its holder had it takes as much room.
        if fact.terminals.is_empty() {
            of_it.insert(place);
        } else {
            of_it.remove(&place);
        }
        while of_it.first().is_some_and(|(ends, _)| *ends <= time) {
            of_it.pop_first();
        }
        if of_it.is_empty() {
            self.0.remove(&fact.authority);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use std::sync::Arc;

    use sceau_element_api::keyring::KeyringPhase;
    use sceau_element_api::wire::Version;
    use sceau_element_api::{OrganisationId, PolicyId, TerminalId};
    use sceau_trace::sha256;

    use super::super::{PolicyFact, TerminalFact};
    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;

    fn fact(authority: KeyringActorId, phase: KeyringPhase) -> KeyringFact {
        let (version, hash) = (1, sha256(b"x"));
        let document = serde_json::from_value(serde_json::json!({
            "v": 1, "origin": "example.org/log", "policy": PolicyId::random(), "organisation": OrganisationId::random(),
            "name": "Leases", "use": "sign", "pin": {"least": 6, "most": 12}, "second_factor": "none", "algorithm": "ES256",
            "authority": {"embedded": {"days": 365}}, "subject": ["common_name"], "activation_days": 30,
            "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10, "request_seconds": 600,
            "dissociation": "holder", "applies_to_existing": false, "status": "active", "time": 1,
        }));
        let version = Version { version, hash };
        let policy = Arc::new(PolicyFact { document: document.unwrap(), version, index: 0 });
        let (terminal, thumbprint) = (TerminalId::random(), [0; 32]);
        let bound = TerminalFact { terminal, thumbprint, boxed: 1, open: 0, last: 0 };
        let terminals = if phase == KeyringPhase::Active { vec![bound] } else { Vec::new() };
        let (row, last, made, wrong_factors) = (1, 1, 0, 0);
        let (since, suspended) = (0, None);
        KeyringFact {
            row,
            version,
            last,
            phase,
            since,
            suspended,
            policy,
            authority,
            made,
            wrong_factors,
            failed: 0,
            terminals,
            roaming: None,
            former: Vec::new(),
            face: None,
            face_used: false,
        }
    }

    #[test]
    fn who_has_keyrings_made_that_nobody_activates_waits_for_their_end() {
        let (mut waiting, of) = (WaitingKeyrings::default(), KeyringActorId::random());
        let made = fact(of, KeyringPhase::Made);
        let first = KeyringId::random();
        waiting.take(first, &made, 0);
        for _ in 2..MOST_WAITING {
            waiting.take(KeyringId::random(), &made, 0);
        }
        assert!(waiting.has_room(of, 0));
        waiting.take(KeyringId::random(), &made, 0);
        assert!(!waiting.has_room(of, 0) && waiting.has_room(KeyringActorId::random(), 0));
        // Delivered or blocked, it waits on; active, it does not.
        for phase in [KeyringPhase::Delivered, KeyringPhase::Blocked] {
            waiting.take(first, &fact(of, phase), 0);
            assert!(!waiting.has_room(of, 30 * DAY - 1));
        }
        waiting.take(first, &fact(of, KeyringPhase::Active), 0);
        assert!(waiting.has_room(of, 0));
        waiting.take(KeyringId::random(), &made, 0);
        assert!(!waiting.has_room(of, 0) && waiting.has_room(of, 30 * DAY));
        // Those whose days are over are forgotten.
        waiting.take(KeyringId::random(), &fact(of, KeyringPhase::Active), 30 * DAY);
        assert!(waiting.0.is_empty());
    }
}
