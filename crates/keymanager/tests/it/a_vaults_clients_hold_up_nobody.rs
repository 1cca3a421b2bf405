//! Clients of the Vault's interface who mean no good: neither guesses nor slow batches keep the others out, and a role that may less does less.

use serde_json::{Value, json};

use crate::clients_of_a_vault_work_unchanged::{callers, open, vault};
use crate::support::World;

#[tokio::test]
async fn who_guesses_keeps_no_role_out_and_a_role_that_may_less_reaches_its_tokens() {
    let world = World::with(open()).await;
    let ((admin, chief), _) = callers(&world).await;
    let put = async |policies: &str| {
        let role = json!({"token_policies": policies});
        vault(&admin, &chief, "POST", "auth/approle/role/paie", &role).await.status
    };
    assert_eq!(put("use,read").await, 204);
    assert_eq!(vault(&admin, &chief, "POST", "transit/keys/data", &json!({})).await.status, 204);
    let about = vault(&admin, &chief, "GET", "auth/approle/role/paie/role-id", &Value::Null).await.json();
    let made = vault(&admin, &chief, "POST", "auth/approle/role/paie/secret-id", &json!({})).await.json();
    let (role, secret) = (&about["data"]["role_id"], &made["data"]["secret_id"]);
    let stranger = world.browser(None);
    let enters = async |secret: &Value| {
        stranger.post("/v1/auth/approle/login", &json!({"role_id": role, "secret_id": secret})).await
    };
    let mut refused = 0;
    while enters(&json!("guessed")).await.status != 429 {
        refused += 1;
        assert!(refused < 1000, "guesses are counted");
    }
    let entered = enters(secret).await;
    assert_eq!(entered.status, 200, "{}", String::from_utf8_lossy(&entered.body));
    let token = entered.json()["auth"]["client_token"].as_str().unwrap().to_owned();
    let plain = json!({"plaintext": "eA=="});
    let encrypts = async || vault(&stranger, &token, "POST", "transit/encrypt/data", &plain).await.status;
    assert_eq!(encrypts().await, 200);
    assert_eq!(put("read").await, 204);
    assert_eq!(encrypts().await, 403);
}

/// A batch of the slowest kind of key takes a second of the processor: nobody else waits for it.
#[tokio::test]
async fn a_batch_leaves_the_others_their_turn() {
    let world = World::with(open()).await;
    let ((admin, chief), (connector, token)) = callers(&world).await;
    let made = json!({"type": "rsa-4096"});
    assert_eq!(vault(&admin, &chief, "POST", "transit/keys/slow", &made).await.status, 204);
    let sealed =
        vault(&connector, &token, "POST", "transit/encrypt/slow", &json!({"plaintext": "eA=="})).await;
    let item = json!({"ciphertext": sealed.json()["data"]["ciphertext"]});
    let batch = json!({"batch_input": vec![item; 250]});
    let records = async || admin.get("/v1/records").await.json().to_string().matches("transit.").count();
    let before = records().await;
    let batched = vault(&connector, &token, "POST", "transit/decrypt/slow", &batch);
    let others = async {
        while records().await == before {}
        world.browser(None).get("/v1/sys/health").await.status
    };
    tokio::select! {
        batched = batched => panic!("the batch came first: {}", batched.status),
        status = others => assert_eq!(status, 200),
    }
}

/// What is read of somebody who has shown nothing is short: many at once fill no memory.
#[tokio::test]
async fn a_stranger_s_body_is_short() {
    let world = World::with(open()).await;
    let stranger = world.browser(None);
    for path in ["/v1/auth/approle/login", "/v1/auth/cert/login"] {
        let long = stranger.post(path, &json!({"role_id": "x".repeat(20_000)})).await;
        let short = stranger.post(path, &json!({"role_id": "x"})).await;
        assert_eq!((long.status, short.status), (413, 400), "{path}");
    }
}
