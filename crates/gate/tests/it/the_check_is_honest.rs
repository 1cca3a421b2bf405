//! `GET <base>/check` says 200 only where requests would be judged and served: the list that speaks has not ended, and a service is there.

use std::{os::unix::net::UnixListener, time::Instant};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, usual},
    responders::{Responder, by_openssl},
    services_are_reached::openssl,
};

/// What whoever watches reads where no service does.
pub(crate) const NONE_SERVES: &str =
    "no service behind the gate serves: each takes no connection, or fails its check";

/// Of each answer there, whatever its status.
const JSON: &str = "\r\ncontent-type: application/json\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_list_is_told_and_a_new_one_makes_it_good() {
    let folder = tempfile::tempdir().unwrap();
    let ended = List::of_clients("05", &["revoked"]).dated("9 days ago", "1 hour ago").make();
    publish(&folder.path().join("clients.crl"), &ended);
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\naddresses =";
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists).replace("addresses =", open)).await;
    let mut known = Kept::open(stage.address, "known", "");
    assert_eq!(known.get("/mtls-protect/a").await.0, "200", "it passes, and that is all");
    let (status, head) = known.get("/mtls-protect/check").await;
    assert!(status == "503" && head.contains(JSON), "{head}");
    let said: serde_json::Value = serde_json::from_str(known.body()).unwrap();
    assert_ne!(said["status"], "available");
    let stale = said["stale"].as_array().unwrap();
    assert_eq!(stale.len(), 1, "{said}");
    assert_eq!(stale[0]["list"], "clients.crl", "no folder of this machine: {said}");
    assert!(stale[0]["issuer"].as_str().unwrap().contains("ORGANISATIONS"), "{said}");
    assert!(stale[0]["ended"].as_str().unwrap().ends_with('Z'), "{said}");

    publish(&stage.folder().join("clients.crl"), &List::of_clients("06", &["revoked"]).make());
    let published = Instant::now();
    while known.get("/mtls-protect/check").await.0 != "200" {
        assert!(published.elapsed().as_secs() < 10, "{}", known.body());
    }
    assert_eq!(known.body(), r#"{"status": "available"}"#);
    assert!(known.get("/mtls-protect/check").await.1.contains(JSON));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_pass_is_told_nothing_but_that() {
    let lists = [format!("{}/root.crl", chain().display()), "http://127.0.0.1:9/none.crl".to_owned()];
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await;
    let mut known = Kept::open(stage.address, "known", "");
    let (status, head) = known.get("/mtls-protect/check").await;
    assert!(status == "403" && head.contains("certificate_revocation_unknown"), "{head}");
    assert!(head.contains(JSON), "{head}");
    assert!(!known.body().contains("stale"), "{}", known.body());
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_responder_answers_an_ended_list_is_no_trouble() {
    let responder = Responder::open(by_openssl("authority", "-ndays 1")).await;
    let folder = tempfile::tempdir().unwrap();
    let ended = List::of_clients("05", &["revoked"]).dated("9 days ago", "1 hour ago").make();
    publish(&folder.path().join("clients.crl"), &ended);
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    // OpenSSL may take its time.
    let asks =
        format!("ocsp = {{ responder = \"http://{}/\", deadline = \"1m\" }}\naddresses =", responder.address);
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists).replace("addresses =", &asks)).await;
    let mut known = Kept::open(stage.address, "known", "");
    assert_eq!(known.get("/mtls-protect/check").await.0, "200", "{}", known.body());
    drop(responder);
    let mut other = Kept::open(stage.address, "unknown", "");
    assert_eq!(other.get("/mtls-protect/check").await.0, "403", "nobody speaks for this one");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_told_and_one_that_is_up_again_too() {
    let folder = tempfile::tempdir().unwrap();
    // Two services on sockets of this machine: nobody else can take their places meanwhile.
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let upstreams = format!("upstream = [\"unix:{}\", \"unix:{}\"]\nclients", one.display(), two.display());
    let text = |upstream| {
        let plain = format!("upstream = \"http://{upstream}\"\nclients");
        usual(upstream, &lists).replacen(&plain, &upstreams, 1)
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    let mut known = Kept::open(stage.address, "known", "");
    let available = ("200".to_owned(), r#"{"status": "available"}"#.to_owned());
    let down = ("503".to_owned(), format!("{{\"status\": \"{NONE_SERVES}\"}}"));
    let mut check = async || {
        let (status, _) = known.get("/mtls-protect/check").await;
        (status, known.body().to_owned())
    };
    for _ in 0..2 {
        assert_eq!(check().await, down, "nobody is there");
        let first = UnixListener::bind(&one).unwrap();
        assert_eq!(check().await, available, "one of them is enough");
        let second = UnixListener::bind(&two).unwrap();
        assert_eq!(check().await, available);
        drop(first);
        assert_eq!(check().await, available, "the other is there");
        drop(second);
        assert_eq!(check().await, down, "their sockets are left, and nobody listens");
        for path in [&one, &two] {
            std::fs::remove_file(path).unwrap();
        }
    }
    // Whoever may not pass learns nothing of it.
    let mut unknown = Kept::open(stage.address, "unknown", "");
    let (status, head) = unknown.get("/mtls-protect/check").await;
    assert!(status == "403" && head.contains("client_unknown"), "{head}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_believed_is_not_available() {
    let (_server, port) = openssl().await;
    let (at, lists) =
        (chain().display(), ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display())));
    for (authority, status) in [("root", "200"), ("stranger", "503")] {
        let secure = format!(
            "upstream = \"https://localhost:{port}\"\n\
             tls = {{ authority = \"{at}/{authority}.pem\", certificate = \"{at}/direct.pem\", key = \"{at}/direct.key\" }}\nclients"
        );
        let text = |upstream| {
            let plain = format!("upstream = \"http://{upstream}\"\nclients");
            usual(upstream, &lists).replacen(&plain, &secure, 1)
        };
        let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
        let mut known = Kept::open(stage.address, "known", "");
        assert_eq!(known.get("/mtls-protect/check").await.0, status, "{authority}: {}", known.body());
        drop(stage.stop().await);
    }
}
