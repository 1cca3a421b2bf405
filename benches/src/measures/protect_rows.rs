//! The console's searches and the keyfront's read of one row over many data, on SQLite and on PostgreSQL; and how much room a datum takes.
//!
//! `SCEAU_BENCH_ROWS` says how many data there are, `SCEAU_BENCH_DATABASE` on which of the two alone. The searches are those of the pages, pages deep in the list and searches in vain among them.

use std::time::Instant;

use sceau_element_api::documents::Remit;
use sceau_element_api::documents::{Datum, Document as _};
use sceau_element_api::protect::{DatumId, KeptRow};
use sceau_element_api::wire::AttestedRow;
use sceau_element_api::{ApplicationId, OrganisationId};
use sceau_protect::{DatumState, MIGRATIONS, Rows, Search};
use sceau_store::judge::PostgresJudge;
use sceau_store::{Database, Postgres, Statement, params};

use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// When the first datum begins, in Unix milliseconds; each next a second later.
const BEGIN: u64 = 1_700_000_000_000;
const YEAR: u64 = 365 * 86_400_000;
/// Data that are written together.
const AT_ONCE: u64 = 2_000;
/// Data that are kept as the keyfront keeps them; those beyond are copies of these, later ones, which the database makes by itself: a commit for each would take hours.
const KEPT: u64 = 100_000;
const ROUNDS: u64 = 400;
const SIZE: Statement = Statement::new("SIZE", "SELECT pg_database_size(current_database()) AS n");
const KEPT_DATA: Statement =
    Statement::new("KEPT_DATA", "CREATE TABLE kept_data AS SELECT * FROM protect_datum");
const KEPT_FOUND: Statement = Statement::new(
    "KEPT_FOUND",
    "CREATE TABLE kept_found AS SELECT * FROM protect_found ORDER BY term, created",
);
const COPY_FOUND: Statement = Statement::new(
    "COPY_FOUND",
    "INSERT INTO protect_found (term, created, number) \
        SELECT term, created + CAST($1 AS BIGINT), number + CAST($2 AS BIGINT) FROM kept_found",
);
/// Of SQLite and of PostgreSQL: octets are text in ways of their own. $1: how much later, in milliseconds; $2: how many data later; $3: eight characters within each id, which is 43 of base64url.
const COPY_DATA: [Statement; 2] = [
    Statement::new(
        "COPY_DATA",
        "INSERT INTO protect_datum (id, organisation, application, status, created, expires, version, log_index, payload, salt, number, kept) \
            SELECT substr(id, 1, 4) || $3 || substr(id, 13), organisation, application, status, created + $1, expires + $1, version, log_index + $2, \
                CAST(replace(replace(replace(CAST(payload AS TEXT), id, substr(id, 1, 4) || $3 || substr(id, 13)), created, created + $1), expires, expires + $1) AS BLOB), \
                salt, number + $2, kept FROM kept_data",
    ),
    Statement::new(
        "COPY_DATA",
        "INSERT INTO protect_datum (id, organisation, application, status, created, expires, version, log_index, payload, salt, number, kept) \
            SELECT substr(id, 1, 4) || CAST($3 AS TEXT) || substr(id, 13), organisation, application, status, created + CAST($1 AS BIGINT), expires + CAST($1 AS BIGINT), \
                version, log_index + CAST($2 AS BIGINT), convert_to(replace(replace(replace(convert_from(payload, 'UTF8'), id, \
                substr(id, 1, 4) || CAST($3 AS TEXT) || substr(id, 13)), CAST(created AS TEXT), CAST(created + CAST($1 AS BIGINT) AS TEXT)), \
                CAST(expires AS TEXT), CAST(expires + CAST($1 AS BIGINT) AS TEXT)), 'UTF8'), salt, number + CAST($2 AS BIGINT), kept FROM kept_data",
    ),
];
const FORGET: [Statement; 2] = [
    Statement::new("FORGET_DATA", "DROP TABLE kept_data"),
    Statement::new("FORGET_FOUND", "DROP TABLE kept_found"),
];
const ANALYSE: Statement = Statement::new("ANALYSE", "ANALYZE");
/// One datum in fifty had calls that were refused, seven at most.
const REFUSE: Statement = Statement::new(
    "REFUSE",
    "INSERT INTO protect_refused (number, organisation, created, n, last) \
        SELECT number, organisation, created, 1 + (number / 50) % 7, created FROM protect_datum WHERE number % 50 = 0",
);

