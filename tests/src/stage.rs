//! A house with everybody that a deposit needs, and what a test does to its records behind its back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sceau_client::{Deposited, Document, Person, Scheme, Server, Trust, trust};
use sceau_crypto::{Typ, jws};
use sceau_element_api::documents::{AnswerValue, Decision, DecisionRole, Document as _, Manifest, Outcome};
use sceau_element_api::{Base64Url, Client, DossierId};
use sceau_store::{Database, Statement, Value as Datum};
use sceau_trace::{Record, VerifierKey};
use serde_json::{Value, json};

use crate::{House, Organisation, now_ms, publish_scheme};

/// A house with an organisation, its people, its scheme, and a citizen.
#[derive(Debug)]
pub struct Stage {
    /// The processes.
    pub house: House,
    /// The platform's administrator.
    pub administrator: Person,
    /// The organisation's software.
    pub organisation: Organisation,
    /// Its administrator.
    pub chief: Person,
    /// Its case officer.
    pub officer: Person,
    /// Who deposits.
    pub citizen: Person,
    /// What is answered.
    pub scheme: Scheme,
}

impl Stage {
    /// Sets it.
    pub async fn set(name: &str) -> Self {
        Self::in_house(House::start(name)).await
    }

    /// Sets it in a house that was started in another way.
    pub async fn in_house(house: House) -> Self {
        let administrator = house.administrator().await;
        let organisation = house.organisation(&administrator, "Métropole d’essai").await;
        let (chief, officer) = house.staff(&administrator, organisation.enrolled.organisation).await;
        let scheme = publish_scheme(&chief).await;
        let citizen = house.citizen("cleo@example.org").await;
        Self { house, administrator, organisation, chief, officer, citizen, scheme }
    }

    /// Whole answers to the scheme.
    pub fn answers() -> BTreeMap<String, AnswerValue> {
        BTreeMap::from([
            ("price".to_owned(), AnswerValue::Number(3200.into())),
            ("income".to_owned(), AnswerValue::Number(18500.into())),
        ])
    }

    /// A whole deposit of one document.
    pub async fn deposit(&self, content: &[u8]) -> Deposited {
        self.deposit_of(&self.citizen, content).await
    }

    /// The same of another citizen.
    pub async fn deposit_of(&self, citizen: &Person, content: &[u8]) -> Deposited {
        let document = Document {
            name: "pièce.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            content: content.to_vec(),
        };
        let deposited =
            citizen.deposit(&self.scheme, &Self::answers(), &[document], now_ms(), &mut |_| {}).await;
        deposited.expect("a whole deposit is taken")
    }

    /// A reading session of the case officer, as the key manager's page has it.
    pub async fn reading(&self, dossier: DossierId) -> Server {
        let link = self.officer.ticket(dossier).await.expect("the officer may open it");
        let ticket = link.rsplit_once("ticket=").map(|(_, ticket)| ticket).expect("a ticket in the fragment");
        let page = self.nobody();
        let token: Value = page
            .post("/v1/tickets/exchange", &json!({"ticket": ticket}))
            .await
            .expect("a fresh ticket is exchanged");
        page.set_bearer(token.get("token").and_then(Value::as_str).map(str::to_owned));
        page
    }

    /// Somebody who is not signed in.
    pub fn nobody(&self) -> Server {
        Server::new(&self.house.origin, &Trust::default()).expect("a good address")
    }

    /// A decision on a manifest that the organisation's software signs.
    pub fn decision(&self, manifest: &[u8], decision: Outcome, time: u64) -> String {
        let manifest = Manifest::parse(manifest).expect("a manifest that was taken");
        let decision = Decision {
            v: 1,
            dossier: manifest.document.dossier,
            organisation: self.organisation.enrolled.organisation,
            manifest_hash: manifest.hash,
            decision,
            reason: "Dossier complet.".to_owned(),
            decided_by: self.officer.account.parse().expect("an account id"),
            connector: None,
            role: DecisionRole::CaseOfficer,
            time,
        };
        jws::sign(&self.organisation.sign, Typ::Decision, &decision.to_bytes().expect("a good decision"))
    }

    /// Every record of the log, with the ids that only evidence shows.
    pub async fn trace(&self) -> Vec<Record> {
        opened_trace(&self.house).await
    }

    /// Every entry of the log, by the public API.
    pub async fn public_entries(&self) -> Vec<Vec<u8>> {
        let (server, mut entries) = (self.nobody(), Vec::new());
        loop {
            let path = format!("/v1/trace/records?start={}&count=256", entries.len());
            let more: Vec<Base64Url> = match server.get(&path).await {
                Err(error) if error.code() == Some("not_found") => return entries,
                more => more.expect("the log is public"),
            };
            if more.is_empty() {
                return entries;
            }
            entries.extend(more.into_iter().map(|entry| entry.0));
        }
    }

