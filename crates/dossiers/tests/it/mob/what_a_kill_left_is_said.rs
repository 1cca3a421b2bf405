//! A process that was killed after it did something, and before the log said how it ended: the next one says it.

use sceau_element_api::wire::RecordDraft;
use sceau_store::{Statement, params};
use sceau_trace::{Action, Actor, ActorKind, Evidence};
use serde_json::json;

use super::{Mob, one_file, pdf};

const LEFT: &str = "SELECT count(*) AS n FROM mob_outcomes";

#[tokio::test(flavor = "multi_thread")]
async fn the_outcome_of_what_was_done_is_on_record_in_the_end() {
    let mob = Mob::start().await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    assert_eq!(maas.attach(&id, one_file("rib.pdf", pdf(1000))).await.0, 201);
    assert_eq!(maas.verify(&id).await.0, 200);
    assert_eq!(mob.world.count(LEFT, &[]).await, 0, "each outcome was said at once");
    // What a kill leaves: the act's transaction is committed, with the outcome in it.
    let client = "0b0c9f5e-8d5c-4b43-9d39-6d2f3a0c1e77";
    let draft = RecordDraft::new(Actor::new(ActorKind::Client, client), Action::DECISION)
        .subject("dossier", &id)
        .granted();
    let insert = Statement::new("LEFT", "INSERT INTO mob_outcomes (id, draft, created) VALUES ('x', $1, $2)");
    let long_ago = mob.world.clock_now() - 120_000;
    mob.world.database.execute(insert, params![json!(draft).to_string(), long_ago]).await.unwrap();
    let next = mob.another().await;
    while mob.world.count(LEFT, &[]).await > 0 {
        tokio::task::yield_now().await;
    }
    next.abort();
    let element = mob.world.dossiers.element();
    let last = element.hello().await.unwrap().size - 1;
    let evidence = Evidence::parse(element.evidence(last).await.unwrap().as_bytes()).unwrap();
    let record = evidence.verify(None).unwrap().record;
    assert_eq!((record.action(), record.outcome().as_str()), (&Action::DECISION, "granted"));
    assert_eq!(record.subjects()[0].id, id);
}
