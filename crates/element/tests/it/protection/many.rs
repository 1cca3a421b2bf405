//! Many data by one call: each is judged, counted and recorded as by a call of its own, and none of it is a way around what bounds calls.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sceau_crypto::{SecretBytes, SigningKey};
use sceau_element_api::protect::{
    AskedOfData, AskedOfDatum, Batch, Called, CalledMany, KeptRow, MOST_DATA, OfBatch,
};
use sceau_element_api::wire::Code;
use sceau_element_api::{Base64Url, CallError, Client};
use sceau_hsm::{Error, KeyRef, Provider, Seal};
use sceau_trace::{Outcome, Record};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::caller::{Caller, DataKey, Protected, seconds, sign};
use crate::house::{Around, Keeping, Keystore, around, by_passkey, in_files, refused, shown};

/// A stage with a batch's callers.
struct Stage {
    house: Protected,
    /// The batch that was brought last.
    jti: String,
}

impl Stage {
    async fn set() -> Self {
        Self { house: Protected::begin().await, jti: String::new() }
    }

    fn client(&self) -> Client {
        self.house.element.client.clone()
    }

    fn creates(&self, data: Vec<Value>) -> Value {
        json!({"create_many": {"session": self.house.application.session(), "data": data}})
    }

    fn opens(&self, of: &[&Called]) -> Value {
        let data: Vec<Value> =
            of.iter().map(|of| json!({"datum": of.datum, "wrapped_key": of.wrapped_key})).collect();
        json!({"open_many": {"session": self.house.application.session(), "data": data}})
    }

    fn signed(&self, user: &str, op: Value) -> String {
        self.house.application.sign(&self.house.application.claims(user, op))
    }

    /// Brings a batch with the rows that the database has, and keeps what it answers.
    async fn bring(&mut self, call: String) -> Result<CalledMany, CallError> {
        let calls = Batch::unverified(&call).map(|batch| batch.calls).unwrap_or_default();
        self.jti = calls.first().map(|call| call.jti.clone()).unwrap_or_default();
        let row = |datum| self.house.application.rows.get(&datum).cloned();
        let rows = calls.iter().map(|call| call.op.datum().and_then(row)).collect();
        let asked = AskedOfData { call, address: "192.0.2.7".parse().ok(), rows };
        let called = self.client().protect_many(asked).await?;
        for item in &called.items {
            if let OfBatch::Granted(called) = item
                && let Some((_, kept)) = &called.changed
            {
                self.house.application.rows.insert(called.datum, kept.clone());
            }
        }
        Ok(called)
    }

    async fn ask(&mut self, user: &str, op: Value) -> Vec<OfBatch> {
        let call = self.signed(user, op);
        self.bring(call).await.unwrap().items
    }

    async fn begun(&mut self, data: Vec<Value>) -> Vec<Called> {
        let op = self.creates(data);
        self.ask("alice", op).await.into_iter().map(granted).collect()
    }

    /// The key of the datum at this place of the last batch.
    fn key(&self, (at, called): (usize, &Called)) -> DataKey {
        self.house.application.data_key_of_batch(called, (&self.jti, at))
    }
}

fn granted(item: OfBatch) -> Called {
    match item {
        OfBatch::Granted(called) => *called,
        OfBatch::Refused(refusal) => panic!("{refusal}"),
    }
}

/// What became of each: its code, or nothing where it was granted.
fn codes(items: &[OfBatch]) -> Vec<Option<Code>> {
    let code = |item: &OfBatch| match item {
        OfBatch::Granted(_) => None,
        OfBatch::Refused(refusal) => Some(refusal.code),
    };
    items.iter().map(code).collect()
}

async fn records(client: &Client, from: u64) -> Vec<Record> {
    let size = client.hello().await.unwrap().size;
    let mut records = Vec::new();
    for index in from..size {
        records.push(shown(client, index).await);
    }
    records
}

