//! An officer of one application sees its data, what was asked of them and what was done with them; and what waits for a second person is seen by everybody whose it is, whatever the database lists.

use sceau_element_api::documents::{Does, Remit};
use sceau_element_api::protect::Called;
use sceau_element_api::{Client, Role};
use sceau_protect::{Acts, ActsPage, Console, ConsoleFault, Looked, Rows, Search, Span, Tally};
use sceau_store::{Database, Statement, params};
use serde_json::json;

use crate::acts_change_the_lists_at_once::{act, signed};
use crate::caller::{Caller, Protected};
use crate::certificates_are_their_organisations::console;
use crate::house::{by_passkey, staff};

const FORGET: Statement = Statement::new("FORGET", "DELETE FROM protect_act WHERE id = $1");
const MINE: Statement = Statement::new("MINE", "UPDATE protect_act SET applications = $1");
const LATER: Statement = Statement::new("LATER", "UPDATE protect_act SET time = time + $1");

/// A console over the data of two applications.
struct Two {
    protected: Protected,
    other: Caller,
    known: [Called; 2],
    console: Console,
    database: Database,
    whole: Remit,
    one: Remit,
    _folder: tempfile::TempDir,
}

impl Two {
    async fn begin() -> Self {
        let mut protected = Protected::begin().await;
        let folder = tempfile::tempdir().unwrap();
        let client = protected.client().clone();
        let (console, database) = console(&folder, &client).await;
        let rows = Rows::new(database.clone());
        let mut other = Caller::new(protected.organisation.id);
        by_passkey(&client, &protected.administrator, &other.document, None).await.unwrap();
        let known = [create(&mut protected.application, &client).await, create(&mut other, &client).await];
        for one in &known {
            let (row, kept) = client.kept(sceau_element_api::Kind::Datum, one.datum).await.unwrap().unwrap();
            rows.keep_datum(&row, &kept).await.unwrap();
        }
        for document in [&protected.application.document, &other.document] {
            let key = sceau_element_api::Kind::Application;
            let (row, kept) = client.kept(key, document.application).await.unwrap().unwrap();
            rows.keep_application(&row, &kept.payload).await.unwrap();
        }
        let tally = Tally::new(client, rows);
        while tally.lot().await.unwrap() {}
        let whole = Remit::whole(protected.organisation.id);
        let mine = protected.application.document.application;
        let one = Remit { applications: Some(vec![mine]), ..whole.clone() };
        Self { protected, other, known, console, database, whole, one, _folder: folder }
    }

    async fn acts(&self, remit: &Remit) -> (usize, usize) {
        let Acts { waiting, past, .. } = self.console.acts(remit, &ActsPage::default()).await.unwrap();
        (waiting.len(), past.len())
    }

    async fn sign(&self, does: Does, of: &[&Called]) -> sceau_element_api::ActId {
        let by = &self.protected.administrator;
        let mut document = act(by, does, of[0]);
        document.data = of.iter().map(|one| one.datum).collect();
        let sent = signed(self.protected.client(), by, &document, None).await;
        self.console.act(sent).await.unwrap();
        document.act
    }
}

async fn create(application: &mut Caller, client: &Client) -> Called {
    let op = application.create();
    let created = application.ask(client, "alice", op).await.unwrap();
    let refused = application.ask(client, "mallory", json!({"describe": {"datum": created.datum}})).await;
    refused.unwrap_err();
    created
}

