//! Many data by one call, through the keyfront: its rows are written and read together, and what it may hold is bounded.

use reqwest::Response;
use sceau_element_api::Kind;
use sceau_store::{Statement, params};
use serde_json::{Value, json};

use crate::bodies::{Stage, limits, refused};

const DELETE: Statement = Statement::new("DELETE", "DELETE FROM protect_datum WHERE id = $1");
const SWAP: Statement = Statement::new(
    "SWAP",
    "UPDATE protect_datum SET salt = (SELECT salt FROM protect_datum WHERE id = $1) WHERE id = $2",
);

async fn post(stage: &Stage, kind: &str, call: String) -> Response {
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/batches", stage.address));
    asked.header("content-type", kind).body(call).send().await.unwrap()
}

/// What became of each datum.
async fn items(answer: Response) -> Vec<Value> {
    assert_eq!(answer.status().as_u16(), 200);
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    answer["items"].as_array().unwrap().clone()
}

async fn ask(stage: &Stage, user: &str, op: Value) -> Vec<Value> {
    items(post(stage, "application/jose", stage.call(user, op, None)).await).await
}

fn opening(stage: &Stage, of: &[Value]) -> Value {
    let granted = of.iter().map(|item| &item["granted"]);
    let data: Vec<Value> =
        granted.map(|it| json!({"datum": it["datum"], "wrapped_key": it["wrapped_key"]})).collect();
    json!({"open_many": {"session": stage.protected.application.session(), "data": data}})
}

#[tokio::test]
async fn what_is_begun_together_is_listed_and_opened_together() {
    let mut stage = Stage::begin(limits()).await;
    let session = stage.protected.application.session();
    let data: Vec<Value> = (0..150).map(|nth| json!({"name": format!("Ordonnance {nth}")})).collect();
    let begun = ask(&stage, "alice", json!({"create_many": {"session": session, "data": data}})).await;
    assert_eq!(begun.len(), 150);
    for (nth, item) in begun.iter().enumerate() {
        let granted = &item["granted"];
        assert_eq!(granted["document"]["name"], format!("Ordonnance {nth}"));
        assert!(granted["data_key"].is_string() && granted["index"].is_u64());
        let datum = serde_json::from_value(granted["datum"].clone()).unwrap();
        let (_, kept) = stage.protected.client().kept(Kind::Datum, datum).await.unwrap().unwrap();
        assert_eq!(stage.rows().datum(datum).await.unwrap(), Some(kept), "as it was answered");
    }
    // One row is lost, another one another's: both are opened all the same, and brought back.
    let ids: Vec<String> =
        begun.iter().map(|item| item["granted"]["datum"].as_str().unwrap().to_owned()).collect();
    stage.write(DELETE, params![ids[3].as_str()]).await;
    stage.write(SWAP, params![ids[5].as_str(), ids[4].as_str()]).await;
    let opened = ask(&stage, "alice", opening(&stage, &begun)).await;
    assert!(opened.iter().all(|item| item["granted"]["data_key"].is_string()));
    for id in &ids[3..5] {
        let datum = serde_json::from_value(json!(id)).unwrap();
        let (_, kept) = stage.protected.client().kept(Kind::Datum, datum).await.unwrap().unwrap();
        assert_eq!(stage.rows().datum(datum).await.unwrap(), Some(kept), "it is back");
    }
    // Who may not is told so for each, and the answer is one all the same.
    let denied = ask(&stage, "bob", opening(&stage, &begun[..2])).await;
    for item in denied {
        assert_eq!(
            (&item["refused"]["code"], &item["refused"]["status"]),
            (&json!("user_not_authorised"), &json!(403))
        );
    }
    let op = opening(&stage, &begun[..1]);
    let call = stage.call("alice", op, None);
    items(post(&stage, "application/jose", call.clone()).await).await;
    assert_eq!(
        refused(post(&stage, "application/jose", call).await).await,
        (409, "call_replayed".to_owned())
    );
    stage
        .changed(|document| document.status = sceau_element_api::documents::ApplicationStatus::Inactive)
        .await;
    let call = stage.call("alice", opening(&stage, &begun[..1]), None);
    let (status, code) = refused(post(&stage, "application/jose", call).await).await;
    assert_eq!((status, code.as_str()), (403, "application_unknown"));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_before_the_element_is_asked() {
    let stage = Stage::begin(limits()).await;
    let op = json!({"create_many": {"session": stage.protected.application.session(), "data": [{}]}});
    let call = stage.call("alice", op, None);
    for (kind, body, status, code) in [
        ("application/json", call.clone(), 400, "malformed"),
        ("application/jose", "\u{7}".repeat(200_000), 400, "malformed"),
        ("application/jose", "a".repeat(256 * 1024 + 1), 413, "too_large"),
        ("application/jose", "a".repeat(256 * 1024), 403, "proof_invalid"),
        ("application/jose", String::new(), 403, "proof_invalid"),
    ] {
        assert_eq!(refused(post(&stage, kind, body).await).await, (status, code.to_owned()));
    }
    assert_eq!(items(post(&stage, "application/jose", call).await).await.len(), 1);
}

#[tokio::test]
async fn an_address_has_a_few_batches_under_way() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let stage = Stage::begin(limits()).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = tokio::net::TcpStream::connect(stage.address).await.unwrap();
        let head = "POST /v1/protect/batches HTTP/1.1\r\nhost: x\r\ncontent-type: application/jose\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut came = [0; 12];
        stream.read_exact(&mut came).await.unwrap();
        assert_eq!(&came, b"HTTP/1.1 100");
        held.push(stream);
    }
    let op = json!({"create_many": {"session": stage.protected.application.session(), "data": [{}]}});
    let call = stage.call("alice", op, None);
    assert_eq!(refused(post(&stage, "application/jose", call.clone()).await).await, (503, "busy".to_owned()));
    // Calls have places of their own, and the batch is good for another time.
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/calls", stage.address));
    let create = json!({"create": {"session": stage.protected.application.session()}});
    let one = asked.header("content-type", "application/jose").body(stage.call("alice", create, None));
    assert!(one.send().await.unwrap().status().is_success());
    drop(held);
    loop {
        let answer = post(&stage, "application/jose", call.clone()).await;
        if answer.status().is_success() {
            return;
        }
        assert_eq!(refused(answer).await, (503, "busy".to_owned()));
        tokio::task::yield_now().await;
    }
}