const WORDS: [&str; 20] = [
    "Ordonnance",
    "Courrier",
    "Bulletin",
    "Facture",
    "Contrat",
    "Radiographie",
    "Compte",
    "Analyse",
    "Devis",
    "Avis",
    "Note",
    "Rapport",
    "Dossier",
    "Lettre",
    "Relevé",
    "Fiche",
    "Plan",
    "Certificat",
    "Mandat",
    "Protocole",
];

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// Whose data they are.
struct Ground {
    organisation: OrganisationId,
    applications: Vec<ApplicationId>,
    count: u64,
}

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let said = std::env::var("SCEAU_BENCH_ROWS").ok().map(|text| text.replace('_', "").parse());
    let count = said.transpose().map_err(|_| "SCEAU_BENCH_ROWS is a number".to_owned())?;
    let count = count.unwrap_or(if settings.quick { 50_000 } else { 1_000_000 });
    let applications = (0..20).map(|_| ApplicationId::random()).collect();
    let ground = Ground { organisation: OrganisationId::random(), applications, count };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let (sqlite, postgresql) = match std::env::var("SCEAU_BENCH_DATABASE").ok().as_deref() {
        None => (true, true),
        Some("sqlite") => (true, false),
        Some("postgresql") => (false, true),
        Some(_) => return Err("SCEAU_BENCH_DATABASE is sqlite or postgresql".to_owned()),
    };
    let mut rows = Vec::new();
    if sqlite {
        rows.extend(runtime.block_on(ground.on_sqlite()).map_err(|error| error.to_string())?);
    }
    if postgresql {
        rows.extend(runtime.block_on(ground.on_postgresql()).map_err(|error| error.to_string())?);
    }
    Ok(rows)
}

impl Ground {
    async fn on_sqlite(&self) -> Fallible<Vec<Row>> {
        let [sqlite, _] = COPY_DATA;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("records.db");
        let database = Database::open(&path, MIGRATIONS).await?;
        let ids = self.fill(&database, sqlite).await?;
        let rows = self.timed("SQLite", Rows::new(database.clone()), &ids).await?;
        database.close().await;
        Ok(self.with_size("SQLite", rows, std::fs::metadata(&path)?.len()))
    }

    async fn on_postgresql(&self) -> Fallible<Vec<Row>> {
        let [_, postgresql] = COPY_DATA;
        let judge = PostgresJudge::start()?;
        let postgres = Postgres {
            address: judge.database()?.parse()?,
            password: None,
            ca_file: None,
            connections: 10,
            turns: 1,
        };
        let database = Database::connect(&postgres, MIGRATIONS).await?;
        let ids = self.fill(&database, postgresql).await?;
        let rows = self.timed("PostgreSQL", Rows::new(database.clone()), &ids).await?;
        let size: u64 = database.fetch_one(SIZE, params![]).await?.get("n")?;
        database.close().await;
        Ok(self.with_size("PostgreSQL", rows, size))
    }

    fn with_size(&self, on: &str, mut rows: Vec<Row>, size: u64) -> Vec<Row> {
        let each = Figure::new(size as f64 / self.count as f64, "bytes");
        rows.push(Row::told(format!("{on}: room of one datum, indices and all"), each));
        rows
    }

    /// Keeps all data, and gives the ids of some.
    async fn fill(&self, database: &Database, copy: Statement) -> Fallible<Vec<DatumId>> {
        let began = Instant::now();
        let kept = self.count.min(KEPT);
        let mut some = self.keep(&Rows::new(database.clone()), kept).await?;
        if kept < self.count {
            database.execute(KEPT_DATA, params![]).await?;
            database.execute(KEPT_FOUND, params![]).await?;
            let ids: Vec<String> = some.iter().map(ToString::to_string).collect();
            for nth in 1..self.count / kept {
                let (later, by, end) = (nth * kept * 1_000, nth * kept, format!("{nth:08x}"));
                database.execute(copy, params![later, by, end.as_str()]).await?;
                database.execute(COPY_FOUND, params![later, by]).await?;
                let copied = ids.iter().skip(usize::try_from(nth)? % 20).step_by(20);
                for id in copied {
                    let (begin, rest) = id.get(..4).zip(id.get(12..)).ok_or("an id has 43 characters")?;
                    some.push(serde_json::from_value(format!("{begin}{end}{rest}").into())?);
                }
                eprintln!("  {by} of {} data after {:.0} s", self.count, began.elapsed().as_secs_f64());
            }
            for statement in FORGET {
                database.execute(statement, params![]).await?;
            }
        }
        database.execute(REFUSE, params![]).await?;
        database.execute(ANALYSE, params![]).await?;
        Ok(some)
    }

    async fn keep(&self, rows: &Rows, count: u64) -> Fallible<Vec<DatumId>> {
        let mut some = Vec::new();
        for first in (0..count).step_by(usize::try_from(AT_ONCE)?) {
            let data: Vec<_> = (first..count.min(first + AT_ONCE)).map(|nth| self.datum(nth)).collect();
            let data = data.into_iter().collect::<Result<Vec<_>, _>>()?;
            some.extend(data.first().map(|(id, ..)| *id));
            let kept = data.iter().map(|(_, row, kept)| rows.keep_datum(row, kept));
            for kept in futures::future::join_all(kept).await {
                kept?;
            }
        }
        Ok(some)
    }

