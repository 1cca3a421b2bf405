#![allow(clippy::unwrap_used, clippy::panic, reason = "tests state what must hold")]

use std::sync::Arc;

use sceau_element_api::Client;
use sceau_store::{Clock, Database, ManualClock, Outbox, RetryPolicy, Statement};
use sceau_trace::{Evidence, Outcome as Stands, Record};
use serde_json::{Value, json};

use super::*;
use crate::mob::{Announced, BUS_TOPIC, ToProcess};

#[path = "../../../tests/it/element.rs"]
mod element;
use element::element;

struct Ground {
    folder: tempfile::TempDir,
    element: Client,
    database: Database,
    subscriptions: Subscriptions,
}

impl Ground {
    /// Subscription `S1` of citizen `citizen.1` waits at company `alpha`, `S2` of `citizen.2` at `beta`.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let migrations = [sceau_store::MIGRATIONS, crate::MIGRATIONS].concat();
        let database = Database::open(&folder.path().join("db"), &migrations).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_795_000_000_000));
        let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
        let element = element(folder.path());
        let subscriptions = Subscriptions::new(database.clone(), outbox, element.clone(), clock);
        let ground = Self { folder, element, database, subscriptions };
        for (company, subscription, citizen) in [("alpha", "S1", "citizen.1"), ("beta", "S2", "citizen.2")] {
            let mut transaction = ground.database.begin().await.unwrap();
            let message = message(subscription, citizen);
            ground.subscriptions.announce(&mut transaction, &of(company), &message).await.unwrap();
            transaction.commit().await.unwrap();
        }
        ground.sent().await;
        ground
    }

    /// What is left for the companies, and is forgotten here.
    async fn sent(&self) -> Vec<(String, Value)> {
        let collected = Arc::new(std::sync::Mutex::new(Vec::new()));
        let sink = Arc::clone(&collected);
        let collect = move |message: sceau_store::Message| {
            let sink = Arc::clone(&sink);
            async move {
                let announced: Announced = message.parse()?;
                let body = serde_json::from_str(&announced.message).unwrap();
                sink.lock().unwrap().push((announced.company.to_string(), body));
                Ok(())
            }
        };
        self.subscriptions.outbox.dispatcher().on(BUS_TOPIC, collect).deliver_due().await.unwrap();
        std::mem::take(&mut *collected.lock().unwrap())
    }

    async fn settle(&self, company: &str, body: &Value) -> Option<ReplyError> {
        self.receive(company, &body.to_string(), None, false).await
    }

    async fn receive(
        &self,
        company: &str,
        body: &str,
        user_id: Option<&str>,
        redelivered: bool,
    ) -> Option<ReplyError> {
        let user_id = user_id.map(str::to_owned);
        let body = body.as_bytes().to_vec();
        let received = Received { company: of(company), user_id, redelivered, put_aside: false, body };
        self.subscriptions.settle(&received, &format!("hr-{company}")).await.unwrap()
    }

    /// What the log says, from its first record that a company is the actor of.
    async fn log(&self) -> Vec<(Record, String)> {
        let mut all = Vec::new();
        let mut index = 0;
        while let Ok(text) = self.element.evidence(index).await {
            let record = Evidence::parse(text.as_bytes()).unwrap().verify(None).unwrap().record;
            let entry = self.element.entries(index, 1).await.unwrap().remove(0);
            if record.actor().kind == ActorKind::Client {
                all.push((record, String::from_utf8(entry).unwrap()));
            }
            index += 1;
        }
        all
    }

    async fn status(&self, company: &str, id: &str) -> Option<String> {
        self.subscriptions.status(&of(company), id).await.unwrap()
    }
}

fn of(company: &str) -> Company {
    company.parse().unwrap()
}

fn message(subscription: &str, citizen: &str) -> SubscriptionMessage {
    SubscriptionMessage {
        last_name: "Durand".into(),
        first_name: "Léa".into(),
        birthdate: "1990-12-12T00:00:00.000Z".into(),
        citizen_id: citizen.into(),
        incentive_id: "I".into(),
        subscription_id: subscription.into(),
        email: String::new(),
        status: ToProcess::ToProcess,
        community_name: String::new(),
        specific_fields: String::new(),
        attachments: Vec::new(),
        error: None,
        encryption: None,
    }
}

fn granted(subscription: &str, citizen: &str) -> Value {
    json!({"citizenId": citizen, "subscriptionId": subscription, "status": "VALIDEE", "mode": "unique", "amount": 50})
}

