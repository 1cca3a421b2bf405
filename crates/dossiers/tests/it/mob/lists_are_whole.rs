//! Lists: every subscription is in one, however many there are, and what is asked for decides, not when it came.

use sceau_store::{Statement, params};
use serde_json::Value;

use super::{Caller, Mob};

/// Six thousand of one funder, each a millisecond after the one before; every third granted, the first one of all a Martin.
const MANY: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) INSERT INTO mob_requests \
    SELECT 'x' || i, owner, funder, scheme, NULL, CASE WHEN i % 3 = 0 THEN 'VALIDEE' ELSE 'A_TRAITER' END, citizen, \
    CASE WHEN i = 1 THEN replace(person, 'Durand', 'M_%rtin') ELSE person END, answers, sealed, manifest, outcome, $1 + i, $1 + i, \
    CASE WHEN i = 1 THEN 'm_%rtin' WHEN i % 2 = 0 THEN NULL ELSE last_name END FROM n, (SELECT * FROM mob_requests LIMIT 1)";

async fn ids(hr: &Caller, query: &str) -> Vec<String> {
    let (status, listed) = hr.get(&format!("/v1/subscriptions{query}")).await;
    assert_eq!(status, 200, "{listed}");
    let listed = listed.as_array().unwrap();
    listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_six_thousand_is_found() {
    let mob = Mob::start().await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    maas.subscribe(mob.incentives[0]).await;
    // 2025-12-31T23:59:58Z: the last four thousand are of the next year.
    let since = params![1_767_225_598_000_u64];
    mob.world.database.execute(Statement::new("MANY", MANY), since).await.unwrap();
    assert_eq!(ids(&hr, "?lastName=M_%25rt").await, ["x1"], "by name, and no wildcard is the caller's");
    assert_eq!(ids(&hr, "?lastName=zzz").await, [""; 0]);
    assert_eq!(ids(&hr, "?skip=5999").await, ["x1"]);
    assert_eq!(ids(&hr, "?limit=2").await, ["x6000", "x5999"], "the newest first");
    assert_eq!(ids(&hr, "?status=VALIDEE&skip=1999").await, ["x3"]);
    assert_eq!(ids(&hr, "?year=2025&limit=1").await, ["x1999"]);
    assert_eq!(ids(&hr, "?year=2025,2026&limit=1&skip=4001").await, ["x1999"]);
    assert_eq!(ids(&hr, "").await.len(), 200);
    for nothing in
        ["?status=VALID", "?incentiveId=%25", "?incentiveType=AideEmployeur", "?year=20x5", "?year=2024"]
    {
        assert_eq!(ids(&hr, nothing).await, [""; 0], "{nothing}");
    }
    let both = format!("?incentiveId=x,{}&incentiveType=AideTerritoire&limit=1", mob.incentives[0]);
    assert_eq!(ids(&hr, &both).await, ["x6000"]);
    let (_, of_one) =
        hr.get("/v1/subscriptions?citizenId=c0ffee00-4dc9-422e-a17d-40c1bf1c37c4&skip=5995").await;
    assert_eq!(
        (of_one["count"].as_u64(), of_one["subscriptions"].as_array().map(Vec::len)),
        (Some(6000), Some(5))
    );
    assert_eq!(of_one["subscriptions"][4]["id"], Value::from("x1"));
}