#[tokio::test]
async fn each_datum_has_its_key_and_its_record_and_they_stay() {
    let mut stage = Stage::set().await;
    let before = stage.client().hello().await.unwrap().size;
    let data = (0..5).map(|nth| json!({"name": format!("Ordonnance {nth}"), "tags": ["2026"]})).collect();
    let begun = stage.begun(data).await;
    let keys: Vec<DataKey> = begun.iter().enumerate().map(|called| stage.key(called)).collect();
    for (nth, key) in keys.iter().enumerate() {
        assert!(
            keys[..nth].iter().all(|other| other.key != key.key && other.iv != key.iv),
            "a key of its own"
        );
    }
    let indices: Vec<u64> = begun.iter().map(|called| called.index).collect();
    assert_eq!(indices, (before..before + 5).collect::<Vec<_>>());
    for (called, record) in begun.iter().zip(records(&stage.client(), before).await) {
        assert_eq!((record.action().as_str(), record.outcome()), ("datum.create", Outcome::Granted));
        let subject = |kind: &str| record.subjects().iter().find(|it| it.kind == kind).unwrap().id.clone();
        assert_eq!(subject("datum"), called.datum.to_string());
        assert!(record.detail().contains_key("answer"));
    }
    // Each opens by itself, too; and all of them together after a restart.
    let opening = stage.house.application.opening(&begun[3]);
    let client = stage.client();
    let opened = stage.house.application.ask(&client, "alice", opening).await.unwrap();
    assert_eq!(stage.house.application.data_key(&opened), keys[3]);
    drop(client);
    stage.house.element = stage.house.element.restart().await;
    let op = stage.opens(&begun.iter().collect::<Vec<_>>());
    let opened = stage.ask("alice", op).await;
    for (at, (item, key)) in opened.into_iter().zip(&keys).enumerate() {
        assert_eq!(&stage.key((at, &granted(item))), key);
    }
}

#[tokio::test]
async fn each_is_judged_by_itself_and_what_is_refused_of_one_is_on_record_and_keeps_nobody_back() {
    let mut stage = Stage::set().await;
    let shared = json!([{"to": {"user": "bob"}}]);
    let begun = stage
        .begun(vec![
            json!({"grants": shared}),
            json!({}),
            json!({"grants": shared, "valid_from": seconds() + 1000}),
            json!({"grants": shared, "owner": "carol"}),
            json!({"grants": shared}),
        ])
        .await;
    let client = stage.client();
    let deactivate = json!({"deactivate": {"datum": begun[4].datum}});
    stage.house.application.ask(&client, "alice", deactivate).await.unwrap();
    let mut foreign = begun[0].clone();
    foreign.wrapped_key.clone_from(&begun[3].wrapped_key);
    let mut unknown = begun[0].clone();
    unknown.datum = sceau_element_api::protect::DatumId::random();
    let from = client.hello().await.unwrap().size;
    let op = stage.opens(&[&begun[0], &begun[1], &begun[2], &foreign, &unknown, &begun[3], &begun[4]]);
    let opened = stage.ask("bob", op).await;
    let expected = [
        None,
        Some(Code::UserNotAuthorised),
        Some(Code::DatumNotValid),
        Some(Code::WrappedKeyInvalid),
        Some(Code::DatumUnknown),
        None,
        Some(Code::DatumInactive),
    ];
    assert_eq!(codes(&opened), expected);
    let records = records(&client, from).await;
    let said: Vec<&str> = records.iter().map(Record::code).collect();
    let expected: Vec<&str> = expected.iter().map(|code| code.map_or("", Code::as_str)).collect();
    assert_eq!(said, expected, "in the order of the batch");
    let application = stage.house.application.document.application.to_string();
    assert!(
        records
            .iter()
            .all(|record| record.actor().id == application && record.action().as_str() == "datum.open")
    );
    // The owner finds what was tried among the accesses.
    let accesses = client.accesses(begun[1].datum, None, 1).await.unwrap();
    assert_eq!(accesses.list[0].refused.as_deref(), Some("user_not_authorised"));
    // An application's batch opens no datum of another.
    let other = Caller::new(stage.house.organisation.id);
    by_passkey(&client, &stage.house.administrator, &other.document, None).await.unwrap();
    let claims = other.claims("alice", stage.opens(&[&begun[0], &begun[1]]));
    let opened = stage.bring(other.sign(&claims)).await.unwrap().items;
    assert_eq!(codes(&opened), [Some(Code::DatumUnknown); 2]);
}