    /// How many refusals with this code the log holds of rows of this kind.
    pub async fn recorded(&self, code: &str, row: &str) -> usize {
        let of_row = |record: &Record| record.detail().get("row").is_some_and(|kind| kind == row);
        self.trace().await.iter().filter(|record| record.code() == code && of_row(record)).count()
    }
}

impl House {
    /// Stops the platform, works on its database as its administrator could, and starts it again.
    pub async fn behind_its_back<T>(&mut self, work: impl AsyncFnOnce(&Records) -> T) -> T {
        self.stop_platform();
        let records = Records::open(self).await;
        let done = work(&records).await;
        records.database.close().await;
        self.start_platform();
        done
    }

    /// Waits until every letter that is due has been delivered; the letters, each with its headers.
    pub async fn letters(&mut self) -> Vec<String> {
        let records = Records::open(self).await;
        loop {
            let waiting = "SELECT count(*) AS v FROM outbox WHERE dead = 0";
            if records.value::<u64>(waiting, &[]).await == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        records.database.close().await;
        if let Some(letters) = self.servers.letters() {
            return letters;
        }
        let folder = std::fs::read_dir(self.scratch.join("platform").join("mail")).expect("the mail folder");
        let mut letters: Vec<String> = folder
            .map(|entry| entry.expect("a folder can be read").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .map(|path| std::fs::read_to_string(path).expect("a letter is text"))
            .collect();
        letters.sort();
        letters
    }

    /// Stops the platform as an operator does.
    pub fn stop_platform(&mut self) {
        // Asked right after it said that it is ready, it may end by the signal itself: nothing may be lost by that either.
        self.platform.take().expect("the platform runs").stop();
    }

    /// The files of the platform's database.
    pub fn database_files(&self) -> Vec<PathBuf> {
        ["records.db", "records.db-wal", "records.db-shm"]
            .map(|name| self.scratch.join("platform").join(name))
            .to_vec()
    }

    /// How many objects there are.
    pub fn objects_kept(&self) -> usize {
        if let Some(store) = &self.servers.s3 {
            return store.ask("count").parse().expect("the store counts");
        }
        let below = |folder: &std::path::Path| -> Vec<PathBuf> {
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
        };
        // Two levels of folders.
        let shelves = below(&self.scratch.join("platform").join("objects"));
        shelves.into_iter().flat_map(|shelf| below(&shelf)).map(|folder| below(&folder).len()).sum()
    }

    /// The file of an object.
    pub fn object(&self, name: &str) -> PathBuf {
        let folder = self.scratch.join("platform").join("objects");
        let (first, rest) = name.split_at(2);
        folder.join(first).join(rest.split_at(2).0).join(name)
    }
}

/// The platform's database in somebody else's hands.
#[derive(Debug)]
pub struct Records {
    database: Database,
}

impl Records {
    /// Opens the database of a house, whether the platform runs or not.
    pub async fn open(house: &House) -> Self {
        Self { database: house.database().await }
    }

    /// Runs a statement, which must change something.
    pub async fn edit(&self, sql: &'static str, values: &[Datum]) {
        let changed = self.database.execute(Statement::new("EDIT", sql), values).await.expect("good SQL");
        assert!(changed > 0, "nothing was edited by {sql}");
    }

    /// The one value `v` that a query finds.
    pub async fn value<T: sceau_store::FromValue>(&self, sql: &'static str, values: &[Datum]) -> T {
        let row = self.database.fetch_one(Statement::new("VALUE", sql), values).await.expect("one row");
        row.get("v").expect("a value of that type")
    }

    /// Edits the bytes of a document that was attested, by replacing one text in it.
    pub async fn edit_document(&self, kind: &str, id: &str, from: &str, to: &str) {
        let at: &[Datum] = &[kind.into(), id.into()];
        let current = "SELECT payload AS v FROM attested_documents WHERE kind = $1 AND id = $2 \
            ORDER BY log_index DESC LIMIT 1";
        let payload: Vec<u8> = self.value(current, at).await;
        let text = String::from_utf8(payload).expect("documents are JSON");
        assert!(text.contains(from), "{text}");
        let edited = text.replace(from, to).into_bytes();
        let old = text.into_bytes();
        self.edit(
            "UPDATE attested_documents SET payload = $1 WHERE payload = $2",
            &[edited.into(), old.into()],
        )
        .await;
    }
}

/// Every record of the log with the ids that only evidence shows: each is asked of the element itself and verified.
pub async fn opened_trace(house: &House) -> Vec<Record> {
    let element = Client::new(house.socket());
    let hello = element.hello().await.expect("the element runs");
    let log_key = VerifierKey::parse(&hello.log_key).expect("the log's key");
    let mut records = Vec::new();
    for index in 0..hello.size {
        let evidence = element.evidence(index).await.expect("every record has its evidence");
        let evidence = serde_json::from_str(&evidence).expect("evidence is JSON");
        records.push(trust::verify(&evidence, &log_key).expect("it verifies").record);
    }
    records
}
