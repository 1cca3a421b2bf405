//! What is on record is counted once, found by its filters page by page, proven, and nobody else's.

use sceau_element_api::documents::Remit;
use sceau_element_api::documents::{ApplicationStatus, Datum, DatumStatus, Document as _, Erased, HeldBy};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ActId, ApplicationId, Kind, OrganisationId};
use sceau_protect::{
    By, Console, ConsoleFault, DataCounted, DatumState, Ending, How, Looked, OnRecord, Rows, Search, Span,
    Tally,
};
use sceau_store::{Database, Statement};
use sceau_trace::{Evidence, VerifierKey};
use serde_json::json;

use crate::caller::Protected;
use crate::certificates_are_their_organisations::console;
use crate::house::by_passkey;

/// 1,200 data about which a call was refused once, begun after all others.
const REFUSED_ONCE: Statement = Statement::new(
    "REFUSED_ONCE",
    "WITH RECURSIVE at (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM at WHERE n < 1200) \
     INSERT INTO protect_refused (number, organisation, created, n, last) SELECT 1000000 + n, $1, $2 - n, 1, 1 FROM at",
);
const ALWAYS: Span = Span { from: 0, until: 100 * 24 * 3_600_000 };

struct World {
    protected: Protected,
    console: Console,
    tally: Tally,
    organisation: OrganisationId,
    rows: Rows,
    database: Database,
    _folder: tempfile::TempDir,
}

impl World {
    async fn begin() -> Self {
        let protected = Protected::begin().await;
        let folder = tempfile::tempdir().unwrap();
        let client = protected.client().clone();
        let (console, database) = console(&folder, &client).await;
        let rows = Rows::new(database.clone());
        let tally = Tally::new(client, rows.clone());
        let organisation = protected.application.document.organisation;
        Self { protected, console, tally, organisation, rows, database, _folder: folder }
    }

    async fn count(&self) {
        while self.tally.lot().await.unwrap() {}
    }

    async fn create(&mut self) -> DatumId {
        let client = self.protected.client().clone();
        let op = self.protected.application.create();
        self.protected.application.ask(&client, "alice", op).await.unwrap().datum
    }

    /// Asks as mallory, who may nothing.
    async fn refused(&mut self, datum: DatumId) {
        let client = self.protected.client().clone();
        let op = json!({"describe": {"datum": datum}});
        self.protected.application.ask(&client, "mallory", op).await.unwrap_err();
    }

    async fn page(&self, looked: &Looked) -> OnRecord {
        self.console.records(&Remit::whole(self.organisation), looked).await.unwrap()
    }

    /// Indices of all that is found, page after page, and how many pages there were.
    async fn all(&self, looked: &Looked) -> (Vec<u64>, usize) {
        let (mut looked, mut found, mut pages) = (looked.clone(), vec![], 0);
        loop {
            let page = self.page(&looked).await;
            found.extend(page.records.iter().map(|line| line.index));
            pages += 1;
            let Some(next) = page.next else { return (found, pages) };
            looked.before = Some(next);
        }
    }
}