#[tokio::test]
async fn a_batch_is_good_once_beside_calls_too_and_after_a_restart() {
    let mut stage = Stage::set().await;
    let mut claims = stage.house.application.claims("alice", stage.creates(vec![json!({}); 3]));
    let batch = stage.house.application.sign(&claims);
    stage.bring(batch.clone()).await.unwrap();
    let size = stage.client().hello().await.unwrap().size;
    refused(stage.bring(batch.clone()).await, Code::CallReplayed);
    // One record of who brings it again, not one for each datum.
    assert_eq!(stage.client().hello().await.unwrap().size, size + 1);
    // Its id is used up for a call, and the other way round.
    let client = stage.client();
    claims["op"] = stage.house.application.create();
    let call = stage.house.application.sign(&claims);
    refused(stage.house.application.bring(&client, call).await, Code::CallReplayed);
    claims["jti"] = json!(hex::encode(sceau_crypto::random::<16>()));
    let call = stage.house.application.sign(&claims);
    stage.house.application.bring(&client, call).await.unwrap();
    claims["op"] = stage.creates(vec![json!({})]);
    let again = stage.house.application.sign(&claims);
    refused(stage.bring(again).await, Code::CallReplayed);
    drop(client);
    stage.house.element = stage.house.element.restart().await;
    refused(stage.bring(batch).await, Code::CallReplayed);
    // Brought twice at once, it is taken once.
    let call = stage.signed("alice", stage.creates(vec![json!({}); 3]));
    let asked = || AskedOfData { call: call.clone(), address: None, rows: vec![None; 3] };
    let client = stage.client();
    let (one, other) = tokio::join!(client.protect_many(asked()), client.protect_many(asked()));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    refused(if one.is_ok() { other } else { one }, Code::CallReplayed);
}

#[tokio::test]
async fn what_bounds_openings_is_counted_for_each_of_a_batch() {
    let mut stage = Stage::set().await;
    let rules = json!({"second_person": {"within_minutes": 10}});
    let grants = json!([{"to": {"user": "bob"}}]);
    let begun = stage
        .begun(vec![json!({"rules": {"reads": 2}}), json!({"rules": rules, "grants": grants}), json!({})])
        .await;
    let (read, seconded) = (&begun[0], &begun[1]);
    let client = stage.client();
    let agreement = json!({"agree": {"datum": seconded.datum, "to": {"user": "alice"}}});
    stage.house.application.ask(&client, "bob", agreement).await.unwrap();
    let op = stage.opens(&[read, seconded, read, seconded, read, &begun[2], read]);
    let opened = stage.ask("alice", op).await;
    let (spent, needed) = (Some(Code::ReadsSpent), Some(Code::SecondPersonNeeded));
    assert_eq!(codes(&opened), [None, None, None, needed, spent, None, spent]);
    let opening = stage.house.application.opening(read);
    refused(stage.house.application.ask(&client, "alice", opening).await, Code::ReadsSpent);
}

#[tokio::test]
async fn what_the_database_altered_or_lost_is_taken_from_the_journal_and_given_back() {
    let mut stage = Stage::set().await;
    let begun = stage.begun(vec![json!({"grants": [{"to": {"user": "bob"}}]}), json!({}), json!({})]).await;
    let keys: Vec<DataKey> = begun.iter().enumerate().map(|called| stage.key(called)).collect();
    let client = stage.client();
    let with_bob = stage.house.application.rows[&begun[0].datum].clone();
    let revoke = json!({"revoke": {"datum": begun[0].datum, "to": {"user": "bob"}}});
    stage.house.application.ask(&client, "alice", revoke).await.unwrap();
    let rows = &mut stage.house.application.rows;
    let present = rows[&begun[0].datum].clone();
    let (second, third) = (rows[&begun[1].datum].clone(), rows[&begun[2].datum].clone());
    // Rolled back to where bob may; another's salt; lost.
    rows.insert(begun[0].datum, with_bob);
    rows.insert(begun[1].datum, KeptRow { salt: third.salt.clone(), ..second.clone() });
    rows.remove(&begun[2].datum);
    let op = stage.opens(&[&begun[0], &begun[1], &begun[2]]);
    let call = stage.signed("bob", op.clone());
    assert_eq!(codes(&stage.bring(call).await.unwrap().items), [Some(Code::UserNotAuthorised); 3]);
    let call = stage.signed("alice", op);
    let CalledMany { items, restored } = stage.bring(call).await.unwrap();
    for (at, (item, key)) in items.into_iter().zip(&keys).enumerate() {
        assert_eq!(&stage.key((at, &granted(item))), key);
    }
    let restored: Vec<_> = restored.into_iter().map(|(at, _, kept)| (at, kept)).collect();
    assert_eq!(restored, [(0, present), (1, second), (2, third)]);
}

