//! The gate gets its certificate from an authority that speaks ACME, and another before it ends; whatever the authority does, what is in use stays.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sceau_gate::{Gate, Plan};
use sceau_pki::{Certificate, TlsIdentity, server_config};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, client::TlsStream};

use crate::{
    edge::{Edge, NAME, first, settings},
    others::Server,
    outside::{run, upstream},
    pebble::{Place, Ways},
};

/// Asks once more over a connection; the serial number of the certificate that it was begun with.
async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: {NAME}\r\n\r\n").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    loop {
        let mut octets = [0; 4096];
        let count = stream.read(&mut octets).await.unwrap();
        assert!(count > 0, "an answer is whole: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&octets[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() >= length.parse().unwrap() {
            break;
        }
    }
    let (_, session) = stream.get_ref();
    Certificate::from_der(&session.peer_certificates().unwrap()[0], "it").unwrap().serial()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_comes_by_a_handshake_and_is_kept_for_its_owner_alone() {
    let (edge, pebble, _root) = first("", |ways| ways).await;
    let address = edge.address;
    let folder = edge.folder.path().to_owned();
    let words = format!("-sS -i --cacert root.pem --connect-to {NAME}:443:{address} https://{NAME}/");
    let said = tokio::task::spawn_blocking(move || run(&folder, "curl", &words)).await.unwrap();
    assert!(said.contains("200"), "{said}");
    let state = edge.folder.path().join("state");
    assert!(
        fs::read_to_string(state.join("CACHEDIR.TAG"))
            .unwrap()
            .starts_with("Signature: 8a477f597d28d172789f06886806bc55")
    );
    let kept = files(&state);
    let secrets: Vec<_> = kept.iter().filter(|path| !path.ends_with("CACHEDIR.TAG")).collect();
    assert_eq!(secrets.len(), 3, "an account, a certificate with its key, and where it stands: {kept:?}");
    assert!(
        secrets.iter().all(|path| mode(path) == 0o600 && mode(path.parent().unwrap()) == 0o700),
        "{kept:?}"
    );
    // The authority's challenge alone is spoken by its protocol, and only while it looks.
    let looked = edge.openssl("-alpn acme-tls/1").await;
    assert!(looked.contains("no application protocol"), "{looked}");
    // The same certificate after a new start, without asking anybody.
    let serial = edge.openssl("-showcerts").await;
    let asked = pebble.log().matches("POST").count();
    let (folder, place) = edge.stop().await;
    let mut again = Edge::listen_at(folder, place, "").await;
    again.serve();
    let leaf = |said: &str| said.split("-----BEGIN CERTIFICATE-----").nth(1).unwrap()[..200].to_owned();
    assert_eq!(leaf(&again.openssl("-showcerts").await), leaf(&serial));
    assert_eq!(pebble.log().matches("POST").count(), asked);
    drop(again.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_comes_by_plain_http_which_says_nothing_else() {
    let (edge, _pebble, root) = first("challenge = \"http-01\"\nhttp = \"127.0.0.1:0\"", |ways| ways).await;
    ask(&mut edge.connect(&root).await.unwrap()).await;
    let port = edge.http;
    let folder = edge.folder.path().to_owned();
    let curl = move |words: String| {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || run(&folder, "curl", &format!("-sS -i {words}")))
    };
    let there = curl(format!("--connect-to {NAME}:80:127.0.0.1:{port} http://{NAME}/a?b=c")).await.unwrap();
    assert!(there.contains("308") && there.contains(&format!("location: https://{NAME}/a?b=c")), "{there}");
    let elsewhere = curl(format!("-H host:evil.example http://127.0.0.1:{port}/")).await.unwrap();
    assert!(elsewhere.contains("421") && !elsewhere.contains("location"), "{elsewhere}");
    let token = curl(format!("http://127.0.0.1:{port}/.well-known/acme-challenge/x")).await.unwrap();
    assert!(token.contains("404"), "{token}");
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_behind_one_name_have_each_its_own() {
    let more = "challenge = \"http-01\"\nhttp = \"127.0.0.1:0\"";
    let (mut one, folder) = (Edge::listen(more).await, tempfile::tempdir().unwrap());
    let place = Place::new(folder.path());
    fs::copy(one.folder.path().join("pebble-ca.pem"), folder.path().join("pebble-ca.pem")).unwrap();
    let text = settings(folder.path(), more, upstream().await, &one.place);
    let mut other = Edge::listen_by(folder, place, &text).await;
    // What stands before their port 80 asks the next one where one expects nobody with this token, as docs/gate.md says.
    let before = tempfile::tempdir().unwrap();
    let servers = format!(
        "upstream gates {{ server 127.0.0.1:{}; server 127.0.0.1:{}; }}\nserver {{ listen 127.0.0.1:PORT; location / {{ \
         proxy_pass http://gates; proxy_set_header Host $host; proxy_next_upstream error timeout http_404; }} }}",
        one.http, other.http
    );
    let (_nginx, port) = Server::nginx(before.path(), &servers);
    let _pebble = one.place.start(Ways { http: port, ..one.ways() }).await;
    one.serve();
    other.serve();
    let mut keys = Vec::new();
    for edge in [&one, &other] {
        edge.until_issued().await;
        fs::write(edge.folder.path().join("said"), edge.openssl("").await).unwrap();
        keys.push(run(edge.folder.path(), "openssl", "x509 -in said -noout -pubkey"));
    }
    assert_ne!(keys[0], keys[1], "no key is in two places");
    drop((one.stop().await, other.stop().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_that_says_nothing_leaves_places_to_the_authority() {
    let mut edge = Edge::listen("challenge = \"http-01\"\nhttp = \"127.0.0.1:0\"").await;
    edge.serve();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(("127.0.0.1", edge.http)).await.unwrap());
    }
    let words = format!(
        "-sS -i -m 5 --interface 127.0.0.2 http://127.0.0.1:{}/.well-known/acme-challenge/x",
        edge.http
    );
    let folder = edge.folder.path().to_owned();
    let said = tokio::task::spawn_blocking(move || run(&folder, "curl", &words)).await.unwrap();
    assert!(said.contains("404"), "{said}");
    drop(silent);
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_takes_its_place_without_a_request_lost() {
    let (edge, _pebble, root) = first("", |ways| Ways { life: 12, ..ways }).await;
    let mut kept = edge.connect(&root).await.unwrap();
    let first = ask(&mut kept).await;
    let (since, mut serials) = (Instant::now(), vec![first.clone()]);
    while serials.len() < 3 {
        assert!(since.elapsed().as_secs() < 60, "{serials:?}");
        let serial = ask(&mut edge.connect(&root).await.unwrap()).await;
        if serials.last() != Some(&serial) {
            serials.push(serial);
        }
        assert_eq!(ask(&mut kept).await, first, "a connection that is open stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let state = edge.state().await;
    assert!(
        state["outcomes"][0][0] == "issued"
            && state["outcomes"][0][1].as_u64().unwrap() >= 3
            && state["failures"] == 0,
        "{state}"
    );
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_handshakes_are_refused_and_an_authority_that_comes_back_is_asked_again() {
    let mut edge = Edge::listen("").await;
    edge.serve();
    let state = edge.until_code("acme_away").await;
    assert!(
        state["in_use"] == false && state["again"].as_u64().unwrap() > crate::pebble::now() + 5_000,
        "{state}"
    );
    let refused = edge.openssl("").await;
    assert!(refused.contains("alert access denied") && refused.contains("no peer certificate"), "{refused}");
    let _pebble = edge.place.start(edge.ways()).await;
    edge.reload.ask().await.unwrap();
    edge.until_issued().await;
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_forgot_us_or_refuses_leaves_what_is_in_use() {
    let (edge, pebble, root) = first("", |ways| Ways { life: 40, ..ways }).await;
    let serial = ask(&mut edge.connect(&root).await.unwrap()).await;
    let metrics = format!("-sS http://{}/metrics", edge.observed);
    let folder = edge.folder.path().to_owned();
    // It begins anew, and knows no account; then it refuses the name.
    drop(pebble);
    let _pebble = edge.place.start(Ways { refuses: Some(NAME), ..edge.ways() }).await;
    edge.until_code("acme_account_unknown").await;
    edge.reload.ask().await.unwrap();
    let state = edge.until_code("acme_refused").await;
    assert!(state["in_use"] == true && state["failures"] == 2, "{state}");
    assert_eq!(ask(&mut edge.connect(&root).await.unwrap()).await, serial);
    let said = tokio::task::spawn_blocking(move || run(&folder, "curl", &metrics)).await.unwrap();
    let outcome = format!(
        "sceau_gate_issuance_total{{issuer=\"acme.pebble\",names=\"{NAME}\",outcome=\"acme_refused\"}} 1"
    );
    assert!(said.contains(&outcome), "{said}");
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_cannot_look_is_told_in_its_own_words() {
    let mut edge = Edge::listen("").await;
    let _pebble = edge.place.start(Ways { tls: 9, ..edge.ways() }).await;
    edge.serve();
    let state = edge.until_code("acme_challenge_failed").await;
    assert!(
        state["again"].as_u64().unwrap() > crate::pebble::now() + 240_000,
        "who says no is left alone: {state}"
    );
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_at_its_address_is_told_nothing() {
    let mut edge = Edge::listen("").await;
    let pebble = edge.place.start(edge.ways()).await;
    // Another authority vouches for whoever is there.
    let (folder, elsewhere) = (edge.folder.path(), tempfile::tempdir().unwrap());
    Place::new(elsewhere.path());
    fs::copy(elsewhere.path().join("pebble-ca.pem"), folder.join("other.pem")).unwrap();
    let text = fs::read_to_string(folder.join("gate.toml")).unwrap().replace("pebble-ca.pem", "other.pem");
    fs::write(folder.join("gate.toml"), text).unwrap();
    edge.listening = Some(Gate::new(Plan::read(&folder.join("gate.toml")).unwrap()).listen().await.unwrap());
    edge.observed = edge.listening.as_ref().unwrap().observed().unwrap();
    edge.serve();
    let state = edge.until_code("acme_untrusted").await;
    assert_eq!(state["in_use"], false);
    assert!(!pebble.log().contains("GET /dir"), "{}", pebble.log());
    drop(edge.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_bound_to_one_that_the_authority_knows() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let bound = "external_account = { id = \"kid-1\", key = \"eab.key\" }";
    let (edge, _pebble, root) = first(bound, |ways| Ways { external: Some(key), ..ways }).await;
    ask(&mut edge.connect(&root).await.unwrap()).await;
    drop(edge.stop().await);
    let mut unbound = Edge::listen("").await;
    let _pebble = unbound.place.start(Ways { external: Some(key), ..unbound.ways() }).await;
    unbound.serve();
    unbound.until_code("acme_refused").await;
    drop(unbound.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_are_refused_are_had_anew() {
    let (edge, pebble, root) = first("", |ways| Ways { nonces_refused: 25, ..ways }).await;
    ask(&mut edge.connect(&root).await.unwrap()).await;
    assert!(pebble.log().contains("reject 25% of good nonces"), "{}", pebble.log());
    drop(edge.stop().await);
}

/// Says to everybody that they ask too often; counts connections.
async fn busy(folder: &Path, place: &Place) -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let key = sceau_pki::PrivateKey::from_pem(&read("pebble.key")).unwrap();
    let config = server_config(&TlsIdentity::new(&read("pebble.pem"), key).unwrap()).unwrap();
    let socket = TcpListener::bind(("127.0.0.1", place.port)).await.unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = TlsAcceptor::from(Arc::new(config.clone())).accept(stream).await else {
                continue;
            };
            let mut head = [0; 4096];
            drop(stream.read(&mut head).await);
            let answer = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7200\r\ncontent-length: 2\r\n\r\n{}";
            drop(stream.write_all(answer.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (count, serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_wait_waits_over_restarts_and_whoever_checks_asks_nobody() {
    let mut edge = Edge::listen("").await;
    let (count, serving) = busy(edge.folder.path(), &edge.place).await;
    let file = edge.folder.path().join("gate.toml");
    Plan::read(&file).unwrap();
    assert!(!edge.folder.path().join("state").exists(), "a check leaves nothing");
    assert_eq!(count.load(Ordering::SeqCst), 0, "and asks nobody");
    edge.serve();
    let state = edge.until_code("acme_rate_limited").await;
    assert!(state["again"].as_u64().unwrap() > crate::pebble::now() + 7_000_000, "{state}");
    edge.reload.ask().await.unwrap();
    let (folder, place) = edge.stop().await;
    let mut again = Edge::listen_at(folder, place, "").await;
    again.serve();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let state = again.state().await;
    assert!(state["code"] == "acme_rate_limited" && state["failures"] == 1, "{state}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
    serving.abort();
    drop(again.stop().await);
}

#[test]
fn what_the_file_leaves_open_is_asked_of_its_writer() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path());
    let whole = settings(folder.path(), "", SocketAddr::from(([127, 0, 0, 1], 9)), &place);
    let refused = |text: String| {
        fs::write(folder.path().join("gate.toml"), text).unwrap();
        Plan::read(&folder.path().join("gate.toml")).map(drop).unwrap_err().to_string()
    };
    for (from, to, says) in [
        ("terms_agreed = true", "", "terms of service"),
        ("https://", "http://", "begins with https://"),
        ("terms_agreed", "challenge = \"http-01\"\nterms_agreed", "say where"),
        ("mailto:", "", "mailto:"),
        ("names = [\"gate.example\"]", "", "for which names"),
        ("names = [\"gate.example\"]", "names = [\"*.example\"]", "without a wildcard"),
        ("names = [\"gate.example\"]", "names = [\"127.0.0.1\"]", "DNS names alone"),
        ("acme = \"pebble\"", "acme = \"other\"", "no table [acme.…] of this name"),
        ("acme = \"pebble\"", "acme = \"pebble\"\nca = \"x\"", "of one issuer"),
        ("acme = \"pebble\"", "acme = \"pebble\"\ncertificate = \"x.pem\"", "leave one out"),
        ("acme = \"pebble\"", "", "only with `acme` or `ca`"),
    ] {
        assert!(whole.contains(from), "{from}");
        let said = refused(whole.replacen(from, to, 1));
        assert!(said.contains(says), "{says}: {said}");
    }
}
