//! What one application, or one holder's token, does at once leaves the others theirs.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::stage::{Does, SHA256, Stage};

/// A body of which nothing comes.
fn silent() -> Body {
    Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_keeps_nobody_else_out_and_ends() {
    let stage = Stage::raise();
    let began = tokio::time::Instant::now();
    let drip = || stage.send("archive/marie", "signatures/signDoc", silent());
    let drips = async { tokio::join!(drip(), drip(), drip(), drip()) };
    let own = async {
        // They have begun.
        tokio::task::yield_now().await;
        stage.call("archive/pierre", "signatures/signDoc", json!({"operationMode": "A"})).await
    };
    let (drips, (_, told)) = tokio::join!(drips, own);
    assert_eq!(told["error_description"], "Missing (or invalid type) string parameter credentialID");
    let statuses = [drips.0.0, drips.1.0, drips.2.0, drips.3.0];
    assert_eq!(statuses, [400, 503, 503, 503], "one of a holder");
    assert!(began.elapsed() < Duration::from_secs(6));
    // Small ones end as well.
    let began = tokio::time::Instant::now();
    let (status, _) = stage.send("archive/marie", "credentials/list", silent()).await;
    assert_eq!((status, began.elapsed().as_secs()), (400, 10));
}

/// A body that is there has its place until it was read: else a holder's bodies would fill memory while each waits for a room.
#[tokio::test]
async fn a_body_has_its_place_until_it_was_read() {
    let stage = Stage::raise();
    let document = STANDARD.encode(vec![b'x'; 8 << 20]);
    let long = json!({"credentialID": "none", "documents": [{"document": document}]}).to_string();
    let of_marie = || stage.call("archive/marie", "signatures/signDoc", json!({"operationMode": "A"}));
    let (first, second) =
        tokio::join!(stage.send("archive/marie", "signatures/signDoc", Body::from(long)), of_marie());
    assert_eq!((first.0, second.0), (400, 503), "{first:?} {second:?}");
    assert_eq!(of_marie().await.0, 400, "once it was read, the next one is");
}

#[tokio::test]
async fn a_holder_is_asked_in_their_turn_which_ends_with_their_answer() {
    let stage = Stage::raise();
    stage.tokens.turns.store(1, Ordering::Relaxed);
    let handle = stage.authorized(&[[1; 32]]).await;
    let (status, told) = stage.call("other/marie", "signatures/signDoc", stage.digests(1, "AdES-B-B")).await;
    assert_eq!((status, told["error"].as_str()), (429, Some("temporarily_unavailable")));
    assert_eq!(stage.holders.asked.lock().unwrap().len(), 1);
    stage.activation(&handle).await;
    assert_eq!(stage.tokens.turns.load(Ordering::Relaxed), 1);
    let (_, told) = stage.call("other/marie", "signatures/signDoc", stage.digests(1, "AdES-B-B")).await;
    stage.holders_do(Does::Signs);
    let polled =
        stage.call("other/marie", "signatures/signPolling", json!({"requestID": told["responseID"]})).await;
    assert_eq!((polled.0, stage.tokens.turns.load(Ordering::Relaxed)), (200, 1));
}

#[tokio::test]
async fn too_many_hashes_are_refused_before_anything_is_made_of_them() {
    let stage = Stage::raise();
    let (_, told) = stage.call("archive/marie", "signatures/signDoc", stage.digests(101, "AdES-B-B")).await;
    assert_eq!(told["error_description"], "Numbers of signatures is too high");
    let began = std::time::Instant::now();
    let (_, told) =
        stage.call("archive/marie", "signatures/signDoc", stage.digests(200_000, "AdES-B-B")).await;
    assert_eq!(told["error_description"], "The body has too many values");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn one_application_has_so_many_time_stamps() {
    let stage = Stage::raise();
    let members = json!({"hash": STANDARD.encode([1; 32]), "hashAlgo": SHA256});
    let mut last = 0;
    for _ in 0..61 {
        last = stage.call("archive/marie", "signatures/timestamp", members.clone()).await.0;
    }
    assert_eq!((last, stage.stamps.0.load(Ordering::Relaxed)), (429, 60));
    assert_ne!(stage.call("other/marie", "signatures/timestamp", members).await.0, 429);
}

/// The host may have what was asked: it rings at the holder's terminal until it ends, whoever listens.
#[tokio::test]
async fn an_application_that_hangs_up_has_asked_all_the_same() {
    let stage = Stage::raise();
    let left = || stage.tokens.turns.load(Ordering::Relaxed);
    stage.tokens.turns.store(3, Ordering::Relaxed);
    for (asked, method) in [(1, "credentials/authorize"), (2, "signatures/signDoc")] {
        let silent = stage.holders.silence.lock().await;
        let hashes = json!({"credentialID": stage.marie, "numSignatures": 1, "hashes": [STANDARD.encode([1; 32])], "hashAlgorithmOID": SHA256});
        let members = if asked == 1 { hashes } else { stage.digests(1, "AdES-B-B") };
        let mut call = Box::pin(stage.call("archive/marie", method, members));
        while stage.holders.asked.lock().unwrap().len() < asked {
            assert!(futures::poll!(&mut call).is_pending());
            tokio::task::yield_now().await;
        }
        drop(call);
        assert_eq!(left(), 3 - asked, "{method}: it hung up, and the host may have it");
        drop(silent);
        // Whoever waited before had it first, and was answered.
        drop(stage.holders.silence.lock().await);
        assert_eq!(left(), 3 - asked, "{method}");
    }
}