#[tokio::test]
async fn what_is_not_as_it_must_be_refuses_the_whole_batch_and_uses_nothing_up() {
    let mut stage = Stage::set().await;
    let now = seconds();
    let stranger = SigningKey::generate();
    let session = stage.house.application.session();
    let header = |typ: &str| json!({"alg": "EdDSA", "kid": "one", "typ": typ});
    let good = stage.house.application.claims("alice", stage.creates(vec![json!({}); 2]));
    let with = |member: &str, value: Value| {
        let mut claims = good.clone();
        claims[member] = value;
        claims
    };
    let of = |op: &str, data: Value| with("op", json!({op: {"session": session, "data": data}}));
    let application = &stage.house.application;
    let sized = |length: usize| of("create_many", json!([{"name": "n".repeat(length)}]));
    let none_of_a_key = json!({"alg": "ECDH-ES", "jwk": {"kty": "OKP", "crv": "X25519", "x": "AAAA"}});
    let table = vec![
        ("a stranger's key", sign(&stranger, &header("sceau-protect-call"), &good), Code::ProofInvalid),
        ("another typ", sign(&application.key, &header("JWT"), &good), Code::ProofInvalid),
        ("empty", String::new(), Code::ProofInvalid),
        ("long", "a".repeat(256 * 1024 + 1), Code::TooLarge),
        ("long as one call may not be", application.sign(&sized(60_000)), Code::Malformed),
        ("elsewhere", application.sign(&with("aud", json!("other.test/log"))), Code::CallElsewhere),
        (
            "ended",
            application.sign(&{
                let mut claims = with("iat", json!(now - 400));
                claims["exp"] = json!(now - 280);
                claims
            }),
            Code::CallExpired,
        ),
        ("too long a life", application.sign(&with("exp", json!(now + 400))), Code::Malformed),
        ("no data", application.sign(&of("create_many", json!([]))), Code::Malformed),
        (
            "too many data",
            application.sign(&of("create_many", json!(vec![json!({}); MOST_DATA + 1]))),
            Code::Malformed,
        ),
        (
            "one that is not as it must be",
            application.sign(&of("create_many", json!([{}, {"tags": ["two\nlines"]}]))),
            Code::Malformed,
        ),
        (
            "a session of its own",
            application.sign(&of("create_many", json!([{"session": session}]))),
            Code::Malformed,
        ),
        (
            "a content of a profile",
            application.sign(&of("create_many", json!([{"profile": "cbc-rs256"}]))),
            Code::Malformed,
        ),
        (
            "no session",
            application.sign(&with("op", json!({"create_many": {"data": [{}]}}))),
            Code::Malformed,
        ),
        (
            "a session that is none",
            application.sign(&with("op", json!({"create_many": {"session": none_of_a_key, "data": [{}]}}))),
            Code::SessionKeyInvalid,
        ),
        ("a call about one datum", application.sign(&with("op", application.create())), Code::Malformed),
        ("an operation that there is not", application.sign(&of("erase_many", json!([]))), Code::Malformed),
        ("a proof of the log", application.sign(&with("prove", json!(true))), Code::Malformed),
        ("a body", application.sign(&with("body", json!(Base64Url(vec![7; 32]).encode()))), Code::Malformed),
        (
            "deep",
            application.sign(&of("create_many", (0..200).fold(json!(1), |inner, _| json!([inner])))),
            Code::Malformed,
        ),
    ];
    for (name, call, code) in table {
        eprintln!("{name}");
        refused(stage.bring(call).await, code);
    }
    // A batch is none of the calls about one datum.
    let client = stage.client();
    let batch = stage.house.application.sign(&good);
    refused(stage.house.application.bring(&client, batch.clone()).await, Code::Malformed);
    assert_eq!(codes(&stage.bring(batch).await.unwrap().items), [None; 2], "none of these used it up");
}

#[tokio::test]
async fn a_whole_batch_is_answered_and_what_has_no_room_in_the_answer_is_not_begun() {
    let mut stage = Stage::set().await;
    let begun = stage.begun(vec![json!({"name": "Ordonnance", "tags": ["2026", "rouge"]}); MOST_DATA]).await;
    assert_eq!(begun.len(), MOST_DATA);
    let op = stage.opens(&begun.iter().collect::<Vec<_>>());
    assert!(codes(&stage.ask("alice", op).await).iter().all(Option::is_none));
    // What is kept of an authorisation is three times as long as what asks for it.
    let grants: Vec<Value> = (10..30).map(|nth| json!({"to": {"user": format!("u{nth}")}})).collect();
    let op = stage.creates(vec![json!({"grants": grants}); MOST_DATA]);
    let before = stage.client().hello().await.unwrap().size;
    let codes = codes(&stage.ask("alice", op).await);
    let fits = codes.iter().take_while(|code| code.is_none()).count();
    assert!((200..350).contains(&fits), "{fits}");
    assert!(codes[fits..].iter().all(|code| *code == Some(Code::TooLarge)));
    let size = stage.client().hello().await.unwrap().size;
    assert_eq!(size - before, MOST_DATA as u64, "each is on record");
    let last = shown(&stage.client(), size - 1).await;
    assert_eq!((last.code(), last.attested()), ("too_large", None));
}