fn status<T: std::fmt::Debug>(outcome: Result<T, ConsoleFault>) -> u16 {
    outcome.unwrap_err().problem().status
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_finds_its_own_the_last_first() {
    let mut world = World::begin().await;
    let one = world.create().await;
    let other = world.create().await;
    world.refused(one).await;
    world.count().await;
    let names = |page: &OnRecord| -> Vec<(String, How)> {
        page.records.iter().map(|line| (line.action.clone(), line.outcome)).collect()
    };
    let said = |all: &[(&str, How)]| -> Vec<(String, How)> {
        all.iter().map(|(action, how)| ((*action).to_owned(), *how)).collect()
    };
    let (granted, refused) = (How::Granted, How::Refused);
    let whole = world.page(&Looked::default()).await;
    let expected = [
        ("datum.describe", refused),
        ("datum.create", granted),
        ("datum.create", granted),
        ("application.enrol", granted),
    ];
    assert_eq!(names(&whole), said(&expected));
    assert_eq!((whole.next, whole.records[0].code.as_str()), (None, "user_not_authorised"));
    let application = world.protected.application.document.application;
    for (looked, expected) in [
        (Looked { outcome: Some(refused), ..Looked::default() }, &expected[..1]),
        (Looked { by: Some(By::Administration), ..Looked::default() }, &expected[3..]),
        (Looked { application: Some(application), ..Looked::default() }, &expected[..3]),
        (
            Looked { application: Some(application), outcome: Some(granted), ..Looked::default() },
            &expected[1..3],
        ),
        (
            Looked { datum: Some(one), ..Looked::default() },
            &[("datum.describe", refused), ("datum.create", granted)],
        ),
        (Looked { datum: Some(other), outcome: Some(refused), ..Looked::default() }, &[]),
    ] {
        assert_eq!(names(&world.page(&looked).await), said(expected), "{looked:?}");
    }
    // Two records may have one time.
    for at in &whole.records {
        for (looked, is_of) in [
            (Looked { from: Some(at.time), ..Looked::default() }, u64::ge as fn(&u64, &u64) -> bool),
            (Looked { until: Some(at.time), ..Looked::default() }, u64::lt),
        ] {
            let expected: Vec<_> =
                whole.records.iter().filter(|line| is_of(&line.time, &at.time)).cloned().collect();
            assert_eq!(world.page(&looked).await.records, expected, "{looked:?}");
        }
    }
    let stranger = OrganisationId::random();
    assert_eq!(
        world.console.records(&Remit::whole(stranger), &Looked::default()).await.unwrap(),
        OnRecord::default()
    );
    let of_datum = Looked { datum: Some(one), ..Looked::default() };
    assert_eq!(status(world.console.records(&Remit::whole(stranger), &of_datum).await), 404);
    let unknown = Looked { datum: Some(DatumId::random()), ..Looked::default() };
    assert_eq!(status(world.console.records(&Remit::whole(world.organisation), &unknown).await), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_one_before_ended_and_miss_nothing() {
    let mut world = World::begin().await;
    let one = world.create().await;
    for _ in 0..60 {
        world.refused(one).await;
    }
    world.count().await;
    let refused = Looked { outcome: Some(How::Refused), ..Looked::default() };
    let (found, pages) = world.all(&refused).await;
    assert_eq!((found.len(), pages), (60, 3));
    assert!(found.windows(2).all(|two| two[0] > two[1]));
    let of_datum = Looked { datum: Some(one), ..Looked::default() };
    let (of_datum, pages) = world.all(&of_datum).await;
    assert_eq!((of_datum.len(), pages), (61, 3));
    assert_eq!(of_datum[..60], found);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_has_the_names_and_is_nobody_elses() {
    let mut world = World::begin().await;
    let one = world.create().await;
    world.refused(one).await;
    world.count().await;
    let index = world.page(&Looked::default()).await.records[0].index;
    let evidence = world.console.evidence(&Remit::whole(world.organisation), index).await.unwrap();
    let evidence = Evidence::parse(evidence.to_string().as_bytes()).unwrap();
    let log_key = world.protected.client().hello().await.unwrap().log_key;
    let record = evidence.verify(Some(&VerifierKey::parse(&log_key).unwrap())).unwrap().record;
    let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).unwrap().id.clone();
    assert_eq!((subject("datum"), record.code()), (one.to_string(), "user_not_authorised"));
    let user = sceau_element_api::Base64Url::decode(&subject("user")).unwrap();
    assert_eq!(user.0, b"mallory");
    assert_eq!(status(world.console.evidence(&Remit::whole(OrganisationId::random()), index).await), 404);
    assert_eq!(status(world.console.evidence(&Remit::whole(world.organisation), 1_000_000).await), 404);
    // Of the organisation, and about no protection: its enrolment names a person who invited.
    let mut other = 0;
    while world.console.evidence(&Remit::whole(world.organisation), other).await.is_ok() {
        other += 1;
    }
    assert_eq!(status(world.console.evidence(&Remit::whole(world.organisation), other).await), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_record_is_counted_once_though_two_count_at_once() {
    let mut world = World::begin().await;
    let one = world.create().await;
    for _ in 0..5 {
        world.refused(one).await;
    }
    let (first, second) = (world.tally.clone(), world.tally.clone());
    let both = tokio::join!(first.lot(), second.lot());
    both.0.unwrap();
    both.1.unwrap();
    world.count().await;
    let now = world.protected.client().hello().await.unwrap().size;
    let hour = 3_600_000;
    let today = sceau_store::Clock::now_ms(&sceau_store::SystemClock) / hour * hour;
    let span = Span { from: today - 24 * hour, until: today + 2 * hour };
    let activity = world.console.activity(&Remit::whole(world.organisation), span).await.unwrap();
    assert_eq!((activity.counted, activity.size), (now, now));
    let calls = |granted: u64, refused: u64| (granted, refused);
    let sum = activity.hours.iter().fold((0, 0), |sum, it| (sum.0 + it.granted, sum.1 + it.refused));
    assert_eq!(sum, calls(1, 5));
    let of: Vec<_> = activity
        .applications
        .iter()
        .map(|it| (it.application.clone(), calls(it.granted, it.refused)))
        .collect();
    let application = world.protected.application.document.application.to_string();
    assert_eq!(of, [(application, calls(1, 5))]);
    let why: Vec<_> = activity.refusals.iter().map(|it| (it.code.as_str(), it.calls)).collect();
    assert_eq!(why, [("user_not_authorised", 5)]);
    let nothing = world.console.activity(&Remit::whole(OrganisationId::random()), span).await.unwrap();
    assert!(nothing.hours.is_empty() && nothing.applications.is_empty() && nothing.refusals.is_empty());
    assert!(
        world.console.activity(&Remit::whole(world.organisation), ALWAYS).await.unwrap().hours.is_empty(),
        "long ago"
    );
    let long = Span { until: ALWAYS.until + 1, ..ALWAYS };
    assert_eq!(status(world.console.activity(&Remit::whole(world.organisation), long).await), 400);
    assert_eq!(
        status(world.console.activity(&Remit::whole(world.organisation), Span { from: 2, until: 1 }).await),
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_act_is_on_record_with_whose_it_was() {
    let world = World::begin().await;
    let client = world.protected.client();
    let mut document = world.protected.application.document.clone();
    let current = client.current(Kind::Application, document.application).await.unwrap().unwrap();
    document.status = ApplicationStatus::Inactive;
    by_passkey(client, &world.protected.administrator, &document, Some(current.version())).await.unwrap();
    world.count().await;
    let acts = world.page(&Looked { by: Some(By::Administration), ..Looked::default() }).await;
    assert_eq!(acts.records.len(), 2);
    assert!(acts.records.iter().all(|line| line.application.is_none() && line.action == "application.enrol"));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_are_counted_by_state_and_by_the_day_on_which_they_end() {
    let world = World::begin().await;
    let day = 86_400_000;
    let today = sceau_store::Clock::now_ms(&sceau_store::SystemClock) / day;
    let datum = |expires: u64, status: DatumStatus| {
        let erased = (status == DatumStatus::Erased).then_some(Erased { time: 1, epoch: 1, act: None });
        let said = json!({
            "v": 1, "id": DatumId::random(), "organisation": world.organisation, "application": ApplicationId::random(),
            "owner": "alice", "name": "", "tags": [], "created": 1, "expires": expires,
            "valid_from": null, "valid_until": null, "status": "active", "grants": [],
        });
        Datum { status, erased, ..serde_json::from_value(said).unwrap() }
    };
    let keep = async |datum: &Datum, version: u64, index: u64| {
        let payload = datum.to_bytes().unwrap();
        let row = AttestedRow { version, hash: sceau_trace::sha256(&payload), index };
        let kept = KeptRow { payload: payload.into(), salt: vec![7; 81].into() };
        world.rows.keep_datum(&row, &kept).await.unwrap();
    };
    let span = Span { from: 0, until: 1 };
    let counted =
        async || world.console.activity(&Remit::whole(world.organisation), span).await.unwrap().data.unwrap();

    let (late, soon) =
        (datum((today + 300) * day, DatumStatus::Active), datum((today + 3) * day + 5, DatumStatus::Active));
    let (over, gone) =
        (datum((today - 1) * day, DatumStatus::Active), datum((today + 3) * day, DatumStatus::Erased));
    for (index, one) in (1..).zip([&late, &soon, &over, &gone]) {
        keep(one, 1, index).await;
    }
    // The same again, as where the database had another version of it.
    keep(&late, 1, 1).await;
    let ending = vec![Ending { day: (today + 3) * day, data: 1 }];
    let expected =
        DataCounted { active: 2, inactive: 0, held: 0, expired: 1, erased: 1, ending: ending.clone() };
    assert_eq!(counted().await, expected);

    let stopped = Datum { status: DatumStatus::Inactive, ..late.clone() };
    keep(&stopped, 2, 5).await;
    assert_eq!(counted().await, DataCounted { active: 1, inactive: 1, ..expected.clone() });
    // Held: neither in use, nor among those in use that end soon, whatever its owner did.
    let held = Some(HeldBy { time: 1, act: ActId::random() });
    keep(&Datum { held, ..soon.clone() }, 2, 6).await;
    let of_both = DataCounted { active: 0, inactive: 1, held: 1, ending: vec![], ..expected.clone() };
    assert_eq!(counted().await, of_both);
    keep(&Datum { held, status: DatumStatus::Inactive, ..soon.clone() }, 3, 7).await;
    assert_eq!(counted().await, of_both);
    keep(&soon, 4, 8).await;
    keep(&late, 3, 9).await;
    keep(&soon.erased(Erased { time: 1, epoch: 1, act: None }), 5, 10).await;
    assert_eq!(counted().await, DataCounted { active: 1, erased: 2, ending: vec![], ..expected });
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_are_counted_by_datum() {
    let mut world = World::begin().await;
    let (failing, other) = (world.create().await, world.create().await);
    let client = world.protected.client().clone();
    for id in [failing, other] {
        let (row, kept) = client.kept(Kind::Datum, id).await.unwrap().unwrap();
        world.rows.keep_datum(&row, &kept).await.unwrap();
    }
    world.refused(failing).await;
    world.count().await;
    for _ in 0..2 {
        world.refused(failing).await;
    }
    // Of a datum that there is not, nothing is counted; and another that counts the same log counts nothing twice.
    world.refused(DatumId::random()).await;
    let beside = Tally::new(client, world.rows.clone());
    let _ = tokio::join!(beside.lot(), world.tally.lot());
    world.count().await;
    let found = async |search: &Search| -> Vec<(DatumId, u64)> {
        let page = world.console.data(&Remit::whole(world.organisation), search).await.unwrap();
        page.data.iter().map(|line| (line.id, line.refusals)).collect()
    };
    assert_eq!(found(&Search::default()).await, [(other, 0), (failing, 3)]);
    let by_expiry = Search { expires_from: Some(0), ..Search::default() };
    assert_eq!(found(&by_expiry).await, [(failing, 3), (other, 0)]);
    for refusals in [0, 1, 3] {
        assert_eq!(found(&Search { refusals: Some(refusals), ..Search::default() }).await, [(failing, 3)]);
    }
    assert!(found(&Search { refusals: Some(4), ..Search::default() }).await.is_empty());
    let now = sceau_store::Clock::now_ms(&sceau_store::SystemClock);
    for (since, expected) in [(now - 60_000, 1), (now + 60_000, 0)] {
        assert_eq!(found(&Search { refused_from: Some(since), ..Search::default() }).await.len(), expected);
    }
    let inactive = Search { refusals: Some(1), state: Some(DatumState::Inactive), ..Search::default() };
    assert!(found(&inactive).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_looks_at_500_of_those_about_which_calls_were_refused() {
    let mut world = World::begin().await;
    let failing = world.create().await;
    for _ in 0..2 {
        world.refused(failing).await;
    }
    let (row, kept) = world.protected.client().kept(Kind::Datum, failing).await.unwrap().unwrap();
    world.rows.keep_datum(&row, &kept).await.unwrap();
    world.count().await;
    let values = sceau_store::params![world.organisation.to_string(), u64::MAX >> 1];
    world.database.execute(REFUSED_ONCE, values).await.unwrap();
    let mut search = Search { refusals: Some(2), ..Search::default() };
    for _ in 0..2 {
        let page = world.console.data(&Remit::whole(world.organisation), &search).await.unwrap();
        assert!(page.data.is_empty() && page.next.is_some(), "{page:?}");
        search.after = page.next;
    }
    let page = world.console.data(&Remit::whole(world.organisation), &search).await.unwrap();
    let ids: Vec<_> = page.data.iter().map(|line| line.id).collect();
    assert_eq!((ids, page.next), (vec![failing], None));
}
