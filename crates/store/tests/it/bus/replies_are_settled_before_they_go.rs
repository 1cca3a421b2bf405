//! Replies stay in the queue until their verdict is durable.

use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt as _;
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

/// Until a test has seen enough.
struct Until(Mutex<Option<tokio::sync::oneshot::Sender<()>>>);

impl Until {
    fn new() -> (Self, impl Future<Output = ()>) {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        (Self(Mutex::new(Some(stop))), async { drop(stopped.await) })
    }

    fn enough(&self) {
        self.0.lock().unwrap().take().map(|stop| stop.send(()));
    }
}

fn left(company: &str, replies: &[&str]) -> Hr {
    let hr = Hr::of(company, company);
    let headers = json!({"message_type": format!("subscriptions.status.{company}")});
    for body in replies {
        assert_eq!(hr.send(&headers, body)["sent"], true);
    }
    hr
}

/// What cannot be settled is handed over once more, to be kept where a person sees it; the replies behind it do not wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_is_put_aside_once_and_does_not_block_the_others() {
    left("theta", &["poison", "good"]);
    let consumer = Consumer::new(judge().broker(), company("theta")).pausing(Duration::ZERO);
    let (until, enough) = Until::new();
    let seen = Mutex::new(Vec::new());
    let settle = |reply: Received| {
        let (poison, aside) = (reply.body == b"poison", reply.put_aside);
        let mut seen = seen.lock().unwrap();
        seen.push((String::from_utf8(reply.body).unwrap(), aside));
        if seen.len() == 3 {
            until.enough();
        }
        async move { if poison && !aside { Verdict::Aside } else { Verdict::Settled } }
    };
    consumer.run(settle, enough).await;
    let mut seen = seen.into_inner().unwrap();
    assert_eq!(seen[0], ("poison".to_owned(), false));
    seen.sort();
    let poison = |aside| ("poison".to_owned(), aside);
    assert_eq!(seen, [("good".to_owned(), false), poison(false), poison(true)]);
}

/// Whoever consumes dies of a reply twenty times: the broker puts it aside, and it is handed over as such.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_came_twenty_times_in_vain_is_put_aside_and_kept() {
    left("iota", &["deadly"]);
    let connection = judge().connect("mob.iota").await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = "mob.subscriptions.status.iota".into();
    let (options, table) = (Default::default(), lapin::types::FieldTable::default());
    let mut replies = channel.basic_consume(queue, "".into(), options, table).await.unwrap();
    // Given back each time, as a process that dies in between does.
    for _ in 0..21 {
        let delivery = replies.next().await.unwrap().unwrap();
        let back = lapin::options::BasicNackOptions { requeue: true, ..Default::default() };
        delivery.nack(back).await.unwrap();
    }
    channel.close(200, "".into()).await.unwrap();
    let consumer = Consumer::new(judge().broker(), company("iota")).pausing(Duration::ZERO);
    let (until, enough) = Until::new();
    let settle = |reply: Received| {
        assert!(reply.put_aside && reply.body == b"deadly");
        until.enough();
        async { Verdict::Settled }
    };
    consumer.run(settle, enough).await;
}

/// Our own database is away for longer than the broker would put up with: the reply stays first, and is counted for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_waits_for_our_own_side_and_is_not_taken_for_poison() {
    left("kappa", &["first", "second"]);
    let consumer = Consumer::new(judge().broker(), company("kappa")).pausing(Duration::ZERO);
    let (until, enough) = Until::new();
    let seen = Mutex::new(Vec::new());
    let settle = |reply: Received| {
        assert!(!reply.put_aside);
        let mut seen = seen.lock().unwrap();
        seen.push((String::from_utf8(reply.body).unwrap(), reply.redelivered));
        if seen.len() == 52 {
            until.enough();
        }
        let away = seen.len() <= 50;
        async move { if away { Verdict::Again } else { Verdict::Settled } }
    };
    consumer.run(settle, enough).await;
    let seen = seen.into_inner().unwrap();
    assert!(seen[..51].iter().all(|(body, _)| body == "first"), "{seen:?}");
    assert!(!seen[0].1 && seen[1..51].iter().all(|(_, again)| *again), "{seen:?}");
    assert_eq!(seen[51], ("second".to_owned(), false));
}
