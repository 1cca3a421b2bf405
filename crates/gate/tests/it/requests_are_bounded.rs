//! Requests that are too large, too slow or two things at once, and names that would write headers.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    kept::Kept,
    outside::{Stage, chain, usual},
};

const BOUNDS: &str =
    "largest_body = \"1 KiB\"\nlargest_head = \"2 KiB\"\nanswer_within = \"1s\"\n[clients.recette]\n";

fn bounded(upstream: SocketAddr) -> String {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    usual(upstream, &lists)
        .replace("[clients.recette]\n", BOUNDS)
        .replace("[[listener.route]]\npath", "head_within = \"1s\"\n[[listener.route]]\npath")
}

async fn stage() -> Stage {
    Stage::with(tempfile::tempdir().unwrap(), bounded).await
}

/// A service that reads a request's head, says this, and ends.
async fn service(answer: &'static str) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let mut octets = [0; 4096];
                while !answer.is_empty() && stream.read(&mut octets).await.is_ok_and(|read| read > 0) {
                    if stream.write_all(answer.as_bytes()).await.is_err() || !answer.ends_with("\r\n\r\n") {
                        return;
                    }
                }
                // Without an answer it holds the connection until the gate ends it.
                while stream.read(&mut octets).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_before_the_service_takes_it() {
    let stage = stage().await;
    let body = stage.folder().join("body");
    std::fs::write(&body, [b'x'; 1025]).unwrap();
    let post = format!("--data-binary @{}", body.display());
    for (words, status, code) in [
        (post.clone(), "413", "body_too_large"),
        (format!("{post} --http1.1"), "413", "body_too_large"),
        (format!("{post} --http1.1 -H Transfer-Encoding:chunked"), "413", "body_too_large"),
        (format!("-H X-Long:{}", "y".repeat(2048)), "431", "head_too_large"),
    ] {
        let answer = stage.curl("/public", &words).await;
        assert!(
            answer.lines().next().unwrap().contains(status) && answer.contains(code),
            "{words}: {answer}"
        );
    }
    let answer = stage.curl("/public", &format!("--http1.1 -H X-Long:{}", "y".repeat(70_000))).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    std::fs::write(&body, [b'x'; 1024]).unwrap();
    for version in ["--http1.1", "--http2"] {
        let answer = stage.curl("/public", &format!("{post} {version}")).await;
        assert!(answer.contains(" 200"), "{answer}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_too_slow_is_told_so() {
    let stage = stage().await;
    let mut dripping = Kept::open(stage.address, "known", "");
    dripping.say("GET /public HTTP/1.1\r\nhost: loc").await;
    let said = dripping.rest().await;
    assert!(!said.contains("HTTP/1.1 200"), "half a head ends the connection: {said}");
    let silent = service("").await;
    stage.write(&bounded(silent));
    stage.reload.ask().await.unwrap();
    let (status, head) = Kept::open(stage.address, "known", "").get("/public").await;
    assert!(status == "504" && head.contains("upstream_slow"), "{head}");
    let mut stalled = Kept::open(stage.address, "known", "");
    stalled.say("POST /public HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf").await;
    let (status, head) = stalled.hear().await;
    assert!(status == "408" && head.contains("request_too_slow"), "{head}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_breaks_off_does_not_pass_for_one_that_ended() {
    let stage = stage().await;
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        stage.write(&bounded(service(answer).await));
        stage.reload.ask().await.unwrap();
        for version in ["--http1.1", "--http2"] {
            let said = stage.failing("/public", version).await;
            assert!(said.contains("curl: ("), "{answer} {version}: {said}");
        }
    }
    stage.write(&bounded(stage.upstream));
    stage.reload.ask().await.unwrap();
    assert!(stage.curl("/public", "").await.contains(" 200"), "the gate goes on");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_is_not_two() {
    let stage = stage().await;
    for framing in [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4, 5",
        "content-length: +4",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
        "x: y\nz: w\r\n folded",
    ] {
        let mut kept = Kept::open(stage.address, "unknown", "");
        kept.say(&format!("POST /public HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n")).await;
        let (status, head) = kept.hear().await;
        assert_eq!(status, "400", "{framing}: {head}");
    }
    // Both at once: the length is dropped, and nothing that follows is read.
    let mut kept = Kept::open(stage.address, "unknown", "");
    let first = "POST /public HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    kept.say(&format!("{first}GET /mtls-protect/x HTTP/1.1\r\nhost: localhost\r\n\r\n")).await;
    let (status, head) = kept.hear().await;
    if status == "200" {
        let body = kept.body();
        let framings =
            ["content-length", "transfer-encoding"].iter().filter(|name| body.contains(**name)).count();
        assert_eq!(framings, 1, "the service reads one framing: {body}");
        assert!(!kept.rest().await.contains("HTTP/1.1"), "what follows is nobody's: the connection ends");
    } else {
        assert_eq!(status, "400", "{head}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_amid_an_upload_reads_why() {
    let stage = stage().await;
    let body = stage.folder().join("body");
    std::fs::write(&body, vec![b'x'; 100_000]).unwrap();
    for version in ["--http1.1", "--http2"] {
        let words = format!("{version} --data-binary @{}", body.display());
        let answer = stage.curl("/mtls-protect/x", &words).await;
        assert!(answer.contains(" 401") && answer.contains("certificate_missing"), "{version}: {answer}");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_writes_no_header() {
    let stage = stage().await;
    for version in ["--http1.1", "--http2"] {
        let answer =
            stage.curl("/mtls-protect/x", &format!("{version} {}", Stage::as_client("injecting"))).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 403") && !head.contains("evil"), "{answer}");
        assert_eq!(body, r#"{"status": "KO:Forbidden", "verify": "SUCCESS", "CN": "x\r\nevil: y\""}"#);
    }
    drop(stage.stop().await);
}
