use crate::support::cases;
use proptest::prelude::*;
use sceau_trace::*;

#[test]
fn a_swap_needs_the_current_version() {
    let mut map = StateMap::new();
    assert_eq!(map.root(), StateMap::new().root());
    let first = map.compare_and_swap("scheme", "a", None, sha256(b"1")).unwrap();
    assert_eq!(first, StateEntry { version: 1, hash: sha256(b"1") });
    let root = map.root();

    let again = map.compare_and_swap("scheme", "a", None, sha256(b"2"));
    assert_eq!(again, Err(Conflict { current: Some(first) }));
    let stale = StateEntry { version: 2, ..first };
    assert_eq!(
        map.compare_and_swap("scheme", "a", Some(stale), sha256(b"2")),
        Err(Conflict { current: Some(first) })
    );
    assert_eq!(map.root(), root, "a refusal changes nothing");

    let second = map.compare_and_swap("scheme", "a", Some(first), sha256(b"2")).unwrap();
    assert_eq!(second.version, 2);
    assert_eq!(map.lookup("scheme", "a"), Some(second));
    assert_eq!(map.lookup("schem", "ea"), None);
    assert_ne!(map.root(), root);
    assert_eq!(map.len(), 1);
}

#[test]
fn a_version_that_comes_back_is_not_the_same_state() {
    let mut map = StateMap::new();
    let one = map.compare_and_swap("account", "a", None, sha256(b"1")).unwrap();
    let root = map.root();
    let two = map.compare_and_swap("account", "a", Some(one), sha256(b"2")).unwrap();
    map.compare_and_swap("account", "a", Some(two), sha256(b"1")).unwrap();
    assert_ne!(map.root(), root);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_root_depends_on_the_content_alone(
        (sorted, shuffled) in proptest::collection::btree_set("[a-z]{1,4}", 0..60)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|ids| (Just(ids.clone()), Just(ids).prop_shuffle()))
    ) {
        let fill = |ids: &[String]| {
            let mut map = StateMap::new();
            for id in ids {
                map.compare_and_swap("dossier", id, None, sha256(id.as_bytes())).unwrap();
            }
            map
        };
        let (one, other) = (fill(&sorted), fill(&shuffled));
        prop_assert_eq!(one.root(), other.root());
        for id in &sorted {
            prop_assert_eq!(one.lookup("dossier", id).unwrap().hash, sha256(id.as_bytes()));
        }
        prop_assert_eq!(one.len(), sorted.len());
    }
}

fn filled(ids: &std::collections::BTreeSet<String>) -> StateMap {
    let mut map = StateMap::new();
    for id in ids {
        map.compare_and_swap("dossier", id, None, sha256(id.as_bytes())).unwrap();
    }
    map
}

#[test]
fn an_empty_map_proves_absence() {
    let map = StateMap::new();
    let proof = map.prove("dossier", "a");
    assert_eq!(proof.verify(&map.root(), "dossier", "a"), Ok(None));
    assert_eq!(proof.verify(&sha256(b"other"), "dossier", "a"), Err(ProofError::RootMismatch));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn presence_and_absence_are_proved_under_the_root_alone(
        ids in proptest::collection::btree_set("[a-z]{1,3}", 1..60), asked in "[a-z]{1,3}"
    ) {
        let map = filled(&ids);
        for id in ids.iter().chain([&asked]) {
            let proof = map.prove("dossier", id);
            prop_assert_eq!(proof.verify(&map.root(), "dossier", id), Ok(map.lookup("dossier", id)));
            prop_assert!(proof.verify(&sha256(b"other"), "dossier", id).is_err());
            let text = serde_json::to_string(&proof).unwrap();
            prop_assert_eq!(serde_json::from_str::<MapProof>(&text).unwrap(), proof);
        }
    }

    #[test]
    fn a_spoilt_proof_never_says_something_else(
        ids in proptest::collection::btree_set("[a-z]{1,3}", 2..40),
        which: prop::sample::Index, at: prop::sample::Index, kind in 0usize..6, other: prop::sample::Index
    ) {
        let map = filled(&ids);
        let all: Vec<&String> = ids.iter().collect();
        let (id, other) = (which.get(&all), other.get(&all));
        let truth = map.lookup("dossier", id);
        let mut json = serde_json::to_value(map.prove("dossier", id)).unwrap();
        let borrowed = serde_json::to_value(map.prove("dossier", other)).unwrap();
        let steps = json["path"].as_array().unwrap().len();
        let step = at.index(steps);
        match kind {
            0 => json["path"][step]["sibling"] = sha256(b"x").to_string().into(),
            1 => json["path"][step]["bit"] = (json["path"][step]["bit"].as_u64().unwrap() ^ 1).into(),
            2 => drop(json["path"].as_array_mut().unwrap().remove(step)),
            3 => json["leaf"]["version"] = 2.into(),
            4 => json["leaf"] = serde_json::Value::Null,
            _ => json = borrowed,
        }
        let proof: MapProof = serde_json::from_value(json).unwrap();
        if let Ok(answer) = proof.verify(&map.root(), "dossier", id) {
            prop_assert!(kind >= 5, "an altered proof cannot lead to the same root");
            prop_assert_eq!(answer, truth);
        }
    }
}

fn version(kind: &str, version: u64, payload: &str, previous: Option<&str>) -> Attested {
    let previous = previous.map(|payload| sha256(payload.as_bytes()));
    let (hash, id) = (sha256(payload.as_bytes()), "hidden".to_owned());
    Attested { kind: kind.to_owned(), id, version, hash, previous }
}

#[test]
fn rows_follow_from_their_hashes_alone() {
    let mut rows = AttestedRows::new();
    assert_eq!(rows.root(), StateMap::new().root());
    for attested in [
        version("scheme", 1, "a1", None),
        version("scheme", 1, "b1", None),
        version("scheme", 2, "a2", Some("a1")),
        version("dossier", 1, "a1", None),      // another kind: another row
        version("scheme", 3, "a1", Some("a2")), // the old words again, as a new version
        version("scheme", 2, "b1", Some("b1")),
    ] {
        assert_eq!(rows.take(&attested).unwrap().version, attested.version);
    }
    let root = rows.root();
    for (attested, why) in [
        (version("scheme", 1, "a1", None), "begun again"),
        (version("scheme", 3, "x", Some("a2")), "forked from an older version"),
        (version("scheme", 5, "x", Some("a1")), "a version left out"),
        (version("scheme", 2, "x", Some("never")), "from a version that never was"),
        (version("account", 4, "x", Some("a1")), "from a row of another kind"),
    ] {
        assert!(rows.take(&attested).is_err(), "{why}");
        assert_eq!(rows.root(), root, "a refusal changes nothing");
    }
    // The ids play no part: who sees them and who does not compute the same root.
    let mut seen = AttestedRows::new();
    seen.take(&Attested { id: "seen".to_owned(), ..version("scheme", 1, "a1", None) }).unwrap();
    let mut unseen = AttestedRows::new();
    unseen.take(&version("scheme", 1, "a1", None)).unwrap();
    assert_eq!(seen.root(), unseen.root());
}
