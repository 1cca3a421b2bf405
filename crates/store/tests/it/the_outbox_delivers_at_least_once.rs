use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sceau_store::{Clock, Database, DeliveryError, MIGRATIONS, ManualClock, Message, Outbox, RetryPolicy};

use crate::ground::Ground;

const POLICY: RetryPolicy =
    RetryPolicy { first_ms: 1_000, longest_ms: 8_000, attempts: 3, timeout_ms: 5_000 };

struct Bench<'g> {
    ground: &'g Ground,
    clock: Arc<ManualClock>,
}

on_both!(
    a_message_lives_and_dies_with_its_transaction,
    a_refusal_and_an_unknown_topic_are_dead_at_once,
    a_running_dispatcher_is_woken_by_the_commit,
    many_are_delivered_once_each_by_two_dispatchers,
    who_is_away_is_waited_for_without_end_and_visibly,
    a_dead_letter_is_kept_until_a_person_discards_it,
);

impl<'g> Bench<'g> {
    fn new(ground: &'g Ground) -> Self {
        Self { ground, clock: Arc::new(ManualClock::at(1_000_000)) }
    }

    /// As after a start of the program.
    async fn start(&self) -> (Database, Outbox) {
        let database = self.ground.open(MIGRATIONS).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        (database.clone(), Outbox::new(database, clock, POLICY))
    }
}

async fn send(database: &Database, outbox: &Outbox, word: &str) -> String {
    let mut transaction = database.begin().await.unwrap();
    let id = outbox.enqueue(&mut transaction, "word", &word).await.unwrap();
    transaction.commit().await.unwrap();
    id
}

type Heard = Arc<Mutex<Vec<String>>>;

fn listener(heard: &Heard) -> impl Fn(Message) -> std::future::Ready<Result<(), DeliveryError>> + use<> {
    let heard = Arc::clone(heard);
    move |message| {
        heard.lock().unwrap().push(message.parse().unwrap());
        std::future::ready(Ok(()))
    }
}

async fn a_message_lives_and_dies_with_its_transaction(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let mut transaction = database.begin().await.unwrap();
    outbox.enqueue(&mut transaction, "word", &"never").await.unwrap();
    drop(transaction);
    send(&database, &outbox, "said").await;

    let heard = Heard::default();
    let dispatcher = outbox.dispatcher().on("word", listener(&heard));
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
    assert_eq!(*heard.lock().unwrap(), ["said"]);
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
}

#[tokio::test]
async fn a_crash_before_the_note_delivers_again_after_the_restart() {
    let ground = &Ground::file();
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let id = send(&database, &outbox, "once more").await;

    // The handler has done its work, then the process dies before the delivery is noted.
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    let stuck = outbox.dispatcher().on("word", move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::pending()
    });
    let run = tokio::spawn(async move { stuck.deliver_due().await });
    while reached.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    database.close().await;

    let (_, outbox) = bench.start().await;
    let ids = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&ids);
    let dispatcher = outbox.dispatcher().on("word", move |message: Message| {
        seen.lock().unwrap().push(message.id);
        std::future::ready(Ok(()))
    });
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
    assert_eq!(*ids.lock().unwrap(), [id], "under the same id, so that a handler can tell");
}

#[tokio::test]
async fn failures_wait_longer_each_time_then_become_dead_letters_with_their_reason() {
    let ground = &Ground::file();
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let id = send(&database, &outbox, "x").await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tries);
    let dispatcher = outbox.dispatcher().on("word", move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Err(DeliveryError::Later("the other side is away".into())))
    });
    for expected in 1..=3 {
        dispatcher.deliver_due().await.unwrap();
        dispatcher.deliver_due().await.unwrap();
        assert_eq!(tries.load(Ordering::SeqCst), expected, "not before its time");
        bench.clock.advance(1_000 << (expected - 1));
    }
    dispatcher.deliver_due().await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3, "three attempts, then no more");
    let dead = outbox.dead_letters(1000).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].reason.as_deref(), Some("later: the other side is away"));

    assert!(outbox.revive(&id).await.unwrap());
    let heard = Heard::default();
    assert_eq!(outbox.dispatcher().on("word", listener(&heard)).deliver_due().await.unwrap(), 1);
    assert!(!outbox.revive(&id).await.unwrap());
}

/// A thousand absences, then a refusal: only refusals are counted.
async fn who_is_away_is_waited_for_without_end_and_visibly(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    send(&database, &outbox, "x").await;
    let said = Arc::new(Mutex::new(vec!["later"; 3]));
    said.lock().unwrap().extend(["away"; 40]);
    let saying = Arc::clone(&said);
    let dispatcher = outbox.dispatcher().on("word", move |_| {
        std::future::ready(Err(match saying.lock().unwrap().pop() {
            Some("away") => DeliveryError::Away("nobody is there".into()),
            _ => DeliveryError::Later("not now".into()),
        }))
    });
    assert!(outbox.standing().await.unwrap().iter().all(|topic| (topic.waiting, topic.late) == (1, 0)));
    for _ in 0..40 {
        dispatcher.deliver_due().await.unwrap();
        later(ground, &bench, &database).await;
    }
    let standing = outbox.standing().await.unwrap();
    let [word] = &standing[..] else { panic!("{standing:?}") };
    assert_eq!((word.topic.as_str(), word.waiting, word.late, word.dead), ("word", 1, 1, 0));
    assert_eq!(word.reason.as_deref(), Some("away: nobody is there"));
    for _ in 0..3 {
        assert!(outbox.dead_letters(1000).await.unwrap().is_empty());
        dispatcher.deliver_due().await.unwrap();
        later(ground, &bench, &database).await;
    }
    let dead = outbox.dead_letters(1000).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts), (1, 43));
    assert_eq!(dead[0].reason.as_deref(), Some("later: not now"));
}

