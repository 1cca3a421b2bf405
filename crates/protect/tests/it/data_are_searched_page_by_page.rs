//! Searching: what is found, in which order, and that no page looks at more than its share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sceau_element_api::documents::Remit;
use sceau_element_api::documents::{Datum, DatumStatus, Document as _, Erased, Grant, GrantStatus};
use sceau_element_api::protect::{DatumId, Grantee, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_protect::{DatumState, MIGRATIONS, Rows, Search, SearchFault, Searched};
use sceau_store::{Database, Statement, params};

const NOW: u64 = 1_000_000;

struct World {
    _folder: tempfile::TempDir,
    rows: Rows,
    organisation: OrganisationId,
    application: ApplicationId,
    /// Of the log: no two versions have the same.
    index: AtomicU64,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
        let (organisation, application) = (OrganisationId::random(), ApplicationId::random());
        Self {
            _folder: folder,
            rows: Rows::new(database),
            organisation,
            application,
            index: AtomicU64::new(0),
        }
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
        let row = AttestedRow {
            version,
            hash: sceau_trace::sha256(&payload),
            index: self.index.fetch_add(1, Relaxed),
        };
        let kept = KeptRow { payload: payload.into(), salt: vec![7; 81].into() };
        self.rows.keep_datum(&row, &kept).await.unwrap();
    }

    async fn page(&self, search: &Search) -> Searched {
        self.rows.search(&Remit::whole(self.organisation), search, NOW).await.unwrap()
    }

    /// Names of all that is found, page after page, and how many pages there were.
    async fn all(&self, search: &Search) -> (Vec<String>, usize) {
        let (mut search, mut names, mut pages) = (search.clone(), vec![], 0);
        loop {
            let page = self.page(&search).await;
            names.extend(page.found.into_iter().map(|one| one.datum.name));
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

const MARS: &str = "Ordonnance du 3 mars";
const BULLETIN: &str = "Bulletin de mars";
const DUPONT: &str = "ORDONNANCE Dupont";
const VIEILLE: &str = "vieille";
const OUBLIEE: &str = "oubliée";

/// Five data by those names and a foreign one; the first of them, and the application of the second.
async fn known() -> (World, Datum, ApplicationId) {
    let world = World::new().await;
    let other = ApplicationId::random();
    let mut leaf = world.datum(10, MARS);
    leaf.tags = vec!["Cardiologie".into()];
    leaf.grants = vec![
        grant(Grantee::User("bob@example.org".parse().unwrap())),
        grant(Grantee::Group("soignants".parse().unwrap())),
    ];
    let of_other = Datum { application: other, ..world.datum(20, BULLETIN) };
    let inactive = Datum { status: DatumStatus::Inactive, ..world.datum(30, DUPONT) };
    let expired = Datum { expires: NOW, ..world.datum(40, VIEILLE) };
    let erased = Some(Erased { time: 1, epoch: 1, act: None });
    let erased = Datum { status: DatumStatus::Erased, erased, ..world.datum(5, OUBLIEE) };
    let foreign = Datum { organisation: OrganisationId::random(), ..world.datum(50, "Ordonnance") };
    for datum in [&leaf, &of_other, &inactive, &expired, &erased, &foreign] {
        world.keep(datum, 1).await;
    }
    (world, leaf, other)
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn each_filter_finds_its_own_and_all_of_them_together_what_all_find() {
    let (world, _, other) = known().await;
    for (search, expected) in [
        (Search::default(), vec![VIEILLE, DUPONT, BULLETIN, MARS, OUBLIEE]),
        (Search { name: text("ordonnance"), ..Search::default() }, vec![DUPONT, MARS]),
        (Search { name: text("  MARS ordonnance "), ..Search::default() }, vec![MARS]),
        (Search { name: text("ordo"), ..Search::default() }, vec![]),
        (Search { person: text("bob@example.org"), ..Search::default() }, vec![MARS]),
        (Search { person: text("Soignants"), ..Search::default() }, vec![MARS]),
        (
            Search { person: text("alice@example.org"), ..Search::default() },
            vec![VIEILLE, DUPONT, BULLETIN, MARS, OUBLIEE],
        ),
        (Search { tag: text("cardiologie"), ..Search::default() }, vec![MARS]),
        (Search { application: Some(other), ..Search::default() }, vec![BULLETIN]),
        // The foreign one says that it is this application's too.
        (
            Search { application: Some(world.application), ..Search::default() },
            vec![VIEILLE, DUPONT, MARS, OUBLIEE],
        ),
        (Search { state: Some(DatumState::Active), ..Search::default() }, vec![BULLETIN, MARS]),
        (Search { state: Some(DatumState::Inactive), ..Search::default() }, vec![DUPONT]),
        (Search { state: Some(DatumState::Erased), ..Search::default() }, vec![OUBLIEE]),
        (Search { state: Some(DatumState::Expired), ..Search::default() }, vec![VIEILLE]),
        (
            Search { created_from: Some(20), created_until: Some(40), ..Search::default() },
            vec![DUPONT, BULLETIN],
        ),
        (
            Search { expires_from: Some(NOW + 10), expires_until: Some(NOW + 30), ..Search::default() },
            vec![MARS, BULLETIN],
        ),
        (Search { name: text("mars"), application: Some(other), ..Search::default() }, vec![BULLETIN]),
        (
            Search {
                name: text("ordonnance"),
                person: text("alice@example.org"),
                state: Some(DatumState::Inactive),
                created_from: Some(30),
                ..Search::default()
            },
            vec![DUPONT],
        ),
    ] {
        assert_eq!(world.names(search.clone()).await, expected, "{search:?}");
    }
}

#[tokio::test]
async fn nothing_but_its_owner_leads_to_an_erased_datum() {
    let (world, leaf, _) = known().await;
    // What else it was found by is out of the database.
    world.keep(&leaf.erased(Erased { time: 1, epoch: 1, act: None }), 2).await;
    for search in [
        Search { name: text("MARS ordonnance"), ..Search::default() },
        Search { tag: text("cardiologie"), ..Search::default() },
        Search { person: text("bob@example.org"), ..Search::default() },
        Search { person: text("soignants"), ..Search::default() },
    ] {
        assert!(world.names(search.clone()).await.is_empty(), "{search:?}");
    }
    let of_owner = Search { person: text("alice@example.org"), ..Search::default() };
    assert_eq!(world.names(of_owner).await, [VIEILLE, DUPONT, BULLETIN, "", OUBLIEE]);
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
        let refused = world.rows.search(&Remit::whole(world.organisation), &search, NOW).await;
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
    let refused = world.rows.search(&Remit::whole(world.organisation), &asked(words(101)), NOW).await;
    assert!(matches!(refused, Err(sceau_protect::SearchError::Query(SearchFault::Words))));
}

/// As the program kept a datum before data were numbered.
const KEEP_DATUM: Statement = Statement::new(
    "KEEP_DATUM",
    "INSERT INTO protect_datum (id, organisation, application, owner, name, status, created, expires, version, log_index, payload, salt) \
     VALUES ($1, $2, $3, 'alice@example.org', $4, 'active', $5, $6, 1, $7, $8, $8)",
);
const KEEP_TERM: Statement =
    Statement::new("KEEP_TERM", "INSERT INTO protect_term (term, created, datum) VALUES ($1, $2, $3)");

#[tokio::test]
async fn what_was_kept_before_data_were_numbered_is_found() {
    let mut world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let before = Database::open(&path, MIGRATIONS.get(..2).unwrap()).await.unwrap();
    let data = ["Ordonnance", "Courrier"].map(|name| world.datum(10, name));
    for (nth, datum) in data.iter().enumerate() {
        let (id, organisation, word) = (datum.id.to_string(), datum.organisation, datum.name.to_lowercase());
        let values = params![
            id.as_str(),
            organisation.to_string(),
            datum.application.to_string(),
            datum.name.as_str(),
            datum.created,
            datum.expires,
            7 + nth as u64,
            datum.to_bytes().unwrap()
        ];
        before.execute(KEEP_DATUM, values).await.unwrap();
        let term =
            sceau_trace::sha256(format!("sceau/protect-term\0{organisation}\0word\0{word}").as_bytes());
        let term = term.as_bytes().get(..16).unwrap().to_vec();
        before.execute(KEEP_TERM, params![term, datum.created, id]).await.unwrap();
    }
    before.close().await;
    world.rows = Rows::new(Database::open(&path, MIGRATIONS).await.unwrap());
    let search = Search { name: Some("courrier".into()), ..Search::default() };
    assert_eq!(world.all(&search).await.0, ["Courrier"]);
    assert_eq!(world.all(&Search::default()).await.0, ["Courrier", "Ordonnance"]);
}

const REFUSED: Statement = Statement::new(
    "REFUSED",
    "INSERT INTO protect_failed (number, organisation, created, n, last) SELECT number, organisation, created, 3, 1 FROM protect_datum",
);

#[tokio::test]
async fn calls_that_were_refused_are_known_still_once_their_table_has_its_name() {
    let mut world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.db");
    let before = Database::open(&path, MIGRATIONS.get(..7).unwrap()).await.unwrap();
    world.rows = Rows::new(before.clone());
    world.keep(&world.datum(10, "Ordonnance"), 1).await;
    before.execute(REFUSED, params![]).await.unwrap();
    before.close().await;
    world.rows = Rows::new(Database::open(&path, MIGRATIONS).await.unwrap());
    let search = Search { refusals: Some(3), ..Search::default() };
    assert_eq!(world.all(&search).await.0, ["Ordonnance"]);
}
