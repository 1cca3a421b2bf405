//! A company's own system receives a subscription from the real broker and decides it, by a client that we did not write.

use sceau_dossiers::mob::{BUS_TOPIC, REPLY_TOPIC, ReplyDesk, SubscriptionMessage, Subscriptions};
use sceau_store::Statement;
use sceau_store::bus::Company;
use sceau_store::judge::{HrJudge, RabbitJudge};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::World;

const MESSAGE: &str = r#"{"lastName":"Durand","firstName":"Léa","birthdate":"1990-12-12T00:00:00.000Z","citizenId":"C1","incentiveId":"I","subscriptionId":"S1","email":"","status":"A_TRAITER","communityName":"","specificFields":"","attachments":["https://mob.example.org/v1/subscriptions/S1/attachments/rib.pdf"],"encryptionKeyId":"K","encryptionKeyVersion":1,"encryptedAESKey":"a2V5","encryptedIV":"aXY="}"#;

struct Desk {
    world: World,
    subscriptions: Subscriptions,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
}

impl Desk {
    async fn start(broker: &RabbitJudge) -> Self {
        let world = World::new().await;
        let (outbox, subscriptions) = (world.outbox.clone(), world.dossiers.subscriptions());
        let companies = ["alpha", "beta"].map(|name| (company(name), broker.login_of(name).0)).to_vec();
        let desk = ReplyDesk::new(broker.broker(), subscriptions.clone(), companies);
        let (stop, stopped) = watch::channel(false);
        let running = tokio::spawn(async move {
            let mut stopping = stopped.clone();
            let stop = async move { drop(stopping.wait_for(|stop| *stop).await) };
            let dispatcher = outbox.dispatcher().on(BUS_TOPIC, desk.clone()).on(REPLY_TOPIC, desk.clone());
            tokio::join!(desk.run(&stopped), dispatcher.run(stop));
        });
        Self { world, subscriptions, stop, running }
    }

