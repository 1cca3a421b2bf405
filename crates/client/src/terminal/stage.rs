//! What tests of a terminal stand on: what one keeps, and a provider that may ask its holder.

#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use sceau_crypto::KeyId;
use sceau_element_api::keyring::{
    ActorRole, ActorStatus, KeyringAccess, KeyringActor, KeyringPolicy, RequestKind,
};
use sceau_element_api::{KeyringActorId, KeyringId, OrganisationId, PolicyId, TerminalId};
use sceau_keyring::{Request, Statement as _, good_request};
use sceau_pki::{Authority, AuthorityProfile};
use sceau_trace::Hash;
use serde_json::json;

use super::storage::Kept;
use crate::ClientError;
use crate::keyring::FileKey;

pub(super) const ORIGIN: &str = "example.org/log";
pub(super) const NOW: u64 = 1_800_000_000_000;

/// A terminal, and a provider that may ask it.
pub(super) struct Stage {
    pub(super) kept: Kept,
    pub(super) policy: KeyringPolicy,
    pub(super) provider: FileKey,
    id: KeyringActorId,
}

impl Stage {
    pub(super) fn new() -> Self {
        let (organisation, policy) = (OrganisationId::random(), PolicyId::random());
        let policy = json!({
            "v": 1, "origin": ORIGIN, "policy": policy, "organisation": organisation, "name": "Leases",
            "use": "sign", "pin": {"least": 6, "most": 12}, "second_factor": "none", "algorithm": "ES256",
            "authority": {"embedded": {"days": 365}}, "subject": ["common_name"], "activation_days": 30,
            "terminals_most": 1, "roaming": "none", "biometric": "none", "batch_most": 10,
            "request_seconds": 300, "dissociation": "holder", "applies_to_existing": false,
            "status": "active", "time": NOW,
        });
        let policy: KeyringPolicy = serde_json::from_value(policy).unwrap();
        // Its certificate ended before: it may have been renewed since, and the element knows.
        let long_ago = NOW - 30 * 365 * 24 * 3_600_000;
        let authority = Authority::create(&AuthorityProfile::of("provider"), long_ago).unwrap();
        assert!(authority.certificate().not_after() < NOW);
        let actor = KeyringActor {
            id: KeyringActorId::random(),
            role: ActorRole::ServiceProvider,
            name: "Notaires".to_owned(),
            certificate: authority.certificate().der().to_vec().into(),
            policies: vec![policy.policy],
            kinds: vec![RequestKind::Sign, RequestKind::Authenticate],
            status: ActorStatus::Active,
        };
        let id = actor.id;
        let access = KeyringAccess {
            v: 1,
            origin: ORIGIN.to_owned(),
            organisation,
            actors: vec![actor],
            previous: None,
            time: NOW,
        };
        let kept = Kept {
            v: 1,
            keyring: KeyringId::random(),
            terminal: TerminalId::random(),
            key: vec![1; 16].into(),
            origin: ORIGIN.to_owned(),
            channel: KeyId::from_bytes([2; 32]),
            word: String::new(),
            policy: serde_json::to_vec(&policy).unwrap().into(),
            access: serde_json::to_vec(&access).unwrap().into(),
            certificate: None,
            chain: Vec::new(),
            image: Hash::new([3; 32]),
        };
        let provider = FileKey::from_pkcs8(&authority.key().to_pkcs8()).unwrap();
        Self { kept, policy, provider, id }
    }

    pub(super) fn good(&self) -> Request {
        self.good_at(NOW)
    }

    pub(super) fn good_at(&self, now: u64) -> Request {
        good_request(self.id, self.kept.keyring, ORIGIN, now)
    }

    /// How the terminal refuses what the owner of this key signed.
    pub(super) fn refused(&self, request: &Request, by: &FileKey) -> (&'static str, String) {
        match self.kept.judge(&request.sign(by).unwrap(), NOW) {
            // Its own word: a server would be blamed for what no server said.
            Err(ClientError::Keyring { code, detail }) => (code, detail),
            other => panic!("{other:?}"),
        }
    }
}
