#![allow(clippy::unwrap_used, reason = "tests state what must hold")]
use super::*;
use std::sync::Arc;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

const HEAD: Duration = Duration::from_secs(20);
const BOUNDS: Conversation = Conversation { head_within: HEAD, streams: 8, read_ahead: None };

/// Answers each request after so long.
fn begin(protocol: Protocol, after: Duration, told: Arc<Notify>) -> DuplexStream {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let answer = move |_| async move {
            sleep(after).await;
            Ok(Response::new("an answer".to_owned()))
        };
        BOUNDS.speak((protocol, theirs), answer, async { told.notified().await }).await
    });
    ours
}

fn began(protocol: Protocol) -> DuplexStream {
    begin(protocol, Duration::ZERO, Arc::default())
}

/// How long it takes until the other side ends; what it says by then is nobody's matter.
async fn until_ended(mut stream: DuplexStream) -> Duration {
    let began = Instant::now();
    let mut said = Vec::new();
    timeout(100 * HEAD, stream.read_to_end(&mut said)).await.unwrap().unwrap();
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_let_go() {
    for protocol in [Protocol::One, Protocol::Two] {
        let ended = until_ended(began(protocol)).await;
        assert!(ended >= HEAD && ended < HEAD + 2 * GOODBYE + HEAD, "{protocol:?}: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_not_waited_for() {
    let mut stream = began(Protocol::One);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
    let ended = until_ended(stream).await;
    assert!(ended >= HEAD && ended < 2 * HEAD, "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_no_more_over_http_1_is_let_go() {
    let mut stream = begin(Protocol::One, 3 * HEAD, Arc::default());
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let ended = until_ended(stream).await;
    assert!(ended >= 4 * HEAD && ended < 5 * HEAD, "an answer may take longer than a head: {ended:?}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_no_more_over_http_2_is_let_go_and_a_request_under_way_is_not() {
    let (mut asks, connection) =
        h2::client::handshake(begin(Protocol::Two, 3 * HEAD, Arc::default())).await.unwrap();
    let began = Instant::now();
    let connection = tokio::spawn(connection);
    let (answer, _) = asks.send_request(Request::new(()), true).unwrap();
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), "an answer");
    drop(body);
    connection.await.unwrap().unwrap();
    assert!(began.elapsed() >= 4 * HEAD && began.elapsed() < 5 * HEAD, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_under_way_goes_out_where_the_end_is_told() {
    let told = Arc::new(Notify::new());
    let mut stream = begin(Protocol::One, HEAD, Arc::clone(&told));
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    sleep(HEAD / 2).await;
    told.notify_one();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.ends_with("an answer"), "{said}");

    let told = Arc::new(Notify::new());
    let stream = begin(Protocol::Two, 10 * HEAD, Arc::clone(&told));
    let (mut asks, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let (answer, _) = asks.send_request(Request::new(()), true).unwrap();
    sleep(HEAD).await;
    told.notify_one();
    assert_eq!(answer.await.unwrap().into_body().data().await.unwrap().unwrap(), "an answer");
}

#[tokio::test]
async fn the_preface_is_heard_however_it_comes_and_nothing_of_it_is_lost() {
    let get = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice();
    let nearly = b"PRI * HTTP/1.1\r\n\r\n".as_slice();
    let two = [PREFACE, b"and more"].concat();
    for (said, expected) in [
        (get, Protocol::One),
        (nearly, Protocol::One),
        (b"PR", Protocol::One),
        (b"", Protocol::One),
        (&two, Protocol::Two),
    ] {
        for at_once in [1, 7, 1000] {
            let (mut ours, theirs) = duplex(at_once);
            let says = async {
                ours.write_all(said).await.unwrap();
                drop(ours);
            };
            let hears = async {
                let (protocol, mut stream) = Protocol::heard(theirs).await.unwrap();
                let mut came = Vec::new();
                stream.read_to_end(&mut came).await.unwrap();
                (protocol, came)
            };
            let ((), heard) = tokio::join!(says, hears);
            assert_eq!(heard, (expected, said.to_vec()));
        }
    }
    assert_eq!(Protocol::agreed(Some(b"h2")), Protocol::Two);
    assert_eq!((Protocol::agreed(Some(b"http/1.1")), Protocol::agreed(None)), (Protocol::One, Protocol::One));
}