/// A keystore that seals so many more times, and tells of each; at a gate, where there is one.
struct Sealing {
    inner: Arc<dyn Provider>,
    left: Arc<AtomicUsize>,
    gate: Option<(mpsc::UnboundedSender<()>, Arc<Gate>)>,
}

#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

/// Opens it also where a test fails: a thread that waits is waited for.
struct OpensAtLast(Arc<Gate>);

impl Drop for OpensAtLast {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl Around for Sealing {
    fn inner(&self) -> &dyn Provider {
        &*self.inner
    }

    fn sealing(&self) -> Option<&dyn Seal> {
        Some(self)
    }
}

impl Seal for Sealing {
    fn seal(&self, key: &KeyRef, context: &[u8], secret: &[u8]) -> Result<Vec<u8>, Error> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match (left, &self.gate) {
            (Ok(_), _) => {}
            (Err(_), Some((begun, gate))) => {
                // A test that has ended looks at none.
                let _ = begun.send(());
                drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
            }
            (Err(_), None) => return Err(Error::Unsupported { scheme: "software", operation: "sealing" }),
        }
        self.inner.sealing().unwrap().seal(key, context, secret)
    }

    fn open(&self, key: &KeyRef, context: &[u8], sealed: &[u8]) -> Result<SecretBytes, Error> {
        self.inner.sealing().unwrap().open(key, context, sealed)
    }
}

async fn sealing(left: &Arc<AtomicUsize>, gate: Option<(mpsc::UnboundedSender<()>, Arc<Gate>)>) -> Stage {
    let left = Arc::clone(left);
    let keystore: Keystore = Arc::new(move |folder: &Path| {
        let inner = in_files(folder)?;
        Ok(around(Sealing { inner, left: Arc::clone(&left), gate: gate.clone() }))
    });
    let house = Protected::begin_with(Keeping { keystore, ..Keeping::in_files(2) }).await;
    Stage { house, jti: String::new() }
}

#[tokio::test]
async fn keys_that_go_away_within_a_batch_leave_what_was_done_and_say_what_was_not() {
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let mut stage = sealing(&left, None).await;
    // The month's key, which seals who asked, is used once before.
    stage.begun(vec![json!({})]).await;
    left.store(3, Ordering::SeqCst);
    let op = stage.creates(vec![json!({}); 5]);
    let call = stage.signed("alice", op);
    let items = stage.bring(call.clone()).await.unwrap().items;
    let away = Some(Code::Unavailable);
    assert_eq!(codes(&items), [None, None, None, away, away]);
    refused(stage.bring(call).await, Code::CallReplayed);
    // Where nothing was done, the batch is not used up.
    let op = stage.creates(vec![json!({}); 2]);
    let call = stage.signed("alice", op);
    assert_eq!(codes(&stage.bring(call.clone()).await.unwrap().items), [away; 2]);
    left.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(codes(&stage.bring(call).await.unwrap().items), [None; 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_that_wait_for_keys_are_few_and_hold_no_other_call_back() {
    let (begun, mut sealed) = mpsc::unbounded_channel();
    let gate = Arc::new(Gate::default());
    let _opens = OpensAtLast(Arc::clone(&gate));
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let mut stage = sealing(&left, Some((begun, Arc::clone(&gate)))).await;
    let client = stage.client();
    let created = stage.begun(vec![json!({})]).await;
    left.store(0, Ordering::SeqCst);
    let calls: Vec<String> =
        (0..17).map(|_| stage.signed("alice", stage.creates(vec![json!({}); 2]))).collect();
    let (told, mut answers) = mpsc::unbounded_channel();
    for call in &calls {
        let (client, told) = (client.with_deadline(Duration::from_secs(60)), told.clone());
        let asked = AskedOfData { call: call.clone(), address: None, rows: vec![None; 2] };
        tokio::spawn(async move { told.send(client.protect_many(asked).await) });
    }
    // Sixteen wait; the other one is told so at once.
    refused(answers.recv().await.unwrap(), Code::Busy);
    for _ in 0..2 {
        sealed.recv().await.unwrap();
    }
    let describe = json!({"describe": {"datum": created[0].datum}});
    let call = stage.signed("alice", describe);
    let row = stage.house.application.rows.get(&created[0].datum).cloned();
    let within = Duration::from_secs(30);
    let described = client.protect(AskedOfDatum { call, address: None, row });
    tokio::time::timeout(within, described).await.expect("it does not wait").unwrap();
    assert!(sealed.try_recv().is_err(), "two at once");
    gate.open();
    for _ in 0..16 {
        assert_eq!(codes(&answers.recv().await.unwrap().unwrap().items), [None; 2]);
    }
}
