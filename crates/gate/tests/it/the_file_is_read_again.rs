//! The configuration changes while the gate runs: whole or not at all, and no connection is lost for it.

use std::{net::SocketAddr, time::Instant};

use crate::{
    kept::Kept,
    outside::{Stage, chain, usual},
};

fn lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_request_of_a_connection_goes_by_the_new_file_and_a_wrong_one_changes_nothing() {
    let stage = Stage::set().await;
    let mut kept = Kept::open(stage.address, "known", "");
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200");
    let good = usual(stage.upstream, &lists());
    let other = good.replace("common_name = \"sas-agregateur-recette\"", "common_name = \"another\"");
    stage.write(&other);
    stage.reload.ask().await.unwrap();
    let (status, head) = kept.get("/mtls-protect/a").await;
    assert!(status == "403" && head.contains("client_unknown"), "{head}");
    let timed = |setting: &str| good.replace("path =", &format!("{setting}\npath ="));
    for (wrong, said) in [
        ("listener = [".to_owned(), "the configuration cannot be read: TOML parse error"),
        (format!("anybody = true\n{good}"), "unknown field `anybody`"),
        (good.replace("root.pem", "none.pem"), "clients.recette, anchors: cannot use "),
        (good.replace("127.0.0.1:0", "192.0.2.1:1"), "cannot listen on 192.0.2.1:1"),
        (String::new(), "neither a [[listener]] nor an [[outgoing]]"),
        (timed("answer_within = \"0s\""), "no time at all is too little"),
        (timed("largest_head = \"65 KiB\""), "route 1, largest_head: a head has at most 64 KiB"),
    ] {
        stage.refuses(&wrong, said).await;
        assert_eq!(kept.get("/mtls-protect/a").await.0, "403", "{said}: the one in force stays");
        assert_eq!(kept.get("/public").await.0, "200", "{said}");
    }
    // Nobody asks: the file is looked at.
    stage.write(&good);
    let written = Instant::now();
    while kept.get("/mtls-protect/a").await.0 != "200" {
        assert!(written.elapsed().as_secs() < 10, "a changed file is read");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_stays_keeps_its_socket_and_one_that_goes_is_closed() {
    let stage = Stage::set().await;
    let mut kept = Kept::open(stage.address, "known", "");
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200");
    let second = SocketAddr::from(([127, 0, 0, 2], stage.address.port()));
    let first = usual(stage.upstream, &lists());
    let (listener, rest) = first.split_once("[clients.").unwrap();
    let moved = listener.replace("127.0.0.1:0", &second.to_string());
    stage.write(&format!("{listener}{moved}[clients.{rest}"));
    stage.reload.ask().await.unwrap();
    for address in [stage.address, second] {
        assert_eq!(Kept::open(address, "known", "").get("/mtls-protect/a").await.0, "200", "{address}");
    }
    assert_eq!(kept.get("/mtls-protect/a").await.0, "200", "nothing happened to it");
    stage.write(&format!("{moved}[clients.{rest}"));
    stage.reload.ask().await.unwrap();
    let (status, head) = kept.get("/mtls-protect/a").await;
    assert!(status == "421" && head.contains("connection: close"), "{head}");
    assert_eq!(Kept::open(second, "known", "").get("/mtls-protect/a").await.0, "200");
    let refused = tokio::net::TcpStream::connect(stage.address).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    drop(stage.stop().await);
}
