//! Searching: what is found, in which order, and that no page looks at more than its share.

use std::collections::BTreeSet;
use std::sync::Arc;

use sceau_element_api::documents::{Datum, DatumStatus, Document as _, Erased, Grant, GrantStatus};
use sceau_element_api::protect::{DatumId, Grantee, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_protect::{DatumState, MIGRATIONS, Rows, Search, SearchFault, Searched};
use sceau_store::Database;

const NOW: u64 = 1_000_000;

struct World {
    _folder: tempfile::TempDir,
    rows: Rows,
    organisation: OrganisationId,
    application: ApplicationId,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
        let (organisation, application) = (OrganisationId::random(), ApplicationId::random());
        Self { _folder: folder, rows: Rows::new(database), organisation, application }
    }

    fn datum(&self, created: u64, name: &str) -> Datum {
        let said = serde_json::json!({
            "v": 1, "id": DatumId::random(), "organisation": self.organisation, "application": self.application,
            "owner": "alice@example.org", "name": name, "tags": [], "created": created, "expires": created + NOW,
            "valid_from": null, "valid_until": null, "status": "active", "grants": [],
        });
        serde_json::from_value(said).unwrap()
    }

    async fn keep(&self, datum: &Datum, version: u64) {
        let payload = datum.to_bytes().unwrap();
        let row = AttestedRow { version, hash: sceau_trace::sha256(&payload), index: version };
        let kept = KeptRow { payload: payload.into(), salt: vec![7; 81].into() };
        self.rows.keep_datum(&row, &kept).await.unwrap();
    }

    async fn page(&self, search: &Search) -> Searched {
        self.rows.search(self.organisation, search, NOW).await.unwrap()
    }

    /// Names of all that is found, page after page, and how many pages there were.
    async fn all(&self, search: &Search) -> (Vec<String>, usize) {
        let (mut search, mut names, mut pages) = (search.clone(), vec![], 0);
        loop {
            let page = self.page(&search).await;
            names.extend(page.found.into_iter().map(|(datum, _)| datum.name));
            pages += 1;
            let Some(next) = page.next else { return (names, pages) };
            search.after = Some(next.to_string());
        }
    }

    async fn names(&self, search: Search) -> Vec<String> {
        self.all(&search).await.0
    }
}

fn grant(to: Grantee) -> Grant {
    Grant { to, from: None, until: None, status: GrantStatus::Active }
}

#[tokio::test]
async fn each_filter_finds_its_own_and_all_of_them_together_what_all_find() {
    let world = World::new().await;
    let other = ApplicationId::random();
    let mut leaf = world.datum(10, "Ordonnance du 3 mars");
    leaf.tags = vec!["Cardiologie".into()];
    leaf.grants = vec![
        grant(Grantee::User("bob@example.org".parse().unwrap())),
        grant(Grantee::Group("soignants".parse().unwrap())),
    ];
    let of_other = Datum { application: other, ..world.datum(20, "Bulletin de mars") };
    let inactive = Datum { status: DatumStatus::Inactive, ..world.datum(30, "ORDONNANCE Dupont") };
    let expired = Datum { expires: NOW, ..world.datum(40, "vieille") };
    let erased = Some(Erased { time: 1, epoch: 1 });
    let erased = Datum { status: DatumStatus::Erased, erased, ..world.datum(5, "oubliée") };
    let foreign = Datum { organisation: OrganisationId::random(), ..world.datum(50, "Ordonnance") };
    for datum in [&leaf, &of_other, &inactive, &expired, &erased, &foreign] {
        world.keep(datum, 1).await;
    }
    let [mars, bulletin, dupont, vieille, oubliee] =
        ["Ordonnance du 3 mars", "Bulletin de mars", "ORDONNANCE Dupont", "vieille", "oubliée"];
    let text = |text: &str| Some(text.to_owned());
    for (search, expected) in [
        (Search::default(), vec![vieille, dupont, bulletin, mars, oubliee]),
        (Search { name: text("ordonnance"), ..Search::default() }, vec![dupont, mars]),
        (Search { name: text("  MARS ordonnance "), ..Search::default() }, vec![mars]),
        (Search { name: text("ordo"), ..Search::default() }, vec![]),
        (Search { person: text("bob@example.org"), ..Search::default() }, vec![mars]),
        (Search { person: text("Soignants"), ..Search::default() }, vec![mars]),
        (
            Search { person: text("alice@example.org"), ..Search::default() },
            vec![vieille, dupont, bulletin, mars, oubliee],
        ),
        (Search { tag: text("cardiologie"), ..Search::default() }, vec![mars]),
        (Search { application: Some(other), ..Search::default() }, vec![bulletin]),
        // The foreign one says that it is this application's too.
        (
            Search { application: Some(world.application), ..Search::default() },
            vec![vieille, dupont, mars, oubliee],
        ),
        (Search { state: Some(DatumState::Active), ..Search::default() }, vec![bulletin, mars]),
        (Search { state: Some(DatumState::Inactive), ..Search::default() }, vec![dupont]),
        (Search { state: Some(DatumState::Erased), ..Search::default() }, vec![oubliee]),
        (Search { state: Some(DatumState::Expired), ..Search::default() }, vec![vieille]),
        (
            Search { created_from: Some(20), created_until: Some(40), ..Search::default() },
            vec![dupont, bulletin],
        ),
        (
            Search { expires_from: Some(NOW + 10), expires_until: Some(NOW + 30), ..Search::default() },
            vec![mars, bulletin],
        ),
        (Search { name: text("mars"), application: Some(other), ..Search::default() }, vec![bulletin]),
        (
            Search {
                name: text("ordonnance"),
                person: text("alice@example.org"),
                state: Some(DatumState::Inactive),
                created_from: Some(30),
                ..Search::default()
            },
            vec![dupont],
        ),
    ] {
        assert_eq!(world.names(search.clone()).await, expected, "{search:?}");
    }
}

