//! What whoever writes the database deletes, edits, swaps, rolls back or moves out of sight is named, also where nobody asks for it, and brought back.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use sceau_element_api::protect::DatumId;
use sceau_element_api::{Client, OrganisationId};
use sceau_protect::{Amiss, Rows, Sweep};
use sceau_store::{Database, Statement, params};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::caller::Protected;
use crate::certificates_are_their_organisations::console;

const DELETE: Statement = Statement::new("DELETE", "DELETE FROM protect_datum WHERE id = $1");
const EDIT: Statement = Statement::new("EDIT", "UPDATE protect_datum SET payload = $1 WHERE id = $2");
/// As SQLite lets who writes by hand: text in a column of octets, and in one of numbers.
const TEXT: Statement =
    Statement::new("TEXT", "UPDATE protect_datum SET payload = 'x', expires = 'x' WHERE id = $1");
const HIDE: Statement = Statement::new("HIDE", "UPDATE protect_datum SET organisation = $1 WHERE id = $2");
const MOVE: Statement = Statement::new("MOVE", "UPDATE protect_datum SET number = $1 WHERE id = $2");
const NUMBER: Statement = Statement::new("NUMBER", "SELECT number FROM protect_datum WHERE id = $1");

/// What a process says, line by line.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Said {
    fn enabled(&self, at: &tracing::Metadata<'_>) -> bool {
        *at.level() <= tracing::Level::WARN
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Stage {
    protected: Protected,
    database: Database,
    rows: Rows,
    known: Vec<DatumId>,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set(count: usize) -> Self {
        let mut protected = Protected::begin().await;
        let folder = tempfile::tempdir().unwrap();
        let client = protected.client().clone();
        let (_, database) = console(&folder, &client).await;
        let rows = Rows::new(database.clone());
        let mut known = Vec::new();
        for _ in 0..count {
            let op = protected.application.create();
            let created = protected.application.ask(&client, "alice", op).await.unwrap();
            let (row, kept) = created.changed.unwrap();
            rows.keep_datum(&row, &kept).await.unwrap();
            known.push(created.datum);
        }
        Self { protected, database, rows, known, _folder: folder }
    }

    fn sweep(&self) -> Sweep {
        let client: Client = self.protected.client().clone();
        Sweep::new(client, self.rows.clone())
    }

    async fn payload(&self, at: usize) -> Vec<u8> {
        self.rows.datum(self.known[at]).await.unwrap().unwrap().payload.0
    }

    async fn write(&self, statement: Statement, value: Vec<u8>, at: usize) {
        let values = params![value, self.known[at].to_string()];
        self.database.execute(statement, values).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_deleted_edited_swapped_rolled_back_or_hidden_is_named_and_brought_back() {
    let mut stage = Stage::set(9).await;
    let mut sweep = stage.sweep();
    for _ in 0..3 {
        assert_eq!(sweep.round().await.unwrap(), [], "nothing is amiss");
    }
    // One has a second version, and is rolled back to the first.
    let first = stage.payload(0).await;
    let client = stage.protected.client().clone();
    let op = serde_json::json!({"deactivate": {"datum": stage.known[0]}});
    let changed = stage.protected.application.ask(&client, "alice", op).await.unwrap().changed.unwrap();
    stage.rows.keep_datum(&changed.0, &changed.1).await.unwrap();
    assert_eq!(sweep.round().await.unwrap(), []);
    stage.write(EDIT, first, 0).await;
    let text = String::from_utf8(stage.payload(1).await).unwrap().replace("Ordonnance", "Ordonnancf");
    stage.write(EDIT, text.into_bytes(), 1).await;
    let (two, three) = (stage.payload(2).await, stage.payload(3).await);
    stage.write(EDIT, three, 2).await;
    stage.write(EDIT, two, 3).await;
    let id = |at: usize| stage.known[at].to_string();
    stage.database.execute(DELETE, params![id(4)]).await.unwrap();
    stage.database.execute(HIDE, params![OrganisationId::random().to_string(), id(5)]).await.unwrap();
    // One is deleted, and another takes its place in the order.
    let number: i64 = stage.database.fetch_one(NUMBER, params![id(6)]).await.unwrap().get("number").unwrap();
    stage.database.execute(DELETE, params![id(6)]).await.unwrap();
    stage.database.execute(MOVE, params![number, id(7)]).await.unwrap();

    stage.database.execute(TEXT, params![id(8)]).await.unwrap();
    assert_eq!(stage.payload(8).await, b"", "it is no document, and the database answers all the same");

    let said = Said::default();
    let listening = tracing::subscriber::set_default(said.clone());
    let mut named = Vec::new();
    for _ in 0..4 {
        named.extend(sweep.round().await.unwrap());
    }
    drop(listening);
    let expected = [
        (0, Amiss::Altered),
        (1, Amiss::Altered),
        (2, Amiss::Altered),
        (3, Amiss::Altered),
        (4, Amiss::Missing),
        (5, Amiss::Misplaced),
        (6, Amiss::Missing),
        (7, Amiss::Misplaced),
        (8, Amiss::Altered),
    ];
    let lines = said.0.lock().unwrap().clone();
    for (at, amiss) in expected {
        assert!(named.contains(&(id(at), amiss)), "{at}: {named:?}");
        let line = format!("datum=\"{}\" amiss=\"{}\"", id(at), amiss.as_str());
        assert!(lines.iter().any(|said| said.contains(&line)), "{line}: {lines:?}");
    }
    for at in (0..5).chain([8]) {
        let (_, kept) = client.kept(sceau_element_api::Kind::Datum, stage.known[at]).await.unwrap().unwrap();
        assert_eq!(stage.payload(at).await, kept.payload.0, "brought back");
    }
}
