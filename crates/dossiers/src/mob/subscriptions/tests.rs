#![allow(clippy::unwrap_used, clippy::panic, reason = "tests state what must hold")]

use sceau_store::{ManualClock, RetryPolicy};
use serde_json::{Value, json};

use super::*;
use crate::mob::ToProcess;

struct Ground {
    _folder: tempfile::TempDir,
    database: Database,
    subscriptions: Subscriptions,
}

impl Ground {
    /// Subscription `S1` of citizen `C1` waits at company `alpha`, `S2` of `C2` at `beta`.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let migrations = [sceau_store::MIGRATIONS, crate::MIGRATIONS].concat();
        let database = Database::open(&folder.path().join("db"), &migrations).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_795_000_000_000));
        let outbox = Outbox::new(database.clone(), Arc::clone(&clock), RetryPolicy::default());
        let ground = Self {
            _folder: folder,
            subscriptions: Subscriptions::new(database.clone(), outbox, clock),
            database,
        };
        for (company, subscription, citizen) in [("alpha", "S1", "C1"), ("beta", "S2", "C2")] {
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
        let received =
            Received { company: of(company), user_id, redelivered, body: body.as_bytes().to_vec() };
        self.subscriptions.settle(&received, Some(&format!("hr-{company}"))).await.unwrap()
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
    assert_eq!(ground.settle("alpha", &granted("S1", "C1")).await, None);
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("VALIDEE"));
    // The broker sends it again, as after a crash before the acknowledgement: nothing more happens.
    let again = granted("S1", "C1").to_string();
    assert_eq!(ground.receive("alpha", &again, None, true).await, None);
    let replies = ground.subscriptions.replies("S1").await.unwrap();
    assert!(matches!(&replies[..], [one] if one.reply.is_some() && one.error.is_none()));
    assert!(ground.sent().await.is_empty());
    // The company sends another: refused, and sent back with the subscription.
    let other = json!({"citizenId": "C1", "subscriptionId": "S1", "status": "ERREUR"});
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
    let error = ground.settle("alpha", &granted("S2", "C2")).await;
    assert_eq!(error, Some(ReplyError::unknown_subscription()));
    assert_eq!(ground.status("beta", "S2").await.as_deref(), Some("A_TRAITER"));
    // The sender learns nothing of the other company's subscription, not even that it exists.
    let nobody = ground.settle("alpha", &granted("S9", "C2")).await;
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
    assert_eq!(ground.settle("beta", &granted("S2", "C2")).await, None);
}

#[tokio::test]
async fn a_reply_that_another_login_sent_decides_nothing() {
    let ground = Ground::new().await;
    let body = granted("S1", "C1").to_string();
    let refused = ground.receive("alpha", &body, Some("hr-beta"), false).await;
    assert_eq!(refused, Some(ReplyError::sender()));
    assert_eq!(ground.status("alpha", "S1").await.as_deref(), Some("A_TRAITER"));
    assert_eq!(ground.receive("alpha", &body, Some("hr-alpha"), false).await, None);
}

#[tokio::test]
async fn another_citizen_is_refused_without_the_subscription() {
    let ground = Ground::new().await;
    assert_eq!(ground.settle("alpha", &granted("S1", "C2")).await, Some(ReplyError::citizen()));
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
