//! Services that hang, fail or go away are found by checks, go out of their turn, and come back to it: over TCP, TLS with the gate's certificate, HTTP/2
//! and sockets.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UnixListener},
};

use crate::{
    outside::{Stage, chain},
    services_are_reached::{openssl, stage},
    the_check_is_honest::NONE_SERVES,
    two,
    what_a_gate_does_is_seen::look,
};

/// How a service behaves from now on.
#[derive(Clone, Default)]
struct Mood {
    /// It takes connections, reads, and says nothing.
    hangs: Arc<AtomicBool>,
    /// It answers 503.
    fails: Arc<AtomicBool>,
    /// Requests that are no checks.
    asked: Arc<AtomicUsize>,
}

impl Mood {
    /// Serves one connection, one request, as `name`.
    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S, name: &str) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut octet = [0; 1];
            match stream.read(&mut octet).await {
                Ok(1) => head.extend_from_slice(&octet),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let is_check = head.starts_with("GET /health?full HTTP/1.1\r\n");
        if is_check {
            assert!(head.contains("\r\nuser-agent: sceau-gate-check\r\n"), "{head}");
        } else {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
        if self.hangs.load(Ordering::SeqCst) {
            // Until the gate gives up.
            drop(stream.read(&mut [0; 1]).await);
            return;
        }
        let status = if self.fails.load(Ordering::SeqCst) { "503 Down" } else { "200 OK" };
        let answer =
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{name}", name.len());
        drop(stream.write_all(answer.as_bytes()).await);
    }
}

async fn over_tcp(name: &'static str) -> (SocketAddr, Mood) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mood) = (socket.local_addr().unwrap(), Mood::default());
    let serving = mood.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let mood = serving.clone();
            tokio::spawn(async move { mood.serve(stream, name).await });
        }
    });
    (address, mood)
}

/// Checked each second, and believed at once.
const CHECK: &str =
    "check = { path = \"/health?full\", every = \"1s\", within = \"1s\", healthy = 1, unhealthy = 1 }";

/// A watched gate before these services.
async fn watched(upstream: &str, settings: &str) -> Stage {
    let stage = stage(upstream, settings).await;
    let text = fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    let folder = stage.stop().await;
    Stage::with(folder, |_| text + "[observe]\naddress = \"127.0.0.1:0\"\n").await
}

/// What is known of each service, by its name.
async fn state(stage: &Stage, service: &str) -> serde_json::Value {
    let said = look(stage.observed.unwrap(), "/state.json", "").await;
    let state: serde_json::Value = serde_json::from_str(said.split_once("\r\n\r\n").unwrap().1).unwrap();
    let services = state["services"].as_array().unwrap();
    services
        .iter()
        .find(|it| it["service"] == service)
        .unwrap_or_else(|| panic!("{service}: {state}"))
        .clone()
}

