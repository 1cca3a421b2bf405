use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use proptest::{prelude::ProptestConfig, test_runner::RngSeed};
use sceau_trace::*;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const ORIGIN: &str = "sceau.example/trace";

/// A key pair of a fixed seed, so that what tests write is the same each time.
pub(crate) struct TestSigner {
    pair: Ed25519KeyPair,
    pub(crate) key: VerifierKey,
}

impl TestSigner {
    pub(crate) fn new(name: &str, kind: KeyKind, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        TestSigner { pair, key: VerifierKey::new(name, kind, public).unwrap() }
    }

    pub(crate) fn log() -> Self {
        TestSigner::new(ORIGIN, KeyKind::Ed25519, 1)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().unwrap()
    }

    pub(crate) fn checkpoint(&self, checkpoint: &Checkpoint) -> VerifiedCheckpoint {
        checkpoint.with_signature(&self.key, self.sign(checkpoint.to_text().as_bytes())).unwrap()
    }
}

pub(crate) fn record(number: u64) -> Record {
    let actor = Actor::new(ActorKind::Citizen, "0d4ee4a0-54a4-4a7c-a2b4-7d5e3f2f0a11");
    Record::builder(1_795_132_800_000 + number, actor, Asserted::Passkey, Action::DEPOSIT_BEGIN)
        .subject("dossier", format!("{number:08x}-0000-4000-8000-000000000000"))
        .build()
        .unwrap()
}

pub(crate) fn tree(size: u64) -> LogTree {
    (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// So many cases, the same ones each time; `PROPTEST_RNG_SEED` asks for others.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(6962);
    }
    config
}

/// Keys of commitments for tests: the same ones for each seed.
pub(crate) fn random_of(seed: u64) -> impl FnMut() -> [u8; 32] {
    let mut drawn = 0u64;
    move || {
        drawn += 1;
        *sha256(&[seed.to_be_bytes(), drawn.to_be_bytes()].concat()).as_bytes()
    }
}

/// [`record`] number `number`, as the log shows it, and what opens it.
pub(crate) fn committed(number: u64) -> (Record, Openings) {
    record(number).commit(random_of(number))
}

/// The ids of a record that name a person or a person's thing, written down apart from the code's own list.
pub(crate) fn personal(record: &Record) -> Vec<&str> {
    use ActorKind::*;
    let people = [Citizen, CaseOfficer, Supervisor, OrganisationAdmin, DataOfficer, PlatformAdmin];
    let things = ["account", "credential", "dossier", "file", "ticket", "manifest", "decision"];
    let mut ids = Vec::new();
    ids.extend(people.contains(&record.actor().kind).then_some(record.actor().id.as_str()));
    let attested = record.attested().filter(|attested| things.contains(&attested.kind.as_str()));
    ids.extend(attested.map(|attested| attested.id.as_str()));
    let subjects = record.subjects().iter().filter(|subject| things.contains(&subject.kind.as_str()));
    ids.extend(subjects.map(|subject| subject.id.as_str()));
    ids
}

/// Keys in order, whether or not another crate of the build asks serde_json to keep the order of insertion.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<_, _> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        other => other,
    }
}
