use std::time::Duration;

use sceau_protect::BodyLimits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::{Stage, content, limits, refused, rest_of};

const MEBIBYTE: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_told_before_anything_goes_out_is_told() {
    let stage = Stage::begin(BodyLimits { longest: 100_000, ..limits() }).await;
    let sealed = stage.encrypted(b"Metformine 500 mg").await;
    let open = || stage.call("alice", stage.open(&sealed), None);
    let code =
        async |path: &str, call: String, body: Vec<u8>| refused(stage.post(path, &call, body).await).await;
    let expected = |status: u16, code: &str| (status, code.to_owned());

    let mut altered = sealed.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(code("decrypt", open(), altered).await, expected(422, "segment_refused"));
    let another = stage.encrypted(b"another").await;
    assert_eq!(code("decrypt", open(), another).await, expected(422, "envelope_commitment"));
    assert_eq!(code("decrypt", open(), vec![]).await, expected(422, "header_truncated"));
    let bound = stage.call("alice", stage.open(&sealed), Some(b"another body"));
    assert_eq!(code("decrypt", bound, sealed.clone()).await, expected(422, "body_mismatch"));
    let bound = stage.call("alice", stage.create(), Some(b"what alice wrote"));
    assert_eq!(code("encrypt", bound, b"what a thief wrote".to_vec()).await, expected(422, "body_mismatch"));

    let call = open();
    assert!(stage.post("decrypt", &call, sealed.clone()).await.status().is_success());
    assert_eq!(code("decrypt", call, sealed.clone()).await, expected(409, "call_replayed"));
    let bob = stage.call("bob", stage.open(&sealed), None);
    assert_eq!(code("decrypt", bob, sealed.clone()).await, expected(403, "user_not_authorised"));
    assert_eq!(code("encrypt", open(), sealed.clone()).await, expected(400, "malformed"));
    assert_eq!(code("encrypt", "no call".into(), vec![]).await, expected(400, "malformed"));
    let own = json!({"create": {"session": stage.protected.application.session()}});
    assert_eq!(
        code("encrypt", stage.call("alice", own, None), vec![]).await,
        expected(422, "session_key_invalid")
    );
    // A call whose body is refused for its length alone was not brought: it is good for another body.
    let call = stage.call("alice", stage.create(), None);
    assert_eq!(code("encrypt", call.clone(), content(200_000)).await, expected(413, "too_large"));
    assert!(stage.post("encrypt", &call, content(100)).await.status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_turns_out_too_long_has_used_its_call_up() {
    let stage = Stage::begin(BodyLimits { longest: 100_000, ..limits() }).await;
    let call = stage.call("alice", stage.create(), None);
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    // It says no length, and has one octet more than is taken.
    let head = format!(
        "POST /v1/protect/encrypt HTTP/1.1\r\nhost: x\r\nsceau-call: {call}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        100_001
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&content(100_001)).await.unwrap();
    let mut said = String::new();
    let _ = stream.read_to_string(&mut said).await;
    assert!(said.contains("HTTP/1.1 413") && said.contains("the call is used up"), "{said}");
    let again = refused(stage.post("encrypt", &call, content(100)).await).await;
    assert_eq!(again, (409, "call_replayed".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_late_ends_the_answer_without_its_end() {
    let stage = Stage::begin(limits()).await;
    let plain = content(5 * MEBIBYTE);
    let sealed = stage.encrypted(&plain).await;
    let mut altered = sealed.clone();
    *altered.last_mut().unwrap() ^= 1;
    let mut longer = sealed.clone();
    longer.push(0);
    let header = sceau_crypto::envelope::UnverifiedHeader::parse_prefix(&sealed).unwrap().0;
    let between = sealed[..header.as_bytes().len() + 2 * MEBIBYTE].to_vec();
    for (what, body) in [("altered", altered), ("cut between two segments", between), ("longer", longer)] {
        let answer = stage.post("decrypt", &stage.call("alice", stage.open(&sealed), None), body).await;
        assert!(answer.status().is_success(), "{what}");
        let (came, ended) = rest_of(answer).await;
        assert!(!ended && came.len() < plain.len() && plain.starts_with(&came), "{what}: {}", came.len());
    }
    // A body that is another than the one that the call binds: nothing that is whole comes back.
    for (path, op, body) in [("encrypt", stage.create(), &plain), ("decrypt", stage.open(&sealed), &sealed)] {
        let call = stage.call("alice", op, Some(b"another body"));
        let (came, ended) = rest_of(stage.post(path, &call, body.clone()).await).await;
        assert!(!ended && came.len() < sealed.len(), "{path}");
    }
}

/// A head, and what comes back first.
async fn first_of(stage: &Stage, call: &str, path: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let head = format!(
        "POST /v1/protect/{path} HTTP/1.1\r\nhost: x\r\nsceau-call: {call}\r\nexpect: 100-continue\r\ncontent-length: 100000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut came = [0; 12];
    stream.read_exact(&mut came).await.unwrap();
    (stream, String::from_utf8(came.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_asked_for_once_its_call_is_granted() {
    let stage = Stage::begin(limits()).await;
    let sealed = stage.encrypted(b"Metformine 500 mg").await;
    let (_, said) = first_of(&stage, &stage.call("bob", stage.open(&sealed), None), "decrypt").await;
    assert_eq!(said, "HTTP/1.1 403");
    let (_, said) = first_of(&stage, &stage.call("alice", stage.open(&sealed), None), "decrypt").await;
    assert_eq!(said, "HTTP/1.1 100");
}

/// Asks with the same call until there is room for its body: a call that finds none is not used up.
async fn once_there_is_room(stage: &Stage) {
    let call = stage.call("alice", stage.create(), None);
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
async fn a_caller_that_goes_away_leaves_its_room() {
    let stage = Stage::begin(BodyLimits { at_once: 1, ..limits() }).await;
    let (stream, said) = first_of(&stage, &stage.call("alice", stage.create(), None), "encrypt").await;
    assert_eq!(said, "HTTP/1.1 100");
    let call = stage.call("alice", stage.create(), None);
    assert_eq!(refused(stage.post("encrypt", &call, "a body").await).await.1, "busy");
    drop(stream);
    once_there_is_room(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_or_reads_nothing_does_not_keep_its_room() {
    let brief = Duration::from_millis(200);
    let stage = Stage::begin(BodyLimits { at_once: 1, each_mebibyte: brief, ..limits() }).await;
    let (mut silent, _) = first_of(&stage, &stage.call("alice", stage.create(), None), "encrypt").await;
    let mut said = String::new();
    let _ = silent.read_to_string(&mut said).await;
    assert!(said.contains("HTTP/1.1 408") && said.contains("body_slow"), "{said}");
    once_there_is_room(&stage).await;

    // All of its body was sent, and most of the answer is on its way.
    let sealed = content(6 * MEBIBYTE);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut unread = socket.connect(stage.address).await.unwrap();
    let call = stage.call("alice", stage.create(), None);
    let head = format!(
        "POST /v1/protect/encrypt HTTP/1.1\r\nhost: x\r\nsceau-call: {call}\r\ncontent-length: {}\r\n\r\n",
        sealed.len()
    );
    unread.write_all(head.as_bytes()).await.unwrap();
    unread.write_all(&sealed).await.unwrap();
    once_there_is_room(&stage).await;
    drop(unread);

    let body = reqwest::Body::from(content(64 * MEBIBYTE));
    let unread = stage.post("encrypt", &stage.call("alice", stage.create(), None), body).await;
    assert!(unread.status().is_success());
    once_there_is_room(&stage).await;
    let (came, ended) = rest_of(unread).await;
    assert!(!ended && came.len() < 64 * MEBIBYTE);
}
