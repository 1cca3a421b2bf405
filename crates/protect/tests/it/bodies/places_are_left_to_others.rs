use std::time::Duration;

use sceau_protect::BodyLimits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Stage, limits, refused};

/// A request of this version that ends after its head, and the first line that comes back.
async fn head_of(stage: &Stage, call: &str, version: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let head = format!(
        "POST /v1/protect/encrypt HTTP/{version}\r\nhost: x\r\nsceau-call: {call}\r\nexpect: 100-continue\r\ncontent-length: 6\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut came = [0; 12];
    stream.read_exact(&mut came).await.unwrap();
    (stream, String::from_utf8(came.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_application_leaves_half_to_others() {
    // One address may have three of the four.
    let stage = Stage::begin(BodyLimits { at_once: 4, ..limits() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let (stream, said) = head_of(&stage, &stage.call("alice", stage.create(), None), "1.1").await;
        assert_eq!(said, "HTTP/1.1 100");
        held.push(stream);
    }
    let call = stage.call("alice", stage.create(), None);
    assert_eq!(refused(stage.post("encrypt", &call, "a body").await).await, (503, "busy".to_owned()));
    let another = stage.another().await;
    let of_another = another.sign(&another.claims("alice", stage.create()));
    assert!(stage.post("encrypt", &of_another, "a body").await.status().is_success());
    // The call that found no place is good for another time.
    drop(held);
    loop {
        let answer = stage.post("encrypt", &call, "a body").await;
        if answer.status().is_success() {
            return;
        }
        assert_eq!(refused(answer).await, (503, "busy".to_owned()));
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_never_over_ends_in_its_time() {
    let stage = Stage::begin(BodyLimits { whole: Duration::from_millis(200), ..limits() }).await;
    let (mut stream, said) = head_of(&stage, &stage.call("alice", stage.create(), None), "1.1").await;
    assert_eq!(said, "HTTP/1.1 100");
    stream.write_all(b"a").await.unwrap();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said).await;
    assert!(
        said.contains("HTTP/1.1 408") && said.contains("longer than this keyfront works on one"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_tell_a_cut_answer_gets_none_and_keeps_its_call() {
    let stage = Stage::begin(limits()).await;
    let call = stage.call("alice", stage.create(), None);
    let (_, said) = head_of(&stage, &call, "1.0").await;
    assert_eq!(said, "HTTP/1.0 505");
    assert!(stage.post("encrypt", &call, "a body").await.status().is_success());
}
