//! What a company decided over the bus is seen by who reads the subscription, with its place in the log.

use sceau_store::bus::Received;
use sceau_trace::{ActorKind, Evidence, Outcome};
use serde_json::json;

use super::{COMPANY, Mob, one_file, pdf};

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_over_the_bus_is_shown_with_its_record() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    let id = maas.subscribe(mob.incentives[0]).await;
    maas.attach(&id, one_file("rib.pdf", pdf(100))).await;
    assert_eq!(maas.verify(&id).await.0, 200);
    let path = format!("/v1/subscriptions/{id}");
    let (_, view) = hr.get(&path).await;
    assert!(view.get("decisionRecord").is_none(), "{view}");

    let reply = json!({"citizenId": view["citizenId"], "subscriptionId": id, "status": "VALIDEE", "mode": "unique", "amount": 50});
    let received = Received {
        company: COMPANY.parse().unwrap(),
        user_id: None,
        redelivered: false,
        put_aside: false,
        body: reply.to_string().into_bytes(),
    };
    let login = format!("hr-{COMPANY}");
    let refused = mob.world.dossiers.subscriptions().settle(&received, &login).await.unwrap();
    assert_eq!(refused, None);
    let (_, view) = hr.get(&path).await;
    assert_eq!((&view["status"], &view["subscriptionValidation"]["amount"]), (&json!("VALIDEE"), &json!(50)));
    let index = view["decisionRecord"].as_u64().unwrap();
    let evidence = mob.world.dossiers.element().evidence(index).await.unwrap();
    let record = Evidence::parse(evidence.as_bytes()).unwrap().verify(None).unwrap().record;
    assert_eq!((record.actor().kind, record.actor().id.as_str()), (ActorKind::Client, login.as_str()));
    assert_eq!((record.action().as_str(), record.outcome()), ("decision", Outcome::Granted));
    assert_eq!(record.subjects()[0].id, id);
}