fn missing<T: std::fmt::Debug>(outcome: Result<T, ConsoleFault>) -> bool {
    outcome.unwrap_err().problem().status == 404
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_another_application_is_not_there() {
    let two = Two::begin().await;
    let console = &two.console;
    let [mine, theirs] = [two.known[0].datum, two.known[1].datum];
    let found = async |remit: &Remit, search: Search| -> Vec<_> {
        console.data(remit, &search).await.unwrap().data.iter().map(|line| line.id).collect()
    };
    assert_eq!(found(&two.whole, Search::default()).await.len(), 2);
    assert_eq!(found(&two.one, Search::default()).await, [mine]);
    assert_eq!(found(&two.one, Search { refusals: Some(1), ..Search::default() }).await, [mine]);
    let application = Some(two.other.document.application);
    assert!(found(&two.one, Search { application, ..Search::default() }).await.is_empty());
    console.datum(&two.one, mine).await.unwrap();
    assert!(
        missing(console.datum(&two.one, theirs).await) && console.datum(&two.whole, theirs).await.is_ok()
    );
    let listed = console.applications(&two.one).await.unwrap();
    assert_eq!((listed.len(), console.applications(&two.whole).await.unwrap().len()), (1, 2));

    // Both applications were registered, made a datum and refused mallory: half of that.
    let all = console.records(&two.whole, &Looked::default()).await.unwrap().records;
    let some = console.records(&two.one, &Looked::default()).await.unwrap().records;
    assert_eq!((all.len(), some.len()), (6, 3));
    let of = Looked { datum: Some(theirs), ..Looked::default() };
    assert!(missing(console.records(&two.one, &of).await));
    for line in &all {
        let shown = some.iter().any(|one| one.index == line.index);
        assert_eq!(console.evidence(&two.one, line.index).await.is_ok(), shown, "{line:?}");
    }
    let now = sceau_store::Clock::now_ms(&sceau_store::SystemClock);
    let span = Span { from: now - 7_200_000, until: now + 3_600_000 };
    let counted = async |remit| {
        let activity = console.activity(remit, span).await.unwrap();
        let refused: u64 = activity.refusals.iter().map(|one| one.calls).sum();
        let calls: u64 = activity.hours.iter().map(|hour| hour.granted + hour.refused).sum();
        (calls, refused, activity.applications.len(), activity.data.is_some())
    };
    assert_eq!(counted(&two.whole).await, (4, 2, 2, true));
    assert_eq!(counted(&two.one).await, (2, 1, 1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_erasure_are_of_their_applications_alone() {
    let mut two = Two::begin().await;
    let client = two.protected.client().clone();
    let [mine, theirs] = [two.known[0].datum, two.known[1].datum];
    for (application, datum) in [(&mut two.protected.application, mine), (&mut two.other, theirs)] {
        application.ask(&client, "alice", json!({"erase": {"datum": datum}})).await.unwrap();
    }
    for datum in [mine, theirs] {
        assert_eq!(two.console.erasure(&two.whole, datum).await.unwrap().datum, datum);
    }
    assert_eq!(two.console.erasure(&two.one, mine).await.unwrap().datum, mine);
    assert!(missing(two.console.erasure(&two.one, theirs).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_are_theirs_whose_data_they_are_all_about() {
    let two = Two::begin().await;
    let [mine, theirs] = &two.known;
    let second =
        staff(two.protected.client(), &two.protected.admin, Role::OrganisationAdmin, two.whole.organisation);
    second.await;
    two.sign(Does::Hold, &[mine]).await;
    two.sign(Does::Hold, &[theirs]).await;
    two.sign(Does::Release, &[mine, theirs]).await;
    two.sign(Does::Erase, &[mine]).await;
    two.sign(Does::Erase, &[mine, theirs]).await;
    assert_eq!(two.acts(&two.whole).await, (2, 3));
    assert_eq!(two.acts(&two.one).await, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_comes_first_whatever_else_is_listed() {
    let two = Two::begin().await;
    let client = two.protected.client();
    staff(client, &two.protected.admin, Role::OrganisationAdmin, two.whole.organisation).await;
    let request = two.sign(Does::Erase, &[&two.known[0]]).await;
    let mut signed = Vec::new();
    for at in 0..60 {
        let does = if at % 2 == 0 { Does::Hold } else { Does::Release };
        signed.push(two.sign(does, &[&two.known[1]]).await);
    }
    // As if they had been signed one after the other, far from it: ordered by time, then by id.
    two.database.execute(LATER, params![7_u64]).await.unwrap();
    let (mut page, mut past) = (ActsPage::default(), Vec::new());
    loop {
        let acts = two.console.acts(&two.whole, &page).await.unwrap();
        let waiting: Vec<_> = acts.waiting.iter().map(|one| one.act).collect();
        let first = page.after.is_none();
        assert_eq!(waiting, if first { vec![request] } else { vec![] });
        assert!(acts.past.len() <= 25);
        past.extend(acts.past.iter().map(|one| one.act));
        let Some(next) = acts.next else { break };
        page.after = Some(next);
    }
    past.sort_unstable();
    signed.sort_unstable();
    assert_eq!(past, signed, "each once, and none is left out");
    // A database that lists it no more hides it from nobody.
    two.database.execute(FORGET, params![request.to_string()]).await.unwrap();
    let others = two.sign(Does::Erase, &[&two.known[0], &two.known[1]]).await;
    two.database.execute(MINE, params![two.one.applications.as_ref().unwrap()[0].to_string()]).await.unwrap();
    for (remit, expected) in [(&two.whole, vec![others, request]), (&two.one, vec![request])] {
        let acts = two.console.acts(remit, &ActsPage::default()).await.unwrap();
        assert_eq!(acts.waiting.iter().map(|one| one.act).collect::<Vec<_>>(), expected);
        assert!(acts.waiting.last().unwrap().altered);
    }
    let wrong = ActsPage { after: Some("yesterday".into()) };
    assert_eq!(two.console.acts(&two.whole, &wrong).await.unwrap_err().problem().status, 400);
}
