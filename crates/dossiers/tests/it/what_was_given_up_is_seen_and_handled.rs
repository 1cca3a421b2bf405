//! Dead letters as the platform's administrator sees them: with reasons, without contents; tried again or discarded, each on record.

use sceau_client::Person;
use sceau_dossiers::{LETTERS, WEBHOOKS};
use sceau_store::{DeliveryError, Message};
use sceau_trace::{ActorKind, Evidence, Outcome};
use serde_json::{Value, json};

use crate::support::{World, plainly, told};

const PATH: &str = "/v1/administration/deliveries";

struct Ground {
    world: World,
    administrator: Person,
}

impl Ground {
    /// A dossier was deposited, and its letters find nobody.
    async fn new() -> Self {
        let world = World::new().await;
        let administrator = world.administrator().await;
        let office = world.office(&administrator, "lyon").await;
        let citizen = world.citizen("citizen@example.org").await;
        office.deposit(&citizen, world.clock_now()).await;
        Self { world, administrator }
    }

    async fn deliver(&self, outcome: fn() -> Result<(), DeliveryError>) {
        let say = move |_: Message| std::future::ready(outcome());
        self.world.outbox.dispatcher().on(LETTERS, say).on(WEBHOOKS, say).deliver_due().await.unwrap();
    }

