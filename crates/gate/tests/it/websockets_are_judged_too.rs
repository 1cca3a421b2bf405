//! A WebSocket is opened for whoever may pass, and ends when they no longer may.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, request, usual},
};

const ASKED: &str = "GET /mtls-protect/ws HTTP/1.1\r\nhost: localhost\r\nconnection: keep-alive, Upgrade\r\n\
                     sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Upgrades who asks for a WebSocket and sends back what it reads; tells others what they asked.
async fn service() -> std::net::SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let Some(head) = request(&mut stream).await else { return };
                let said = String::from_utf8_lossy(&head).to_ascii_lowercase();
                if !said.contains("upgrade: websocket\r\n") {
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                        said.len()
                    );
                    drop(stream.write_all(format!("{answer}{said}").as_bytes()).await);
                    return;
                }
                let answer =
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
                drop(stream.write_all(answer.as_bytes()).await);
                let mut octets = [0; 100];
                while let Ok(read @ 1..) = stream.read(&mut octets).await {
                    drop(stream.write_all(&octets[..read]).await);
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_ends_when_its_client_is_taken_back() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("clients.crl");
    publish(&file, &List::of_clients("01", &["revoked"]).make());
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let stage = Stage::with(folder, |_| usual(service, &lists)).await;
    for (client, status) in [("revoked", "401"), ("unknown", "403")] {
        let mut refused = Kept::open(stage.address, client, "");
        refused.say(&format!("{ASKED}upgrade: websocket\r\n\r\n")).await;
        assert_eq!(refused.hear().await.0, status, "{client}");
    }
    for other in ["h2c", "websockets", "TLS/1.0"] {
        let mut kept = Kept::open(stage.address, "known", "");
        kept.say(&format!("{ASKED}upgrade: {other}\r\n\r\n")).await;
        assert_eq!(kept.hear().await.0, "200", "{other}");
        assert!(!kept.body().contains("upgrade"), "nothing else is passed on: {}", kept.body());
    }
    let mut kept = Kept::open(stage.address, "known", "");
    kept.say(&format!("{ASKED}upgrade: websocket\r\n\r\n")).await;
    let (status, head) = kept.hear().await;
    assert!(status == "101" && head.contains("upgrade: websocket"), "{head}");
    for word in ["one", "two"] {
        kept.say(word).await;
        kept.wait_for(word).await;
    }
    publish(&file, &List::of_clients("02", &["known"]).make());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), kept.rest()).await;
    assert!(ended.is_ok(), "it goes on after its client was taken back");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_goes_on_unchecked_leaves_a_record() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let ended = List::of_clients("01", &["revoked"]).dated("9 days ago", "1 hour ago").make();
    publish(&folder.path().join("current.crl"), &List::of_clients("01", &["revoked"]).make());
    publish(&folder.path().join("ended.crl"), &ended);
    let with = |list: &str| {
        let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\naddresses =";
        let lists = [format!("{}/root.crl", chain().display()), list.to_owned()];
        usual(service, &lists).replace("addresses =", open)
    };
    let stage = Stage::with(folder, |_| with("current.crl")).await;
    let mut kept = Kept::open(stage.address, "known", "");
    kept.say(&format!("{ASKED}upgrade: websocket\r\n\r\n")).await;
    assert_eq!(kept.hear().await.0, "101");
    let records = || std::fs::read_to_string(stage.folder().join("unchecked.jsonl")).unwrap();
    assert_eq!(records(), "", "a list speaks");
    stage.write(&with("ended.crl"));
    stage.reload.ask().await.unwrap();
    let since = std::time::Instant::now();
    while !records().contains("\"event\":\"still_unchecked\"") {
        assert!(since.elapsed().as_secs() < 10, "nothing tells of it: {}", records());
        tokio::task::yield_now().await;
    }
    kept.say("on").await;
    kept.wait_for("on").await;
    drop(stage.stop().await);
}
