//! What a holder agreed to reaches the application that asked, for the holder whose token it has, and nobody else; where there is no place, it waits.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::stage::{Does, SECONDS, Stage};

#[tokio::test]
async fn what_was_agreed_in_the_last_moment_is_given_out() {
    let stage = Stage::raise();
    let handle = stage.authorized(&[[1; 32]]).await;
    let (_, told) = stage.call("archive/marie", "signatures/signDoc", stage.digests(1, "AdES-B-B")).await;
    let later = json!({"requestID": told["responseID"]});
    // A second after the end, the host knows nothing of it yet.
    stage.holders_do(Does::Expired);
    stage.clock.advance(SECONDS * 1000 + 1_000);
    let check = async || {
        let handle = json!({"handle": handle});
        let hash = stage.call("archive/marie", "credentials/authorizeCheck", handle).await.0;
        let document = stage.call("archive/marie", "signatures/signPolling", later.clone()).await.0;
        stage.clock.advance(1_000);
        (hash, document)
    };
    assert_eq!(check().await, (202, 202));
    stage.holders_do(Does::Signs);
    assert_eq!(check().await, (200, 200));
    // Five seconds after the end nothing more comes.
    let handle = stage.authorized(&[[1; 32]]).await;
    stage.holders_do(Does::Expired);
    stage.clock.advance(SECONDS * 1000 + 5_000);
    let (status, told) =
        stage.call("archive/marie", "credentials/authorizeCheck", json!({"handle": handle})).await;
    assert_eq!((status, told["error"].as_str()), (400, Some("access_denied")));
}

#[tokio::test]
async fn another_holders_token_of_the_same_application_has_nothing() {
    let stage = Stage::raise();
    let handle = stage.authorized(&[[1; 32]]).await;
    let sad = stage.activation(&handle).await;
    let (status, told) =
        stage.call("archive/pierre", "credentials/authorizeCheck", json!({"handle": handle})).await;
    assert_eq!((status, told["error_description"].as_str()), (400, Some("Invalid parameter handle")));
    // And does not end what its own has.
    let (status, told) = stage.signed_later(&sad, [1; 32]).await;
    assert_eq!(status, 200, "{told}");
    let asked = json!({"requestID": told["responseID"]});
    let (_, refused) = stage.call("archive/pierre", "signatures/signPolling", asked.clone()).await;
    assert_eq!(refused["error_description"], "Invalid parameter requestID");
    let (status, told) = stage.call("archive/marie", "signatures/signPolling", asked).await;
    assert_eq!((status, told["signatures"].as_array().map(Vec::len)), (200, Some(1)));
}

#[tokio::test]
async fn a_signature_without_a_place_for_its_answer_is_not_given_out() {
    let stage = Stage::raise();
    let hash = |at: usize| [u8::try_from(at).unwrap(); 32];
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let hashes: Vec<_> = (0..100).map(hash).collect();
        let sad = stage.activation(&stage.authorized(&hashes).await).await;
        for hash in hashes {
            waiting.push(stage.signed_later(&sad, hash).await.1["responseID"].clone());
        }
    }
    assert_eq!(waiting.iter().filter(|id| id.is_string()).count(), 500);
    let sad = stage.activation(&stage.authorized(&[[7; 32]]).await).await;
    assert_eq!(stage.signed_later(&sad, [7; 32]).await.0, 503);
    let polled =
        stage.call("archive/marie", "signatures/signPolling", json!({"requestID": waiting[0]})).await;
    assert_eq!(polled.0, 200);
    assert_eq!(stage.signed_later(&sad, [7; 32]).await.0, 200, "the same again");
}

#[tokio::test]
async fn nobody_is_asked_for_documents_that_have_no_place() {
    let stage = Stage::raise();
    let mut last = 200;
    for _ in 0..9 {
        last = stage.call("archive/marie", "signatures/signDoc", stage.digests(1, "AdES-B-B")).await.0;
    }
    assert_eq!((last, stage.holders.asked.lock().unwrap().len()), (503, 8));
}

#[tokio::test]
async fn a_time_stamp_that_came_is_kept_where_the_next_one_does_not() {
    let stage = Stage::raise();
    let (_, told) = stage.call("archive/marie", "signatures/signDoc", stage.digests(2, "AdES-B-T")).await;
    let asked = json!({"requestID": told["responseID"]});
    stage.holders_do(Does::Signs);
    let poll = async || stage.call("archive/marie", "signatures/signPolling", asked.clone()).await.0;
    assert_eq!((poll().await, stage.stamps.0.load(Ordering::Relaxed)), (503, 2));
    assert_eq!((poll().await, stage.stamps.0.load(Ordering::Relaxed)), (200, 3));
}