async fn until(stage: &Stage, service: &str, up: bool) -> serde_json::Value {
    let begun = Instant::now();
    loop {
        let state = state(stage, service).await;
        if state["up"] == up {
            return state;
        }
        assert!(begun.elapsed().as_secs() < 30, "{up}: {state}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The sample of the metric, if there is one.
async fn metric(stage: &Stage, service: &str) -> Option<String> {
    let said = look(stage.observed.unwrap(), "/metrics", "").await;
    let begin = format!("sceau_gate_service_up{{service=\"{service}\"}} ");
    said.lines().find_map(|line| line.strip_prefix(&begin)).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_hangs_is_out_of_its_turn_until_it_answers_again() {
    let ((one, mood), (two, other)) = (over_tcp("one").await, over_tcp("two").await);
    let (one, two) = (format!("http://{one}"), format!("http://{two}"));
    let stage = watched(&format!("{:?}", [&one, &two]), &format!("answer_within = \"20s\"\n{CHECK}")).await;
    until(&stage, &one, true).await;
    until(&stage, &two, true).await;
    assert_eq!(metric(&stage, &one).await.as_deref(), Some("1"));
    // As an overload, and as an error of its own.
    for (word, code) in [(&mood.hangs, "check_slow"), (&mood.fails, "check_status")] {
        word.store(true, Ordering::SeqCst);
        let state = until(&stage, &one, false).await;
        assert!(state["checks"].to_string().contains(code), "{state}");
        assert_eq!(metric(&stage, &one).await.as_deref(), Some("0"));
        let (before, others) = (mood.asked.load(Ordering::SeqCst), other.asked.load(Ordering::SeqCst));
        for _ in 0..4 {
            assert!(stage.curl("/", "").await.ends_with("two"));
        }
        assert_eq!(mood.asked.load(Ordering::SeqCst), before, "nobody is sent there");
        assert_eq!(other.asked.load(Ordering::SeqCst), others + 4);
        // The same file once more: it stays out, and nobody has to find that out anew.
        stage.reload.ask().await.unwrap();
        assert_eq!(state_of_up(&stage, &one).await, false);
        word.store(false, Ordering::SeqCst);
        until(&stage, &one, true).await;
        let answers = [stage.curl("/", "").await, stage.curl("/", "").await];
        assert!(answers.iter().any(|answer| answer.ends_with("one")), "it is asked again: {answers:?}");
    }
    drop(stage.stop().await);
}

async fn state_of_up(stage: &Stage, service: &str) -> serde_json::Value {
    state(stage, service).await["up"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asked_yet_is_not_told_as_serving() {
    let (one, _) = over_tcp("one").await;
    let service = format!("http://{one}");
    let stage = watched(&format!("{service:?}"), "").await;
    assert!(state_of_up(&stage, &service).await.is_null());
    assert_eq!(metric(&stage, &service).await, None);
    assert!(stage.curl("/", "").await.ends_with("one"));
    assert_eq!(metric(&stage, &service).await.as_deref(), Some("1"));
    // What is known is known after the file was read again.
    stage.reload.ask().await.unwrap();
    assert_eq!(metric(&stage, &service).await.as_deref(), Some("1"));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_alone_is_checked_where_no_path_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sock");
    let service = format!("unix:{}", path.display());
    let check = "check = { every = \"1s\", healthy = 1, unhealthy = 1 }";
    let stage = watched(&format!("{service:?}"), check).await;
    let state = until(&stage, &service, false).await;
    assert!(state["checks"].to_string().contains("check_away"), "{state}");
    let socket = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move { while socket.accept().await.is_ok() {} });
    until(&stage, &service, true).await;
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_of_this_machine_is_asked_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.sock");
    let (socket, mood) = (UnixListener::bind(&path).unwrap(), Mood::default());
    let serving = mood.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let mood = serving.clone();
            tokio::spawn(async move { mood.serve(stream, "here").await });
        }
    });
    let service = format!("unix:{}", path.display());
    let stage = watched(&format!("{service:?}"), CHECK).await;
    until(&stage, &service, true).await;
    mood.hangs.store(true, Ordering::SeqCst);
    until(&stage, &service, false).await;
    mood.hangs.store(false, Ordering::SeqCst);
    until(&stage, &service, true).await;
    assert!(stage.curl("/", "").await.ends_with("here"));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_over_tls_is_asked_with_the_gates_certificate() {
    let (_server, port) = openssl().await;
    let (chain, service) = (chain().display(), format!("https://localhost:{port}"));
    let shown = format!("certificate = \"{chain}/direct.pem\", key = \"{chain}/direct.key\"");
    // OpenSSL's server says what it saw at any path.
    for (tls, up, code) in [
        (format!("authority = \"{chain}/root.pem\", {shown}"), true, "good"),
        // In TLS 1.3 a server refuses a certificate after the handshake, and so only what is asked shows it.
        (format!("authority = \"{chain}/root.pem\""), false, "check_broken"),
        (format!("authority = \"{chain}/stranger.pem\", {shown}"), false, "check_away"),
    ] {
        let stage = watched(&format!("{service:?}"), &format!("tls = {{ {tls} }}\n{CHECK}")).await;
        let state = until(&stage, &service, up).await;
        assert!(state["checks"].to_string().contains(code), "{tls}: {state}");
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_http_2_is_asked_in_http_2() {
    let address = two::service(two::End::Trailers).await;
    let service = format!("h2c://{address}");
    let stage = watched(&format!("{service:?}"), CHECK).await;
    until(&stage, &service, true).await;
    drop(stage.stop().await);
    let expecting = CHECK.replace("every", "status = [204], host = \"a.example\", every");
    let stage = watched(&format!("{service:?}"), &expecting).await;
    let state = until(&stage, &service, false).await;
    assert!(state["checks"].to_string().contains("check_status"), "{state}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_of_a_route_goes_by_those_of_its_services() {
    let (one, mood) = over_tcp("one").await;
    let service = format!("http://{one}");
    let stage = watched(&format!("{service:?}"), "").await;
    let text = fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    let (guarded, rest) = text.split_once("clients = \"recette\"\n").unwrap();
    let guarded = guarded.rsplit_once("upstream = ").unwrap().0;
    stage.write(&format!("{guarded}upstream = {service:?}\nclients = \"recette\"\n{CHECK}\n{rest}"));
    stage.reload.ask().await.unwrap();
    let known = Stage::as_client("known");
    until(&stage, &service, true).await;
    assert!(stage.curl("/mtls-protect/check", &known).await.contains(" 200"));
    mood.hangs.store(true, Ordering::SeqCst);
    until(&stage, &service, false).await;
    // It takes connections, and hangs.
    let said = stage.curl("/mtls-protect/check", &known).await;
    assert!(said.contains(" 503") && said.ends_with(&format!("{{\"status\": \"{NONE_SERVES}\"}}")), "{said}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_is_refused() {
    let stage = Stage::set().await;
    let text = fs::read_to_string(stage.folder().join("gate.toml")).unwrap();
    let (before, after) = text.rsplit_once("[clients.recette]").unwrap();
    for (check, said) in [
        ("{ path = \"health\" }", "listener 1, route 2, check.path: a path begins with a slash"),
        ("{ path = \"/\", healthy = 0 }", "check.healthy"),
        ("{ unhealthy = 101 }", "check.unhealthy"),
        ("{ status = [200] }", "check.status: without `path`"),
        ("{ host = \"a\" }", "check.host: without `path`"),
        ("{ path = \"/\", host = \"a b\" }", "check.host: this is no host"),
        ("{ path = \"/\", status = [] }", "check.status"),
        ("{ path = \"/\", status = [99] }", "check.status"),
        ("{ every = \"0s\" }", "no time at all"),
        ("{ often = \"1s\" }", "unknown field"),
    ] {
        let text = format!("{before}check = {check}\n[clients.recette]{after}");
        stage.refuses(&text, said).await;
    }
    drop(stage.stop().await);
}
