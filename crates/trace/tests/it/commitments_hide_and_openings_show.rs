//! A committed record shows no id of a person; its openings, and nothing else, bring the record back.

use crate::support::{TestSigner, cases, committed, personal, random_of};
use proptest::prelude::*;
use sceau_trace::*;
use std::collections::HashSet;

fn id() -> impl Strategy<Value = String> {
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}"
}

fn any_record() -> impl Strategy<Value = Record> {
    let kind = prop_oneof![
        Just(ActorKind::Citizen),
        Just(ActorKind::CaseOfficer),
        Just(ActorKind::Supervisor),
        Just(ActorKind::OrganisationAdmin),
        Just(ActorKind::DataOfficer),
        Just(ActorKind::PlatformAdmin),
        Just(ActorKind::Client),
        Just(ActorKind::KeyManager),
        Just(ActorKind::Platform),
        Just(ActorKind::Element),
    ];
    let subject_kind = prop_oneof![
        Just("account"),
        Just("credential"),
        Just("dossier"),
        Just("file"),
        Just("ticket"),
        Just("organisation"),
        Just("scheme"),
        Just("key"),
    ];
    let attested =
        prop_oneof![Just("account"), Just("manifest"), Just("organisation"), Just("key-statement")];
    let subjects = proptest::collection::vec((subject_kind, id()), 0..64);
    (kind, id(), subjects, proptest::option::of((attested, id()))).prop_map(
        |(kind, id, subjects, attested)| {
            let mut builder =
                Record::builder(1, Actor::new(kind, id), Asserted::Platform, Action::DOSSIER_VIEW).granted();
            for (kind, id) in subjects {
                builder = builder.subject(kind, id);
            }
            if let Some((kind, id)) = attested {
                let (kind, hash) = (kind.into(), sha256(b"x"));
                builder = builder.attested(Attested { kind, id, version: 1, hash, previous: None });
            }
            builder.build().unwrap()
        },
    )
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_is_committed_comes_back(record in any_record(), seed in 0u64..10_000) {
        let (committed, openings) = record.commit(random_of(seed));
        prop_assert_eq!(&Record::parse(&committed.to_bytes()).unwrap(), &committed);
        prop_assert_eq!(&committed.reveal(&openings).unwrap(), &record);
        // Again: nothing is left to commit, and each key was drawn for one field.
        prop_assert_eq!(committed.commit(random_of(seed + 1)), (committed.clone(), Openings::default()));
        let keys: HashSet<_> = openings.iter().map(|(_, opening)| format!("{}", serde_json::json!(opening.key))).collect();
        prop_assert_eq!(keys.len(), openings.len());
        let json = serde_json::to_vec(&openings).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Openings>(&json).unwrap(), openings);
    }

    #[test]
    fn no_personal_id_is_left(record in any_record(), seed in 0u64..10_000) {
        let (committed, openings) = record.commit(random_of(seed));
        let log = String::from_utf8(committed.to_bytes()).unwrap();
        for id in personal(&record) {
            prop_assert!(!log.contains(id), "{id} in {log}");
        }
        prop_assert_eq!(openings.len(), personal(&record).len());
    }

    #[test]
    fn some_openings_show_some_fields(record in any_record(), seed in 0u64..10_000, shown in any::<u64>()) {
        let (committed, openings) = record.commit(random_of(seed));
        let shows = |path: FieldPath| match path {
            FieldPath::Actor => shown & 1 == 1,
            FieldPath::Attested => shown & 2 == 2,
            FieldPath::Subject(at) => (shown >> (at % 60 + 2)) & 1 == 1,
        };
        let some = openings.clone().only(shows);
        let revealed = committed.reveal(&some).unwrap();
        let hidden = openings.only(|path| !shows(path));
        prop_assert_eq!(revealed.reveal(&hidden).unwrap(), record);
    }

    #[test]
    fn another_value_key_or_place_does_not_open(bit in 0usize..256, seed in 0u64..10_000) {
        let (record, openings) = committed(seed);
        let (path, opening) = openings.iter().next().unwrap();
        let mut other = openings.clone();
        let value = opening.value.replace('a', "b") + "0";
        other.insert(path, Opening { value, ..opening.clone() });
        prop_assert_eq!(record.reveal(&other), Err(OpeningError::Wrong(path)));
        let mut key = key_bytes(opening);
        key[bit / 8] ^= 1 << (bit % 8);
        other.insert(path, Opening { key: CommitmentKey::new(key), value: opening.value.clone() });
        prop_assert_eq!(record.reveal(&other), Err(OpeningError::Wrong(path)));
        let mut swapped = openings.clone();
        swapped.insert(FieldPath::Subject(0), opening.clone());
        prop_assert_eq!(record.reveal(&swapped), Err(OpeningError::Wrong(FieldPath::Subject(0))));
    }
}