#[tokio::test]
async fn a_datum_that_changed_is_found_by_what_it_is_now_and_no_more_by_what_it_was() {
    let world = World::new().await;
    let mut datum = world.datum(1, "Ordonnance");
    datum.grants = vec![grant(Grantee::User("bob".parse().unwrap()))];
    world.keep(&datum, 1).await;
    let of_bob = Search { person: Some("bob".into()), ..Search::default() };
    assert_eq!(world.names(of_bob.clone()).await.len(), 1);
    datum.grants.clear();
    datum.status = DatumStatus::Inactive;
    world.keep(&datum, 2).await;
    assert!(world.names(of_bob).await.is_empty());
    let inactive = Search { state: Some(DatumState::Inactive), ..Search::default() };
    assert_eq!(world.names(inactive.clone()).await.len(), 1);
    datum.status = DatumStatus::Active;
    world.keep(&datum, 3).await;
    assert!(world.names(inactive).await.is_empty());
}

#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_double_also_where_times_are_the_same() {
    let world = World::new().await;
    // 130 data of three moments only: the id alone orders most of them.
    for nth in 0..130 {
        world.keep(&world.datum(nth / 50, &format!("datum {nth}")), 1).await;
    }
    for search in [
        Search::default(),
        Search { name: Some("datum".into()), ..Search::default() },
        Search { application: Some(world.application), ..Search::default() },
        Search { expires_from: Some(0), ..Search::default() },
    ] {
        let (names, pages) = world.all(&search).await;
        let once: BTreeSet<&String> = names.iter().collect();
        assert_eq!((names.len(), once.len(), pages), (130, 130, 3), "{search:?}");
    }
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_and_says_how_far_it_came() {
    let world = Arc::new(World::new().await);
    let kept = (0..1_100).map(|nth| {
        let world = Arc::clone(&world);
        let mut datum = world.datum(nth, "commune");
        if nth == 3 {
            datum.tags = vec!["rare".into()];
        }
        async move { world.keep(&datum, 1).await }
    });
    futures::future::join_all(kept).await;
    // Of an application that has none of them: each is looked at, 500 a page.
    let nowhere = Search {
        name: Some("commune".into()),
        application: Some(ApplicationId::random()),
        ..Search::default()
    };
    let first = world.page(&nowhere).await;
    assert!(first.found.is_empty());
    assert_eq!(first.next.map(|place| place.at()), Some(600));
    assert_eq!(world.all(&nowhere).await, (vec![], 3));
    // Two terms: the rarer one leads, so that one page finds it.
    let rare = Search { tag: Some("rare".into()), application: None, ..nowhere };
    assert_eq!(world.all(&rare).await, (vec!["commune".to_owned()], 1));
}

#[tokio::test]
async fn a_query_that_cannot_be_followed_is_refused() {
    let world = World::new().await;
    for (search, fault) in [
        (Search { after: Some("yesterday".into()), ..Search::default() }, SearchFault::After),
        (Search { after: Some("1.a b".into()), ..Search::default() }, SearchFault::After),
        (Search { name: Some("…".into()), ..Search::default() }, SearchFault::Name),
    ] {
        let refused = world.rows.search(world.organisation, &search, NOW).await;
        assert!(matches!(refused, Err(sceau_protect::SearchError::Query(it)) if it == fault), "{search:?}");
    }
}

#[tokio::test]
async fn a_search_has_at_most_a_hundred_different_words() {
    let world = World::new().await;
    let letters = ('\u{4e00}'..).map(|letter| letter.to_string());
    let words = |number| letters.clone().take(number).collect::<Vec<_>>().join(" ");
    let asked = |name: String| Search { name: Some(name), ..Search::default() };
    world.keep(&world.datum(1, &words(100)), 1).await;
    assert_eq!(world.names(asked([words(100), words(100)].join(" "))).await.len(), 1, "each counts once");
    let refused = world.rows.search(world.organisation, &asked(words(101)), NOW).await;
    assert!(matches!(refused, Err(sceau_protect::SearchError::Query(SearchFault::Words))));
}
