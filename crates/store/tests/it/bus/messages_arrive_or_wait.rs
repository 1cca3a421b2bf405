//! From the outbox to a company's queue: confirmed or kept, never lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sceau_store::bus::{Broker, Company, Publisher};
use sceau_store::{
    Database, DeliveryError, Dispatcher, MIGRATIONS, ManualClock, Message, Outbox, RetryPolicy, SystemClock,
};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Hr, company, judge};

const TOPIC: &str = "bus";

struct Ground {
    _folder: tempfile::TempDir,
    database: Database,
    clock: Arc<ManualClock>,
    outbox: Outbox,
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("db"), MIGRATIONS).await.unwrap();
        let clock = Arc::new(ManualClock::at(1_000_000));
        let outbox = Outbox::new(database.clone(), clock.clone(), RetryPolicy::default());
        Self { _folder: folder, database, clock, outbox }
    }

    async fn enqueue(&self, company: &str, number: u32) -> String {
        let mut transaction = self.database.begin().await.unwrap();
        let payload = json!({"company": company, "n": number});
        let id = self.outbox.enqueue(&mut transaction, TOPIC, &payload).await.unwrap();
        transaction.commit().await.unwrap();
        id
    }

    fn dispatcher(&self, broker: Arc<Broker>) -> Dispatcher {
        let publisher = Publisher::new(broker, self.clock.clone());
        let deliver = move |message: Message| {
            let publisher = publisher.clone();
            async move {
                let payload: serde_json::Value = message.parse()?;
                let company: Company = payload["company"].as_str().unwrap().parse().unwrap();
                publisher.publish(&company, &message.id, message.payload.as_bytes()).await
            }
        };
        self.outbox.dispatcher().on(TOPIC, deliver).at_once(16)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_outbox_reaches_the_queue_as_the_protocol_has_it() {
    let ground = Ground::new().await;
    let id = ground.enqueue("alpha", 1).await;
    assert_eq!(ground.dispatcher(judge().broker()).deliver_due().await.unwrap(), 1);
    let taken = Hr::of("alpha", "alpha").take("mob.subscriptions.put.alpha");
    let expected = json!({
        "body": r#"{"company":"alpha","n":1}"#, "headers": {"message_type": "subscriptions.put.alpha"},
        "persistent": true, "content_type": "application/json", "message_id": id, "exchange": "mob.headers",
        "routing_key": "",
    });
    assert_eq!(taken, expected);
}

/// Forty in flight at once, one of them for nobody: that one alone is a dead letter, whatever order the confirms come in.
#[tokio::test(flavor = "multi_thread")]
async fn an_unroutable_message_is_a_dead_letter_and_its_neighbours_arrive() {
    let publisher = Publisher::new(judge().broker(), Arc::new(SystemClock));
    let beta = company("beta");
    let hr = Hr::of("beta", "beta");
    let unbound = Unbound::new("mob.beta", "mob.subscriptions.put.beta", "subscriptions.put.beta").await;
    let lost = publisher.publish(&beta, "lost", b"{}").await;
    assert!(
        matches!(&lost, Err(DeliveryError::Refused(why)) if why.contains("subscriptions.put.beta")),
        "{lost:?}"
    );
    unbound.bind().await;
    let mut all = JoinSet::new();
    for n in 0..40 {
        let (publisher, beta) = (publisher.clone(), beta.clone());
        all.spawn(async move { publisher.publish(&beta, &n.to_string(), b"{}").await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|arrived| arrived));
    let count = hr.order(&json!({"act": "count", "queue": "mob.subscriptions.put.beta"}));
    assert_eq!(count["messages"].as_u64().unwrap_or(0), 40, "{count}");
}

/// Takes a binding away and gives it back, as an operator could.
struct Unbound {
    channel: lapin::Channel,
    _connection: lapin::Connection,
    queue: &'static str,
    kind: &'static str,
}

impl Unbound {
    async fn new(vhost: &str, queue: &'static str, kind: &'static str) -> Self {
        let connection = judge().connect(vhost).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let this = Self { channel, _connection: connection, queue, kind };
        let (queue, exchange) = (this.queue.into(), "mob.headers".into());
        this.channel.queue_unbind(queue, exchange, "".into(), this.arguments()).await.unwrap();
        this
    }

    async fn bind(&self) {
        let options = lapin::options::QueueBindOptions::default();
        let (queue, exchange) = (self.queue.into(), "mob.headers".into());
        self.channel.queue_bind(queue, exchange, "".into(), options, self.arguments()).await.unwrap();
    }

    fn arguments(&self) -> lapin::types::FieldTable {
        let mut arguments = lapin::types::FieldTable::default();
        for (name, value) in [("message_type", self.kind), ("x-match", "all")] {
            arguments.insert(name.into(), lapin::types::AMQPValue::LongString(value.into()));
        }
        arguments
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_is_waited_for() {
    let ground = Ground::new().await;
    let hr = Hr::of("narrow", "narrow");
    let dispatcher = ground.dispatcher(judge().broker());
    // Its limit is three; the broker notices a few messages later.
    let mut sent = 0;
    loop {
        ground.enqueue("narrow", sent).await;
        sent += 1;
        if dispatcher.deliver_due().await.unwrap() == 0 {
            break;
        }
        assert!(sent < 500, "the queue was never full");
    }
    // Four days in which nobody reads it.
    for _ in 0..96 {
        ground.clock.advance(3_600_000);
        assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
    }
    let [standing] = &ground.outbox.standing().await.unwrap()[..] else { panic!("one topic") };
    assert_eq!((standing.late, standing.dead), (1, 0));
    assert!(standing.reason.as_ref().unwrap().contains("full"), "{standing:?}");
    let mut taken = std::collections::BTreeSet::new();
    while taken.len() < sent as usize {
        let count = hr.order(&json!({"act": "count", "queue": "mob.subscriptions.put.narrow"}));
        for _ in 0..count["messages"].as_u64().unwrap() {
            taken.insert(hr.take("mob.subscriptions.put.narrow")["body"].to_string());
        }
        ground.clock.advance(300_000);
        dispatcher.deliver_due().await.unwrap();
    }
    assert!(ground.outbox.dead_letters(1000).await.unwrap().is_empty());
}

/// Something between us and the broker that a test can cut.
struct Wire {
    port: u16,
    open: Arc<AtomicBool>,
    living: Arc<std::sync::Mutex<JoinSet<()>>>,
}

impl Wire {
    async fn new(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let open = Arc::new(AtomicBool::new(true));
        let living = Arc::new(std::sync::Mutex::new(JoinSet::new()));
        let (gate, connections) = (open.clone(), living.clone());
        tokio::spawn(async move {
            while let Ok((mut ours, _)) = listener.accept().await {
                if gate.load(Ordering::SeqCst) {
                    connections.lock().unwrap().spawn(async move {
                        let mut theirs = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                        let _ = copy_bidirectional(&mut ours, &mut theirs).await;
                    });
                }
            }
        });
        Self { port, open, living }
    }

    fn cut(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.living.lock().unwrap().abort_all();
    }

    fn mend(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

impl Ground {
    /// Twenty messages wait while the broker is away, looked at each `pause_ms`, then all arrive.
    async fn outlast(&self, company: &str, looks: u32, pause_ms: u64) {
        let wire = Wire::new(judge().port()).await;
        let dispatcher = self.dispatcher(judge().broker_at(wire.port));
        self.enqueue(company, 0).await;
        assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
        wire.cut();
        for n in 1..=20 {
            self.enqueue(company, n).await;
        }
        for _ in 0..looks {
            assert_eq!(dispatcher.deliver_due().await.unwrap(), 0, "nothing passes for delivered");
            self.clock.advance(pause_ms);
        }
        let [standing] = &self.outbox.standing().await.unwrap()[..] else { panic!("one topic") };
        assert_eq!((standing.waiting, standing.late, standing.dead), (20, 20, 0));
        assert!(standing.reason.as_ref().unwrap().starts_with("away: "), "{standing:?}");
        wire.mend();
        let mut delivered = 0;
        while delivered < 20 {
            delivered += dispatcher.deliver_due().await.unwrap();
            self.clock.advance(300_000);
        }
        let hr = Hr::of(company, company);
        let queue = format!("mob.subscriptions.put.{company}");
        let bodies: std::collections::BTreeSet<String> =
            (0..=20).map(|_| hr.take(&queue)["body"].to_string()).collect();
        assert_eq!(bodies.len(), 21);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_for_ten_minutes_gets_everything_afterwards() {
    Ground::new().await.outlast("gamma", 10, 60_000).await;
}

/// Forty-eight hours: twenty-five times what a message that is refused for the time being is given.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_for_two_days_gets_everything_afterwards() {
    Ground::new().await.outlast("delta", 96, 30 * 60_000).await;
}

/// The broker takes no message of this size: a dead letter at once, and its neighbour arrives.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_broker_finds_too_large_is_dead_at_once() {
    let ground = Ground::new().await;
    let mut transaction = ground.database.begin().await.unwrap();
    let large = json!({"company": "lambda", "n": "x".repeat(2 << 20)});
    ground.outbox.enqueue(&mut transaction, TOPIC, &large).await.unwrap();
    transaction.commit().await.unwrap();
    ground.enqueue("lambda", 1).await;
    let dispatcher = ground.dispatcher(judge().broker());
    let mut delivered = 0;
    while delivered < 1 || ground.outbox.dead_letters(1000).await.unwrap().is_empty() {
        delivered += dispatcher.deliver_due().await.unwrap();
        ground.clock.advance(10_000);
    }
    let [dead] = &ground.outbox.dead_letters(1000).await.unwrap()[..] else { panic!("one") };
    assert!(dead.reason.as_ref().unwrap().contains("message size"), "{:?}", dead.reason);
    assert!(Hr::of("lambda", "lambda").take("mob.subscriptions.put.lambda")["body"].is_string());
}