    async fn announce(&self, to: &str, subscription: &str, citizen: &str) {
        let mut message: SubscriptionMessage = serde_json::from_str(MESSAGE).unwrap();
        message.subscription_id = subscription.to_owned();
        message.citizen_id = citizen.to_owned();
        let mut transaction = self.world.database.begin().await.unwrap();
        self.subscriptions.announce(&mut transaction, &company(to), &message).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

fn company(name: &str) -> Company {
    name.parse().unwrap()
}

fn answer(hr: &HrJudge, company: &str, reply: &Value) {
    let headers = json!({"message_type": format!("subscriptions.status.{company}")});
    assert_eq!(hr.send(&headers, &reply.to_string())["sent"], true);
}

fn error(message: &Value) -> Value {
    let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
    body["error"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_goes_out_and_its_decision_comes_back() {
    let broker = RabbitJudge::start(&[("alpha", None), ("beta", None)]).unwrap();
    let desk = Desk::start(&broker).await;
    let alpha = HrJudge::of(&broker, "alpha", "alpha").unwrap();
    let beta = HrJudge::of(&broker, "beta", "beta").unwrap();
    let put = "mob.subscriptions.put.alpha";
    desk.announce("alpha", "S1", "C1").await;
    desk.announce("beta", "S2", "C2").await;
    assert_eq!(alpha.take(put)["body"], MESSAGE, "byte for byte");
    let other = beta.take("mob.subscriptions.put.beta");
    assert!(other["body"].as_str().unwrap().contains("\"S2\""));

    // Another company's subscription, and what nobody can read: both come back, and block nothing.
    let granted = json!({"citizenId": "C2", "subscriptionId": "S2", "status": "VALIDEE", "mode": "aucun"});
    answer(&alpha, "alpha", &granted);
    assert_eq!(error(&alpha.take(put))["code"], 404);
    answer(&alpha, "alpha", &json!("not a reply"));
    assert_eq!(error(&alpha.take(put))["code"], 400);
    // A rule is broken: the subscription comes back with the field.
    let reply = json!({"citizenId": "C1", "subscriptionId": "S1", "status": "VALIDEE", "mode": "unique", "amount": -1});
    answer(&alpha, "alpha", &reply);
    let back = alpha.take(put);
    let expected = json!({"message": "must be greater than 0", "property": "amount", "code": 422});
    assert_eq!(error(&back), expected);
    assert!(back["body"].as_str().unwrap().contains("Durand"));
    // Granted; a second word is too late, and says that the first was settled.
    let reply = json!({"citizenId": "C1", "subscriptionId": "S1", "status": "VALIDEE", "mode": "unique", "amount": 50});
    answer(&alpha, "alpha", &reply);
    answer(&alpha, "alpha", &json!({"citizenId": "C1", "subscriptionId": "S1", "status": "ERREUR"}));
    assert_eq!(error(&alpha.take(put))["code"], 409);
    let status = |name: &str, id: &'static str| {
        let (subscriptions, company) = (desk.subscriptions.clone(), company(name));
        async move { subscriptions.status(&company, id).await.unwrap() }
    };
    assert_eq!(status("alpha", "S1").await.as_deref(), Some("VALIDEE"));
    assert_eq!(status("beta", "S2").await.as_deref(), Some("A_TRAITER"));
    let replies = desk.subscriptions.replies("S1").await.unwrap();
    assert!(matches!(&replies[..], [_, _, last] if last.log_index.is_some()), "{replies:?}");
    desk.stop.send(true).unwrap();
    desk.running.await.unwrap();
}

/// What no system should send: each is answered with its error, by the real broker, and none comes again.
#[tokio::test(flavor = "multi_thread")]
async fn every_poison_message_comes_back_with_its_error_and_never_again() {
    let broker = RabbitJudge::start(&[("alpha", None), ("beta", None)]).unwrap();
    let desk = Desk::start(&broker).await;
    let alpha = HrJudge::of(&broker, "alpha", "alpha").unwrap();
    let (put, status) = ("mob.subscriptions.put.alpha", "mob.subscriptions.status.alpha");
    let headers = json!({"message_type": "subscriptions.status.alpha"});
    let deep = format!("{{\"citizenId\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    let oversize = vec![b'x'; 100_000];
    let poison: [&[u8]; 5] = [b"{\"citizenId\":", deep.as_bytes(), &oversize, &[0xff, 0xfe, 0x80], b""];
    for octets in poison {
        assert_eq!(alpha.send_octets(&headers, octets)["sent"], true);
        assert_eq!(error(&alpha.take(put))["code"], 400);
    }
    // Larger than what the broker takes at all.
    assert_eq!(alpha.send_octets(&headers, &vec![b'x'; 2 << 20])["refused"], 406);

    // Our own record of a subscription is damaged: its reply is set aside, where a person finds it, and has it tried again when it is mended.
    desk.announce("alpha", "S1", "C1").await;
    assert!(alpha.take(put)["body"].is_string());
    let damage = Statement::new("DAMAGE", "UPDATE mob_subscriptions SET message = '?' || message");
    desk.world.database.execute(damage, &[]).await.unwrap();
    answer(&alpha, "alpha", &json!({"citizenId": "C1", "subscriptionId": "S1", "status": "?"}));
    answer(&alpha, "alpha", &json!("behind it"));
    assert_eq!(error(&alpha.take(put))["code"], 400, "what is behind it does not wait");
    let dead = loop {
        if let [dead] = &desk.world.outbox.dead_letters(1000).await.unwrap()[..] {
            break dead.clone();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (dead.topic.as_str(), dead.reason.as_deref()),
        (REPLY_TOPIC, Some("this reply could not be settled"))
    );
    let mend = Statement::new("MEND", "UPDATE mob_subscriptions SET message = substr(message, 2)");
    desk.world.database.execute(mend, &[]).await.unwrap();
    assert!(desk.world.outbox.revive(&dead.id).await.unwrap());
    assert_eq!(error(&alpha.take(put))["code"], 422);
    desk.stop.send(true).unwrap();
    desk.running.await.unwrap();
    for queue in [status, "mob.subscriptions.dead.alpha"] {
        assert_eq!(broker.waiting("alpha", queue).await.unwrap(), 0, "{queue}");
    }
}

/// A company that sends nothing but what is refused: after a hundred its queue waits, with its good replies, and no other company does.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refused_replies_waits_and_stops_nobody_else() {
    let broker = RabbitJudge::start(&[("alpha", None), ("beta", None)]).unwrap();
    let desk = Desk::start(&broker).await;
    let alpha = HrJudge::of(&broker, "alpha", "alpha").unwrap();
    let beta = HrJudge::of(&broker, "beta", "beta").unwrap();
    for number in 0..120 {
        answer(&alpha, "alpha", &json!(number));
    }
    for _ in 0..101 {
        assert_eq!(error(&alpha.take("mob.subscriptions.put.alpha"))["code"], 400);
    }
    // All that is behind them waits; the other company's word counts at once.
    desk.announce("beta", "S2", "C2").await;
    assert!(beta.take("mob.subscriptions.put.beta")["body"].is_string());
    let granted = json!({"citizenId": "C2", "subscriptionId": "S2", "status": "VALIDEE", "mode": "aucun"});
    answer(&beta, "beta", &granted);
    while desk.subscriptions.status(&company("beta"), "S2").await.unwrap().as_deref() != Some("VALIDEE") {
        tokio::task::yield_now().await;
    }
    let refused = "SELECT count(*) AS n FROM mob_replies WHERE company = 'alpha'";
    assert_eq!(desk.world.count(refused, &[]).await, 101);
    // Time goes on, and so does it: nothing was lost.
    desk.world.clock.advance(2_000);
    for _ in 0..2 {
        assert_eq!(error(&alpha.take("mob.subscriptions.put.alpha"))["code"], 400);
    }
    desk.stop.send(true).unwrap();
    desk.running.await.unwrap();
}