/// An hour passes: on a server, whose clock is its own, for the messages.
async fn later(ground: &Ground, bench: &Bench<'_>, database: &Database) {
    bench.clock.advance(3_600_000);
    let _ = ground;
    if database.is_shared() {
        let sooner = sceau_store::Statement::new("SOONER", "UPDATE outbox SET due = 0");
        database.execute(sooner, &[]).await.unwrap();
    }
}

async fn a_dead_letter_is_kept_until_a_person_discards_it(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let mut transaction = database.begin().await.unwrap();
    let id = outbox.bury(&mut transaction, "word", &"kept", "this cannot be settled").await.unwrap();
    transaction.commit().await.unwrap();
    let heard = Heard::default();
    let dispatcher = outbox.dispatcher().on("word", listener(&heard));
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 0, "nobody delivers it by itself");
    let found = outbox.dead_letter(&id).await.unwrap().unwrap();
    assert_eq!(found.reason.as_deref(), Some("this cannot be settled"));
    assert!(outbox.revive(&id).await.unwrap());
    assert!(!outbox.discard(&id).await.unwrap(), "what is alive is not discarded");
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 1);
    let mut transaction = database.begin().await.unwrap();
    let id = outbox.bury(&mut transaction, "word", &"thrown away", "no").await.unwrap();
    transaction.commit().await.unwrap();
    assert!(outbox.discard(&id).await.unwrap());
    assert!(outbox.dead_letter(&id).await.unwrap().is_none() && !outbox.revive(&id).await.unwrap());
    assert_eq!(*heard.lock().unwrap(), ["kept"]);
}

async fn a_refusal_and_an_unknown_topic_are_dead_at_once(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    send(&database, &outbox, "x").await;
    let dispatcher = outbox.dispatcher();
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 0);
    let dead = outbox.dead_letters(1000).await.unwrap();
    assert_eq!(dead[0].reason.as_deref(), Some("refused: nobody delivers word"));
}

async fn a_running_dispatcher_is_woken_by_the_commit(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let dispatcher = outbox.dispatcher().on("word", move |message: Message| {
        sender.send(message.parse::<String>().unwrap()).unwrap();
        std::future::ready(Ok(()))
    });
    let running = tokio::spawn(dispatcher.run(async move { drop(stopped.await) }));
    // Without the wake-up the second word would wait for a minute, and the test with it.
    for word in ["one", "two"] {
        send(&database, &outbox, word).await;
        let heard = tokio::time::timeout(std::time::Duration::from_secs(20), receiver.recv()).await;
        assert_eq!(heard.unwrap().as_deref(), Some(word));
    }
    stop.send(()).unwrap();
    running.await.unwrap();
}

/// Two processes on a server; on a file one process, whose one dispatcher is asked twice.
async fn many_are_delivered_once_each_by_two_dispatchers(ground: &Ground) {
    let bench = Bench::new(ground);
    let (database, outbox) = bench.start().await;
    let other = if database.is_shared() { bench.start().await.1 } else { outbox.clone() };
    for number in 0..200 {
        send(&database, &outbox, &number.to_string()).await;
    }
    let heard = Heard::default();
    let dispatchers =
        [&outbox, &other].map(|outbox| outbox.dispatcher().at_once(8).on("word", listener(&heard)));
    let [left, right] = dispatchers;
    if database.is_shared() {
        let (left, right) = tokio::join!(left.deliver_due(), right.deliver_due());
        left.unwrap();
        right.unwrap();
        // One that found everything claimed by the other may have left first.
        assert_eq!(outbox.dispatcher().deliver_due().await.unwrap(), 0);
    } else {
        assert_eq!(left.deliver_due().await.unwrap(), 200);
        assert_eq!(right.deliver_due().await.unwrap(), 0);
    }
    let mut heard = heard.lock().unwrap().clone();
    heard.sort_by_key(|word| word.parse::<u32>().unwrap());
    assert_eq!(heard, (0..200).map(|number| number.to_string()).collect::<Vec<_>>(), "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_that_died_had_claimed_another_delivers_when_the_claim_is_over() {
    let ground = Ground::server();
    let policy = RetryPolicy { timeout_ms: 300, ..POLICY };
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(1_000_000));
    let open = async || {
        let database = ground.open(MIGRATIONS).await.unwrap();
        (database.clone(), Outbox::new(database, Arc::clone(&clock), policy))
    };
    let (database, dying) = open().await;
    let id = send(&database, &dying, "mine").await;
    let (sender, mut reached) = tokio::sync::mpsc::unbounded_channel();
    let stuck = dying.dispatcher().on("word", move |_| {
        sender.send(()).unwrap();
        std::future::pending()
    });
    let run = tokio::spawn(async move { stuck.deliver_due().await });
    reached.recv().await.unwrap();
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());

    let (_, outbox) = open().await;
    let (sender, mut delivered) = tokio::sync::mpsc::unbounded_channel();
    let dispatcher = outbox.dispatcher().on("word", move |message: Message| {
        sender.send(message.id).unwrap();
        std::future::ready(Ok(()))
    });
    assert_eq!(dispatcher.deliver_due().await.unwrap(), 0, "it is another's, who may live");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(dispatcher.run(async move { drop(stopped.await) }));
    // Nothing wakes it but the end of the claim: otherwise it would look again in a minute, and the test with it.
    let heard = tokio::time::timeout(std::time::Duration::from_secs(20), delivered.recv()).await;
    assert_eq!(heard.unwrap(), Some(id));
    stop.send(()).unwrap();
    running.await.unwrap();
}
