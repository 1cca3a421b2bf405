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
