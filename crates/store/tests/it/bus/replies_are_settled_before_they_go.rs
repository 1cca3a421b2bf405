//! Replies stay in the queue until their verdict is durable.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sceau_store::bus::{Consumer, Received, Verdict};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use super::{Hr, company, judge};

#[tokio::test(flavor = "multi_thread")]
async fn replies_come_in_order_with_their_company_and_login() {
    let hr = Hr::of("eta", "eta");
    let headers = json!({"message_type": "subscriptions.status.eta", "secret_key": "as connectors send it"});
    for n in 0..5 {
        assert_eq!(hr.send(&headers, &n.to_string())["sent"], true);
    }
    let signed = json!({"act": "send", "headers": headers, "body": "5", "user_id": "hr-eta"});
    assert_eq!(hr.order(&signed)["sent"], true);
    // By name, as a client does that sends to a queue.
    let named = json!({"act": "send", "headers": {}, "body": "6", "exchange": "", "routing_key": "mob.subscriptions.status.eta"});
    assert_eq!(hr.order(&named)["sent"], true);
    let (sender, mut received) = unbounded_channel();
    let consumer = Consumer::new(judge().broker(), company("eta"));
    let settle = |reply: Received| {
        sender.send(reply).unwrap();
        async { Verdict::Settled }
    };
    let collect = async {
        let mut all = Vec::new();
        while all.len() < 7 {
            all.push(received.recv().await.unwrap());
        }
        all
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = consumer.run(settle, async { drop(stopped.await) });
    let (all, ()) = tokio::join!(
        async {
            let all = collect.await;
            stop.send(()).unwrap();
            all
        },
        running
    );
    let bodies: Vec<_> = all.iter().map(|reply| String::from_utf8_lossy(&reply.body).into_owned()).collect();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5", "6"]);
    assert!(all.iter().all(|reply| reply.company == company("eta")));
    let logins: Vec<_> = all.iter().filter_map(|reply| reply.user_id.as_deref()).collect();
    assert_eq!(logins, ["hr-eta"]);
}

/// One reply that never settles is put aside by the broker after its twenty times; the ones behind it pass.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_never_settles_does_not_block_the_others() {
    let hr = Hr::of("theta", "theta");
    let headers = json!({"message_type": "subscriptions.status.theta"});
    for body in ["poison", "good"] {
        assert_eq!(hr.send(&headers, body)["sent"], true);
    }
    let consumer = Consumer::new(judge().broker(), company("theta")).pausing(std::time::Duration::ZERO);
    let tries = AtomicUsize::new(0);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = Mutex::new(Some(stop));
    let settle = |reply: Received| {
        let poison = reply.body == b"poison";
        if poison {
            tries.fetch_add(1, Ordering::SeqCst);
        } else if let Some(stop) = stop.lock().unwrap().take() {
            // Only what was behind the poison ends the test.
            let _ = stop.send(());
        }
        async move { if poison { Verdict::Again } else { Verdict::Settled } }
    };
    consumer.run(settle, async { drop(stopped.await) }).await;
    assert!(tries.load(Ordering::SeqCst) <= 22, "{tries:?}");
    let judge = judge();
    let connection = judge.broker().connect("mob.theta").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = "mob.subscriptions.dead.theta".into();
    let aside = channel.basic_get(queue, lapin::options::BasicGetOptions::default()).await.unwrap();
    // Quorum queues requeue behind: "good" may pass before the twentieth time.
    assert!(aside.is_none_or(|aside| aside.delivery.data == b"poison"));
}