    /// The nth datum: owners have a thousand or so each at ten million, a tag is of one in two hundred, one in a thousand is inactive.
    fn datum(&self, nth: u64) -> Fallible<(DatumId, AttestedRow, KeptRow)> {
        let drawn = nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let pick = |of: u64| drawn % of;
        let application = one_of(&self.applications, pick(20))?;
        let word = |of: u64| one_of(&WORDS, pick(of));
        let created = BEGIN + nth * 1_000;
        let id = DatumId::random();
        let said = serde_json::json!({
            "v": 1, "id": id, "organisation": self.organisation, "application": application,
            "owner": format!("user-{}@example.org", pick(10_007)), "name": format!("{} {} {nth}", word(20)?, word(17)?),
            "tags": [format!("tag-{}", pick(199)), "2026"], "created": created, "expires": created + YEAR,
            "valid_from": null, "valid_until": null, "status": if nth % 1_000 == 7 { "inactive" } else { "active" },
            "grants": [
                {"to": {"user": format!("reader-{}@example.org", pick(5_003))}, "from": null, "until": null, "status": "active"},
                {"to": {"group": format!("group-{}", pick(101))}, "from": null, "until": null, "status": "active"},
            ],
        });
        let payload = serde_json::from_value::<Datum>(said)?.to_bytes()?;
        let row = AttestedRow { version: 1, hash: sceau_trace::sha256(&payload), index: nth };
        // As long as the element's sealed salt.
        Ok((id, row, KeptRow { payload: payload.into(), salt: vec![7; 81].into() }))
    }

    /// The searches that pages make, by name; `round` varies what is asked.
    fn searches(&self, round: u64) -> Vec<(&'static str, Search)> {
        let middle = BEGIN + self.count * 500;
        let text = |text: String| Some(text);
        let word = one_of(&WORDS, round % 17).ok().map(str::to_owned);
        let none = Search::default;
        vec![
            ("the list", none()),
            ("deep in the list", Search { after: text(format!("{}.0", middle + round * 997)), ..none() }),
            ("a word, deep", Search { name: word.clone(), after: text(format!("{middle}.0")), ..none() }),
            (
                "an owner",
                Search { person: text(format!("user-{}@example.org", round * 37 % 10_007)), ..none() },
            ),
            (
                "a group and a word",
                Search { person: text(format!("group-{}", round % 101)), name: word, ..none() },
            ),
            (
                "a tag of an application",
                Search {
                    tag: text(format!("tag-{}", round % 199)),
                    application: self.applications.first().copied(),
                    ..none()
                },
            ),
            ("inactive ones", Search { state: Some(DatumState::Inactive), ..none() }),
            (
                "ending in a week",
                Search {
                    expires_from: Some(middle + YEAR),
                    expires_until: Some(middle + YEAR + 7 * 86_400_000),
                    ..none()
                },
            ),
            ("refused calls", Search { refusals: Some(1 + round % 7), ..none() }),
            (
                "refused calls of one owner, deep",
                Search {
                    refused_from: Some(BEGIN),
                    person: text(format!("user-{}@example.org", round * 37 % 10_007)),
                    after: text(format!("{middle}.0")),
                    ..none()
                },
            ),
            (
                "in vain, 500 looked at",
                Search { tag: text("2026".into()), application: Some(ApplicationId::random()), ..none() },
            ),
        ]
    }

    async fn timed(&self, on: &str, rows: Rows, ids: &[DatumId]) -> Fallible<Vec<Row>> {
        let mut times: Vec<(&str, Vec<f64>)> =
            self.searches(0).iter().map(|(name, _)| (*name, Vec::new())).collect();
        let now = BEGIN + self.count * 1_000;
        for round in 0..ROUNDS {
            for ((_, search), (_, times)) in self.searches(round).iter().zip(&mut times) {
                let began = Instant::now();
                rows.search(&Remit::whole(self.organisation), search, now)
                    .await
                    .map_err(|error| format!("{error:?}"))?;
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
        }
        let mut reads = Vec::new();
        for id in ids.iter().cycle().take(2_000) {
            let began = Instant::now();
            rows.datum(*id).await?.ok_or("a datum is gone")?;
            reads.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        times.push(("the row of one", reads));
        let p99 = |(name, mut times): (&str, Vec<f64>)| {
            let figure = Figure::new(quantile(&mut times, 0.99), "ms");
            Row::figure(format!("{on}, {} data: {name}, p99", self.count), figure, Target::AtMost(50.0))
        };
        Ok(times.into_iter().map(p99).collect())
    }
}

fn one_of<T: Copy>(all: &[T], at: u64) -> Fallible<T> {
    Ok(*all.get(usize::try_from(at)?).ok_or("there are not so many")?)
}