#[tokio::test]
async fn a_decision_is_recorded_once() {
    let ground = Ground::new().await;
    assert_eq!(ground.settle("alpha", &granted("S1", "citizen.1")).await, None);
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("VALIDEE"));
    // The broker sends it again, as after a crash before the acknowledgement: nothing more happens.
    let again = granted("S1", "citizen.1").to_string();
    assert_eq!(ground.receive("alpha", &again, None, true).await, None);
    let replies = ground.subscriptions.replies("S1").await.unwrap();
    assert!(matches!(&replies[..], [one] if one.reply.is_some() && one.error.is_none()));
    assert!(ground.sent().await.is_empty());
    // The company sends another: refused, and sent back with the subscription.
    let other = json!({"citizenId": "citizen.1", "subscriptionId": "S1", "status": "ERREUR"});
    assert_eq!(ground.settle("alpha", &other).await, Some(ReplyError::status()));
    let sent = ground.sent().await;
    let [(company, body)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(
        (company.as_str(), &body["error"]["code"], &body["lastName"]),
        ("alpha", &json!(409), &json!("Durand"))
    );
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("VALIDEE"));
}

#[tokio::test]
async fn fault_07_a_decision_from_the_bus_is_bound_to_the_company_that_sends_it() {
    let ground = Ground::new().await;
    let error = ground.settle("alpha", &granted("S2", "citizen.2")).await;
    assert_eq!(error, Some(ReplyError::unknown_subscription()));
    assert_eq!(ground.status("beta", "S2").await.as_deref(), Some("A_TRAITER"));
    // The sender learns nothing of the other company's subscription, not even that it exists.
    let nobody = ground.settle("alpha", &granted("S9", "citizen.2")).await;
    assert_eq!(nobody, error);
    let sent = ground.sent().await;
    for (company, body) in &sent {
        assert_eq!(company, "alpha");
        assert_eq!(
            body.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["citizenId", "error", "subscriptionId"]
        );
    }
    assert_eq!(sent.len(), 2);
    let recorded = ground.subscriptions.replies("S2").await.unwrap();
    assert!(matches!(&recorded[..], [one] if one.company == of("alpha") && one.error == error));
    // Its own company decides it.
    assert_eq!(ground.settle("beta", &granted("S2", "citizen.2")).await, None);
}

#[tokio::test]
async fn a_reply_that_another_login_sent_decides_nothing() {
    let ground = Ground::new().await;
    let body = granted("S1", "citizen.1").to_string();
    let refused = ground.receive("alpha", &body, Some("hr-beta"), false).await;
    assert_eq!(refused, Some(ReplyError::sender()));
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("A_TRAITER"));
    assert_eq!(ground.receive("alpha", &body, Some("hr-alpha"), false).await, None);
}

#[tokio::test]
async fn another_citizen_is_refused_without_the_subscription() {
    let ground = Ground::new().await;
    assert_eq!(ground.settle("alpha", &granted("S1", "citizen.2")).await, Some(ReplyError::citizen()));
    let sent = ground.sent().await;
    assert!(sent.iter().all(|(_, body)| body.get("lastName").is_none()), "{sent:?}");
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("A_TRAITER"));
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_recorded_not_kept() {
    let ground = Ground::new().await;
    for body in ["", "{", "[]", "\u{0}", "{\"status\":\"VALIDEE\"}"] {
        assert!(ground.receive("alpha", body, None, false).await.is_some(), "{body}");
    }
    assert_eq!(ground.sent().await.len(), 5);
}

#[tokio::test]
async fn dead_letters_that_a_company_writes_itself_fill_no_database() {
    let ground = Ground::new().await;
    let put = async |company: &str, length: usize| {
        let body = vec![b'x'; length];
        let received =
            Received { company: of(company), user_id: None, redelivered: false, put_aside: true, body };
        ground.subscriptions.put_aside(&received).await.unwrap()
    };
    assert!(put("alpha", 100_000).await);
    assert!(ground.subscriptions.outbox.dead_letters(1000).await.unwrap().is_empty(), "it is no reply");
    for _ in 0..MOST_ASIDE {
        assert!(put("alpha", 100).await);
    }
    assert!(!put("alpha", 100).await, "one more waits at the broker");
    assert!(put("beta", 100).await, "and no other company");
    let dead = ground.subscriptions.outbox.dead_letters(1000).await.unwrap();
    assert_eq!(dead.len() as u64, MOST_ASIDE + 1);
    assert!(ground.subscriptions.outbox.discard(&dead[0].id).await.unwrap());
    assert!(put("alpha", 100).await);
}

#[tokio::test]
async fn a_decision_from_the_bus_is_on_record_before_and_after_and_names_nobody() {
    let ground = Ground::new().await;
    assert_eq!(ground.settle("alpha", &granted("S1", "citizen.1")).await, None);
    let log = ground.log().await;
    let [(intent, entry), (outcome, _)] = &log[..] else { panic!("{log:?}") };
    assert_eq!((intent.outcome(), outcome.outcome()), (Stands::Intent, Stands::Granted));
    for (record, entry) in &log {
        assert_eq!((record.actor().id.as_str(), record.action()), ("hr-alpha", &Action::DECISION));
        let detail = |name: &str| record.detail().get(name).map(String::as_str);
        assert_eq!((detail("company"), detail("channel")), (Some("alpha"), Some("bus")));
        assert_eq!(detail("outcome"), Some("validated"));
        assert_eq!(record.subjects()[0].id, "S1", "whoever holds the opening reads which");
        for personal in ["\"S1\"", "citizen.1", "Durand"] {
            assert!(!entry.contains(personal), "{entry}");
        }
    }
    assert!(entry.contains("hmac:"));
    let [kept] = &ground.subscriptions.replies("S1").await.unwrap()[..] else { panic!("one") };
    assert_eq!(kept.login.as_deref(), Some("hr-alpha"));
    assert!(kept.log_index.is_some());
}