    async fn seen(&self) -> Value {
        self.administrator.server().get(PATH).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, sceau_client::ClientError> {
        self.administrator.server().post(&format!("{PATH}/{path}"), &body).await
    }

    async fn check(&self) -> Value {
        // The last answer is good for a second.
        self.world.clock.advance(1_000);
        let (status, _, body) = plainly(self.world.address(), "GET", "/check").await;
        assert_eq!(status, 200, "whoever is away, the platform is not");
        serde_json::from_str(&body).unwrap()
    }

    /// Acts on messages, as the log has them: who, where it stands, what was done and why.
    async fn log(&self) -> Vec<(ActorKind, Outcome, String, Option<String>)> {
        let element = self.world.dossiers.element();
        let mut all = Vec::new();
        let mut index = 0;
        while let Ok(text) = element.evidence(index).await {
            let record = Evidence::parse(text.as_bytes()).unwrap().verify(None).unwrap().record;
            if record.action().as_str() == "delivery.change" {
                let detail = |name: &str| record.detail().get(name).cloned();
                all.push((record.actor().kind, record.outcome(), detail("act").unwrap(), detail("reason")));
            }
            index += 1;
        }
        all
    }
}

#[tokio::test]
async fn what_is_late_shows_before_it_is_given_up() {
    let ground = Ground::new().await;
    assert_eq!(ground.check().await["checks"]["deliveries"], "pass");
    for _ in 0..4 {
        ground.deliver(|| Err(DeliveryError::Away("the mail server is silent".into()))).await;
        ground.world.clock.advance(300_000);
    }
    let seen = ground.seen().await;
    let topic = &seen["topics"][0];
    assert_eq!((&topic["topic"], &topic["late"], &topic["dead"]), (&json!("letter"), &json!(2), &json!(0)));
    assert_eq!((&topic["cause"], &topic["reason"]), (&json!("away"), &json!("the mail server is silent")));
    assert_eq!((&seen["dead"], &seen["dead_letters"]), (&json!(0), &json!([])));
    let check = ground.check().await;
    assert_eq!((&check["status"], &check["checks"]["deliveries"]), (&json!("pass"), &json!("warn")));
    ground.deliver(|| Ok(())).await;
    assert_eq!(ground.check().await["checks"]["deliveries"], "pass");
}

#[tokio::test]
async fn a_dead_letter_is_tried_again_or_discarded_for_a_reason_and_on_record() {
    let ground = Ground::new().await;
    ground.deliver(|| Err(DeliveryError::Refused("the mail server takes it never (550)".into()))).await;
    assert_eq!(ground.check().await["checks"]["deliveries"], "warn");
    let seen = ground.seen().await;
    assert_eq!(seen["dead"], 2);
    let letter = &seen["dead_letters"][0];
    assert_eq!(
        (&letter["topic"], &letter["cause"], &letter["attempts"]),
        (&json!("letter"), &json!("refused"), &json!(1))
    );
    assert!(letter["organisation"].is_string());
    assert!(
        !seen.to_string().contains("citizen@example.org") && !seen.to_string().contains("link"),
        "{seen}"
    );
    let id = |at: usize| seen["dead_letters"][at]["id"].as_str().unwrap().to_owned();

    let after = ground.post(&format!("{}/replay", id(0)), json!({})).await.unwrap();
    assert_eq!(after["dead"], 1);
    for reason in [json!({}), json!({"reason": "because"}), json!({"reason": "test", "more": 1})] {
        let answer = ground.post(&format!("{}/discard", id(1)), reason).await;
        assert_eq!(told(&answer), (400, "malformed"));
    }
    let after =
        ground.post(&format!("{}/discard", id(1)), json!({"reason": "handled_elsewhere"})).await.unwrap();
    assert_eq!(after["dead"], 0);
    for (again, body) in [("replay", json!({})), ("discard", json!({"reason": "test"}))] {
        let answer = ground.post(&format!("{}/{again}", id(1)), body).await;
        assert_eq!(told(&answer), (404, "not_found"), "it is gone");
    }
    let admin = |outcome, act: &str, reason: Option<&str>| {
        (ActorKind::PlatformAdmin, outcome, act.to_owned(), reason.map(str::to_owned))
    };
    let expected = [
        admin(Outcome::Intent, "replay", None),
        admin(Outcome::Granted, "replay", None),
        admin(Outcome::Intent, "discard", Some("handled_elsewhere")),
        admin(Outcome::Granted, "discard", Some("handled_elsewhere")),
    ];
    assert_eq!(ground.log().await, expected);
    ground.deliver(|| Ok(())).await;
    assert_eq!(ground.check().await["checks"]["deliveries"], "pass");
}

/// Another organisation's administrator reaches neither a webhook of this one nor a letter.
#[tokio::test]
async fn an_organisation_handles_its_own_webhooks_only() {
    let world = World::new().await;
    let administrator = world.administrator().await;
    let (office, other) =
        (world.office(&administrator, "lyon").await, world.office(&administrator, "lille").await);
    let url = json!({"url": "https://rh.example.org/sceau"});
    let _: Value = office.chief.server().put("/v1/organisation/webhook", &url).await.unwrap();
    let citizen = world.citizen("citizen@example.org").await;
    office.deposit(&citizen, world.clock_now()).await;
    let refuse = |_: Message| async { Err(DeliveryError::Refused("no".into())) };
    world.outbox.dispatcher().on(LETTERS, refuse).on(WEBHOOKS, refuse).deliver_due().await.unwrap();

    let seen: Value = administrator.server().get(PATH).await.unwrap();
    let letters = seen["dead_letters"].as_array().unwrap();
    let of =
        |topic: &str| letters.iter().find(|letter| letter["topic"] == topic).unwrap()["id"].as_str().unwrap();
    let path = |id: &str, act: &str| format!("/v1/organisation/webhook/dead-letters/{id}/{act}");
    let reason = json!({"reason": "test"});
    for (chief, id) in
        [(&other.chief, of("webhook")), (&office.chief, of("letter")), (&other.chief, of("letter"))]
    {
        for act in ["replay", "discard"] {
            let answer: Result<Value, _> = chief.server().post(&path(id, act), &reason).await;
            assert_eq!(told(&answer), (404, "not_found"));
        }
    }
    let answer: Result<Value, _> = office.chief.server().post(&path(of("webhook"), "discard"), &reason).await;
    assert_eq!(answer.unwrap()["dead_letters"], json!([]));
    let left: Value = administrator.server().get(PATH).await.unwrap();
    assert_eq!(left["dead"], 2);
}
