//! The core as a state machine: whatever the commands, replaying its events gives the same state, and no row ever goes back.

use std::collections::HashMap;

use proptest::prelude::*;
use sceau_element::{Claim, Command, Core, Event, Moment, NonceAuthority, Outcome, ProofKey, WebIdentity};
use sceau_element_api::documents::{
    AccountDocument, AccountStatus, Document, DossierPhase, DossierState, SchemeDocument,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::{AttestedRow, RecordDraft, RowKey, Version};
use sceau_element_api::{AccountId, OrganisationId, Role};
use sceau_trace::{Action, Actor, ActorKind, LogTree, Record, leaf_hash};

use crate::authenticator::Authenticator;
use crate::house::{credential, request};

/// What the platform tries next; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Citizen(u8),
    Admin(u8),
    Passkey(u8),
    Dossier(u8),
    Record,
    Clock(i64),
}

fn step() -> impl Strategy<Value = (Step, u8)> {
    let step = prop_oneof![
        any::<u8>().prop_map(Step::Citizen),
        any::<u8>().prop_map(Step::Admin),
        any::<u8>().prop_map(Step::Passkey),
        any::<u8>().prop_map(Step::Dossier),
        Just(Step::Record),
        any::<i16>().prop_map(|by| Step::Clock(i64::from(by))),
    ];
    (step, 0_u8..4)
}

struct World {
    core: Core,
    accounts: Vec<AccountId>,
    passkeys: Vec<Authenticator>,
    events: Vec<Event>,
    rows: HashMap<RowKey, Vec<AttestedRow>>,
    clock: i64,
}

impl World {
    fn new() -> Self {
        Self {
            core: Core::new(NonceAuthority::new()),
            accounts: (0..3).map(|_| AccountId::random()).collect(),
            passkeys: (0..3).map(|_| Authenticator::eddsa()).collect(),
            events: vec![],
            rows: HashMap::new(),
            clock: 1_000_000,
        }
    }

    fn take(&mut self, step: &Step, guess: u8) {
        let at = |choice: &u8, all: usize| usize::from(*choice) % all;
        match step {
            Step::Citizen(n) => {
                let document = account(self.accounts[at(n, 3)], Role::Citizen, *n > 128);
                self.attest(&document, guess);
            }
            Step::Admin(n) => {
                let document = account(self.accounts[at(n, 3)], Role::PlatformAdmin, false);
                self.attest(&document, guess);
            }
            Step::Passkey(n) => {
                let document = credential(self.accounts[at(n, 3)], &self.passkeys[at(&(n / 3), 3)]);
                self.attest(&document, guess);
            }
            Step::Dossier(n) => {
                let scheme = crate::house::scheme(OrganisationId::random());
                let document = unfounded_dossier(self.accounts[at(n, 3)], &scheme);
                self.attest(&document, guess);
            }
            Step::Record => {
                let actor = Actor::new(ActorKind::Platform, "platform");
                self.execute(Command::Append(Box::new(RecordDraft::new(actor, Action::LOGIN))), None);
            }
            Step::Clock(by) => self.clock = (self.clock + by).max(0),
        }
    }

    /// Attests with the current version, none, or an older one.
    fn attest<D: Document>(&mut self, document: &D, guess: u8) {
        let key = RowKey { kind: D::KIND, id: document.row() };
        let versions = self.rows.get(&key).map_or(&[][..], Vec::as_slice);
        let previous: Option<Version> = match guess {
            0 => None,
            1 => versions.first().map(AttestedRow::version),
            _ => versions.last().map(AttestedRow::version),
        };
        let claim = Claim::read(request(document, previous, Proof::PlatformAsserted)).unwrap();
        let web = WebIdentity { rp_id: "sceau.localhost".to_owned(), origins: vec![] };
        let proven = claim.prove(&ProofKey::None, &web).unwrap();
        self.execute(Command::Attest(Box::new(proven)), Some(key));
    }

    fn execute(&mut self, command: Command, key: Option<RowKey>) {
        let now = Moment { unix: u64::try_from(self.clock).unwrap(), uptime: 0 };
        let step = self.core.execute(now, command);
        if let (Outcome::Attested(row), Some(key)) = (&step.outcome, key) {
            self.rows.entry(key).or_default().push(*row);
        }
        self.events.extend(step.events);
    }
}

fn account(account: AccountId, role: Role, suspended: bool) -> AccountDocument {
    let status = if suspended { AccountStatus::Suspended } else { AccountStatus::Active };
    AccountDocument {
        v: 1,
        account,
        role,
        organisation: None,
        invitation_hash: None,
        status,
        applications: None,
    }
}

fn unfounded_dossier(depositor: AccountId, scheme: &SchemeDocument) -> DossierState {
    DossierState {
        v: 1,
        dossier: sceau_element_api::DossierId::random(),
        organisation: scheme.organisation,
        scheme: scheme.scheme,
        depositor,
        phase: DossierPhase::Draft,
        time: 0,
    }
}

proptest! {
    #[test]
    fn replaying_the_events_gives_the_same_state(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for (step, guess) in &steps {
            world.take(step, *guess);
        }
        let mut replayed = Core::new(NonceAuthority::new());
        for event in &world.events {
            replayed.replay(event).unwrap();
        }
        prop_assert_eq!(replayed.map_root(), world.core.map_root());
        prop_assert_eq!(replayed.state().size(), world.core.state().size());
        prop_assert_eq!(world.events.len() as u64, world.core.state().size());
        for (key, versions) in &world.rows {
            prop_assert_eq!(replayed.state().row(key), versions.last().copied());
        }
    }

    #[test]
    fn rows_and_time_never_go_back(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for (step, guess) in &steps {
            world.take(step, *guess);
        }
        for versions in world.rows.values() {
            let numbers: Vec<u64> = versions.iter().map(|row| row.version).collect();
            prop_assert_eq!(numbers, (1..=versions.len() as u64).collect::<Vec<_>>());
        }
        let times: Vec<u64> = world.events.iter().map(|e| Record::parse(&e.leaf).unwrap().time()).collect();
        prop_assert!(times.is_sorted());
    }

    #[test]
    fn a_journal_without_one_event_is_another(steps in proptest::collection::vec(step(), 20..40), lost in any::<usize>()) {
        let mut world = World::new();
        for (step, guess) in &steps {
            world.take(step, *guess);
        }
        prop_assume!(!world.events.is_empty());
        let root = |events: &[Event]| {
            events.iter().map(|event| leaf_hash(&event.leaf)).collect::<LogTree>().root()
        };
        let whole = root(&world.events);
        world.events.remove(lost % world.events.len());
        prop_assert_ne!(root(&world.events), whole);
    }
}