fn key_bytes(opening: &Opening) -> [u8; 32] {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = serde_json::to_value(opening).unwrap()["key"].as_str().unwrap().to_owned();
    URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
}

#[test]
fn an_opening_of_what_is_clear_or_absent_is_refused() {
    let (record, openings) = committed(1);
    let (_, opening) = openings.iter().next().unwrap();
    for path in [FieldPath::Attested, FieldPath::Subject(1), FieldPath::Subject(63)] {
        let mut more = openings.clone();
        more.insert(path, opening.clone());
        assert_eq!(record.reveal(&more), Err(OpeningError::Superfluous(path)));
    }
}

#[test]
fn evidence_is_not_built_with_an_opening_that_does_not_fit() {
    let (record, openings) = committed(1);
    let log = TestSigner::log();
    let tree: LogTree = [record.leaf_hash()].into_iter().collect();
    let signed = log.checkpoint(&Checkpoint::new(log.key.name(), 1, tree.root()).unwrap());
    let evidence = Evidence::build(&record.to_bytes(), 0, Vec::new(), &signed, &log.key).unwrap();
    let (_, foreign) = committed(2);
    assert_eq!(
        evidence.clone().with_openings(foreign).unwrap_err(),
        EvidenceError::Opening(OpeningError::Wrong(FieldPath::Actor))
    );
    let opened = evidence.with_openings(openings).unwrap().verify(None).unwrap();
    assert_eq!(opened.record, crate::support::record(1));
    assert_eq!(opened.leaf, record.leaf_hash());
}

#[test]
fn a_path_and_an_opening_have_one_spelling() {
    for path in [FieldPath::Actor, FieldPath::Attested, FieldPath::Subject(0), FieldPath::Subject(63)] {
        assert_eq!(path.to_string().parse(), Ok(path));
    }
    for wrong in
        ["", "actor", "actor.kind", "subjects.id", "subjects.64.id", "subjects.01.id", "subjects.+1.id"]
    {
        assert!(wrong.parse::<FieldPath>().is_err(), "{wrong}");
    }
    let key = "A".repeat(43);
    let read = |text: String| serde_json::from_str::<Openings>(&text).is_ok();
    let opening =
        |key: &str, value: &str| format!("{{\"actor.id\":{{\"key\":\"{key}\",\"value\":\"{value}\"}}}}");
    assert!(read(opening(&key, "abc")));
    assert!(!read(opening(&key, "")) && !read(opening(&key, "a b")) && !read(opening(&key, "192.0.2.7")));
    assert!(!read(opening(&key, &format!("hmac:{key}"))), "a commitment of a commitment");
    assert!(!read(opening(&key[1..], "abc")) && !read(opening(&format!("{key}="), "abc")));
}

#[test]
fn openings_do_not_show_in_debug() {
    let (_, openings) = committed(1);
    let shown = format!("{openings:?}");
    assert!(openings.iter().all(|(_, opening)| !shown.contains(&opening.value)), "{shown}");
}
