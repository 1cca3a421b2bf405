use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use sceau_accounts::callers::Edge;
use sceau_element_api::{Base64Url, Client};
use sceau_protect::{BodyLimits, Keyfront, MIGRATIONS, Rows, serve};
use sceau_store::Database;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Asked, Stage, limits, refused};

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

/// The keystore signs a few contents at once, and permits are brought as often as their holders like.
#[tokio::test(flavor = "multi_thread")]
async fn contents_of_one_address_that_wait_for_the_keystore_are_few() {
    // An element that answers nothing.
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("element.sock");
    let silent = tokio::net::UnixListener::bind(&socket).unwrap();
    let database = Database::open(&folder.path().join("records.db"), MIGRATIONS).await.unwrap();
    let clock = Arc::new(Asked { now: AtomicU64::new(0), times: watch::Sender::new(0) });
    let (rows, spool) = (Rows::new(database), folder.path().to_owned());
    let keyfront = Keyfront::new(Client::new(socket), rows, limits(), spool, clock).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(keyfront, listener, Edge::Clear, std::future::pending()));
    let http = reqwest::Client::new();
    let word = Base64Url(vec![1; 32]);
    let content = json!({"datum": word, "permit": word, "sha256": word}).to_string();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..9 {
        let asking = http.post(format!("http://{address}/v1/protect/contents")).body(content.clone()).send();
        asked.spawn(async move { asking.await.unwrap().text().await.unwrap() });
    }
    let first = asked.join_next().await.unwrap().unwrap();
    assert!(first.contains("from your address are under way"), "{first}");
    assert_eq!(asked.len(), 8);
    drop(silent);
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