#[tokio::test]
async fn a_refused_reply_is_on_record_with_its_reason_whatever_it_names() {
    let ground = Ground::new().await;
    for (reply, code) in [
        (json!("no reply"), "reply_malformed"),
        (granted("S2", "citizen.2"), "reply_unknown_subscription"),
        (granted("S1", "citizen.2"), "reply_foreign"),
        (json!({"citizenId": "citizen.1", "subscriptionId": "S1", "status": "?"}), "reply_invalid"),
        (granted("lea@example.org, Lyon", "citizen.1"), "reply_unknown_subscription"),
        (granted("127.0.0.1", "citizen.1"), "reply_unknown_subscription"),
        (granted("hmac:forged", "citizen.1"), "reply_unknown_subscription"),
    ] {
        assert!(ground.settle("alpha", &reply).await.is_some());
        let log = ground.log().await;
        let (record, entry) = log.last().unwrap();
        assert_eq!((record.outcome(), record.code()), (Stands::Refused, code), "{reply}");
        assert!(!entry.contains("lea@") && !entry.contains("127.0.0.1"), "{entry}");
    }
    assert_eq!(ground.log().await.len(), 7);
}

/// Killed after the commit: the broker sends it again, and what the log lacks is written.
#[tokio::test]
async fn a_decision_whose_record_was_cut_off_is_recorded_when_it_comes_again() {
    let ground = Ground::new().await;
    let body = granted("S1", "citizen.1").to_string();
    assert_eq!(ground.receive("alpha", &body, None, false).await, None);
    let cut = Statement::new("CUT", "UPDATE mob_replies SET log_index = NULL");
    ground.database.execute(cut, params![]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ground.receive("alpha", &body, None, true).await, None);
        assert_eq!(ground.log().await.len(), 3, "once");
    }
    assert!(ground.subscriptions.replies("S1").await.unwrap()[0].log_index.is_some());
}

#[tokio::test]
async fn without_the_log_nothing_is_decided() {
    let ground = Ground::new().await;
    let nobody = Client::new(ground.folder.path().join("nobody.sock"));
    let deaf = Subscriptions { element: nobody, ..ground.subscriptions.clone() };
    let body = granted("S1", "citizen.1").to_string().into_bytes();
    let received =
        Received { company: of("alpha"), user_id: None, redelivered: false, put_aside: false, body };
    let fault = deaf.settle(&received, "hr-alpha").await.unwrap_err();
    assert!(is_passing(&fault), "{fault}");
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("A_TRAITER"));
    assert!(ground.subscriptions.replies("S1").await.unwrap().is_empty());
    assert_eq!(ground.subscriptions.settle(&received, "hr-alpha").await.unwrap(), None);
}

/// Whatever a company sends is answered once and never asked for again.
#[tokio::test]
async fn every_poison_message_is_answered() {
    let ground = Ground::new().await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let nested = format!("{{\"citizenId\":\"citizen.1\",\"subscriptionId\":\"S1\",\"x\":{deep}}}");
    let large = format!("{{\"citizenId\":\"{}\"}}", "c".repeat(1 << 20));
    let bodies: [&[u8]; 7] = [
        b"{",
        deep.as_bytes(),
        nested.as_bytes(),
        large.as_bytes(),
        &[0xff, 0xfe, 0x00],
        b"{\"citizenId\":\"\\ud800\",\"subscriptionId\":\"S1\",\"status\":\"ERREUR\"}",
        b"{\"citizenId\":\"citizen.1\",\"subscriptionId\":\"S1\\u0000\",\"status\":\"ERREUR\"}",
    ];
    for body in bodies {
        let (company, body) = (of("alpha"), body.to_vec());
        let received = Received { company, user_id: None, redelivered: false, put_aside: false, body };
        let error = ground.subscriptions.settle(&received, "hr-alpha").await.unwrap();
        assert!(error.is_some_and(|error| [400, 422].contains(&error.code)));
    }
    assert_eq!(ground.sent().await.len(), 7);
    // A name that nobody knows means nothing: the decision stands.
    let mut unknown = granted("S1", "citizen.1");
    unknown["unknown"] = json!({"nested": [1, 2, 3]});
    assert_eq!(ground.settle("alpha", &unknown).await, None);
}
