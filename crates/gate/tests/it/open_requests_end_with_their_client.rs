//! What is still open when its client is taken back ends: an answer that goes on, or says nothing; a body that is still sent, answered or not.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::SendRequest};
use hyper::Request;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, usual},
    two,
};

/// What it does with a request is its path's last word. It tells which of them ended by the other side's doing.
async fn service() -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (tell, told)) = (socket.local_addr().unwrap(), mpsc::unbounded_channel());
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                if let Some(path) = serve(stream).await {
                    drop(tell.send(path));
                }
            });
        }
    });
    (address, told)
}

async fn serve(mut stream: TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let open = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nevent\r\n";
    let (first, again) = match path.rsplit('/').next().unwrap() {
        "silent" => (open, false),
        "busy" => (open, true),
        // Its answer is whole, and it reads on.
        "early" => ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nevent", false),
        _ => ("", false),
    };
    stream.write_all(first.as_bytes()).await.ok()?;
    let mut octets = [0; 4096];
    loop {
        tokio::select! {
            read = stream.read(&mut octets) => if !read.is_ok_and(|read| read > 0) { return Some(path) },
            () = tokio::time::sleep(Duration::from_millis(20)), if again => {
                if stream.write_all(b"5\r\nevent\r\n").await.is_err() {
                    return Some(path);
                }
            }
        }
    }
}

async fn begin(client: &mut SendRequest<Bytes>, method: &str, path: &str) -> (RecvStream, SendStream<Bytes>) {
    let request = Request::builder().method(method).uri(format!("https://localhost/mtls-protect/{path}"));
    let (answer, mut body) = client.send_request(request.body(()).unwrap(), method == "GET").unwrap();
    if method == "POST" {
        body.send_data(Bytes::from_static(b"part"), false).unwrap();
    }
    let mut answer = answer.await.unwrap().into_body();
    assert_eq!(answer.data().await.unwrap().unwrap(), "event", "{path}");
    (answer, body)
}

/// Whether the answer is cut, and not ended.
async fn is_cut(answer: &mut RecvStream) -> bool {
    loop {
        match answer.data().await {
            Some(Ok(data)) => answer.flow_control().release_capacity(data.len()).unwrap(),
            Some(Err(_)) => return true,
            None => return false,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_ends_when_its_client_is_taken_back() {
    let ((service, mut ended), folder) = (service().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("clients.crl");
    publish(&file, &List::of_clients("01", &["revoked"]).make());
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let stage = Stage::with(folder, |_| usual(service, &lists)).await;
    let mut events = Vec::new();
    for path in ["one/silent", "one/busy"] {
        let mut kept = Kept::open(stage.address, "known", "");
        kept.say(&format!("GET /mtls-protect/{path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
        kept.wait_for("event\r\n").await;
        events.push(kept);
    }
    let mut waiting = Kept::open(stage.address, "known", "");
    let post = "POST /mtls-protect/one/waiting HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n";
    waiting.say(post).await;
    let mut client = two::connect(stage.address, "known").await;
    let mut streams = Vec::new();
    for path in ["two/silent", "two/busy"] {
        streams.push(begin(&mut client, "GET", path).await);
    }
    let (_early, mut sending) = begin(&mut client, "POST", "two/early").await;
    // Another, of whom nothing is wrong.
    let mut other = two::connect(stage.address, "changes").await;
    let (mut goes_on, _) = begin(&mut other, "GET", "other/busy").await;
    publish(&file, &List::of_clients("02", &["known"]).make());
    let over = async {
        for kept in &mut events {
            let rest = kept.rest().await;
            assert!(!rest.ends_with("0\r\n\r\n"), "cut, and not ended: {rest}");
        }
        let (status, head) = waiting.hear().await;
        assert!(status == "403" && head.contains("client_taken_back"), "{head}");
        for (answer, _) in &mut streams {
            assert!(is_cut(answer).await);
        }
        let mut all = Vec::new();
        while all.len() < 6 {
            tokio::select! {
                path = ended.recv() => all.push(path.unwrap().replace("/mtls-protect/", "")),
                // What is still sent after the answer ends too; nobody is there to be told.
                () = tokio::time::sleep(Duration::from_millis(20)) => drop(sending.send_data(Bytes::from_static(b"part"), false)),
            }
        }
        all.sort();
        assert_eq!(all, ["one/busy", "one/silent", "one/waiting", "two/busy", "two/early", "two/silent"]);
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), over).await.is_ok(), "they go on");
    for _ in 0..3 {
        let data = goes_on.data().await.unwrap().unwrap();
        goes_on.flow_control().release_capacity(data.len()).unwrap();
    }
    drop((goes_on, other, client));
    drop(stage.stop().await);
}
