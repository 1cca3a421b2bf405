//! What is counted of a gate, told of its requests and passed on to traces, while OpenSSL and curl call it.

use std::{fs, net::SocketAddr, time::Instant};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, run, usual},
    responders::{Responder, by_openssl},
};

fn lists() -> [String; 2] {
    ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()))
}

/// The usual gate, watched as these settings say.
async fn watched(settings: &str) -> Stage {
    let observe = format!("[observe]\naddress = \"127.0.0.1:0\"\n{settings}");
    Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists()) + &observe).await
}

/// What curl gets there, with its headers.
pub(crate) async fn look(at: SocketAddr, path: &str, words: &str) -> String {
    let words = format!("-sS -i {words} http://{at}{path}");
    tokio::task::spawn_blocking(move || run(chain(), "curl", &words)).await.unwrap()
}

/// The value of the one sample that begins so.
pub(crate) fn sample(metrics: &str, begin: &str) -> f64 {
    let found: Vec<&str> = metrics.lines().filter(|line| line.starts_with(begin)).collect();
    assert_eq!(found.len(), 1, "{begin}: {found:?} in {metrics}");
    found[0].rsplit_once(' ').unwrap().1.parse().unwrap()
}

/// Metrics, once the requests before have ended: the end of an answer is counted after it was read.
pub(crate) async fn metrics(stage: &Stage, ended: f64) -> String {
    let begun = Instant::now();
    loop {
        let said = look(stage.observed.unwrap(), "/metrics", "").await;
        let requests = said.lines().filter(|line| line.starts_with("sceau_gate_requests_total{"));
        let sum: f64 = requests.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum();
        if sum >= ended {
            assert_eq!(sum, ended, "{said}");
            return said;
        }
        assert!(begun.elapsed().as_secs() < 10, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_verdict_and_handshake_is_counted() {
    let stage = watched("").await;
    let mut known = Kept::open(stage.address, "known", "");
    for path in ["/mtls-protect/a", "/mtls-protect/b", "/mtls-protect/../x", "/public"] {
        known.get(path).await;
    }
    for (client, status) in [("revoked", "401"), ("unknown", "403"), ("unknown", "403")] {
        assert_eq!(Kept::open(stage.address, client, "").get("/mtls-protect/a").await.0, status);
    }
    // The path that is ambiguous is on no route.
    let said = metrics(&stage, 6.0).await;
    let guarded = "{listener=\"127.0.0.1:0\",host=\"\",route=\"/mtls-protect/\"";
    for (begin, value) in [
        (format!("sceau_gate_requests_total{guarded},status=\"2xx\"}}"), 2.0),
        (format!("sceau_gate_requests_total{guarded},status=\"4xx\"}}"), 3.0),
        (format!("sceau_gate_request_seconds_count{guarded}}}"), 5.0),
        ("sceau_gate_verdicts_total{clients=\"recette\",code=\"passed\"}".to_owned(), 2.0),
        ("sceau_gate_verdicts_total{clients=\"recette\",code=\"client_unknown\"}".to_owned(), 2.0),
        ("sceau_gate_verdicts_total{clients=\"recette\",code=\"certificate_revoked\"}".to_owned(), 1.0),
        ("sceau_gate_verdict_lookups_total{clients=\"recette\",result=\"judged\"}".to_owned(), 3.0),
        ("sceau_gate_verdict_lookups_total{clients=\"recette\",result=\"remembered\"}".to_owned(), 2.0),
        ("sceau_gate_answers_total{code=\"path_ambiguous\"}".to_owned(), 1.0),
        ("sceau_gate_handshakes_total{listener=\"127.0.0.1:0\",outcome=\"full\"}".to_owned(), 4.0),
        ("sceau_gate_unchecked_total{clients=\"recette\"}".to_owned(), 0.0),
        ("sceau_gate_client_requests_total{".to_owned(), 2.0),
        (format!("sceau_gate_service_up{{service=\"http://{}\"}}", stage.upstream), 1.0),
        (format!("sceau_gate_service_seconds_count{{service=\"http://{}\"}}", stage.upstream), 3.0),
    ] {
        assert!((sample(&said, &begin) - value).abs() < f64::EPSILON, "{begin} {value}: {said}");
    }
    let state = look(stage.observed.unwrap(), "/state.json", "").await;
    let state: serde_json::Value = serde_json::from_str(state.split_once("\r\n\r\n").unwrap().1).unwrap();
    let refusals = state["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 3, "the newest first: {state}");
    assert_eq!(refusals[0]["common_name"], "xsas-agregateur-recette", "{state}");
    assert_eq!(
        (&refusals[2]["code"], &refusals[2]["from"]),
        (&"certificate_revoked".into(), &"127.0.0.1".into())
    );
    let client = &state["clients"][0]["named"][0];
    assert_eq!((&client["common_name"], &client["requests"]), (&"sas-agregateur-recette".into(), &2.into()));
    assert!(state["lists"][1]["used"][0]["current"].as_bool().unwrap(), "{state}");
    let own = sample(&said, "sceau_gate_certificate_days_left{place=\"listener 1, certificate\"");
    assert!((29.0..=30.0).contains(&own), "{own}");
    assert!(said.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{said}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_told_and_counts_go_on_when_the_file_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    publish(&folder.path().join("clients.crl"), &List::of_clients("0A", &["revoked"]).make());
    let lists = [lists()[0].clone(), "clients.crl".to_owned()];
    let settings = |upstream| usual(upstream, &lists) + "[observe]\naddress = \"127.0.0.1:0\"\n";
    let stage = Stage::with(folder, settings).await;
    assert_eq!(Kept::open(stage.address, "known", "").get("/mtls-protect/a").await.0, "200");
    publish(&stage.folder().join("clients.crl"), b"nothing");
    stage.write(&(settings(stage.upstream) + "names = [\"gate.internal\"]\n"));
    stage.reload.ask().await.unwrap();
    let begun = Instant::now();
    let said = loop {
        let said = metrics(&stage, 1.0).await;
        if said.contains("outcome=\"list_unreadable\"") {
            break said;
        }
        assert!(begun.elapsed().as_secs() < 10, "{said}");
    };
    let source = format!("{{source=\"{}/clients.crl\"", stage.folder().display());
    let list = |name: &str| sample(&said, &format!("sceau_gate_list_{name}{source}"));
    for (name, value) in [("entries", 1.0), ("number", 10.0), ("current", 1.0)] {
        assert!((list(name) - value).abs() < f64::EPSILON, "{name}: {said}");
    }
    assert!(list("age_seconds") < 600.0, "{said}");
    let left = list("next_update_timestamp_seconds") - list("this_update_timestamp_seconds");
    assert!((left - 7.0 * 86_400.0).abs() < 1.0, "{said}");
    assert!(sample(&said, "sceau_gate_configuration_readings_total{outcome=\"read\"}") >= 1.0);
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_asks_by_a_name_that_is_the_gates_own() {
    let stage = watched("names = [\"gate.internal\"]\n").await;
    let at = stage.observed.unwrap();
    for (host, status) in [
        ("localhost:1", "200"),
        ("127.0.0.1", "200"),
        ("[::1]:9", "200"),
        ("gate.internal", "200"),
        ("gate.internal.evil.example", "421"),
        ("evil.example", "421"),
        ("localhost.evil.example:80", "421"),
    ] {
        let said = look(at, "/metrics", &format!("-H host:{host}")).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{host}: {said}");
        assert_eq!(said.contains("sceau_gate_"), status == "200", "{host}: {said}");
    }
    let foreign = look(at, "/state.json", "-H host:evil.example").await;
    assert!(foreign.starts_with("HTTP/1.1 421 ") && !foreign.contains("lists"), "{foreign}");
    assert!(look(at, "/metrics", "-X POST").await.starts_with("HTTP/1.1 405 "));
    let said = look(at, "/elsewhere", "").await;
    assert!(
        said.starts_with("HTTP/1.1 404 ") && said.contains("content-security-policy: default-src 'none';")
    );
    // Nor does the gate's own door lead there.
    assert!(!stage.curl("/metrics", "").await.contains("sceau_gate_"));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_watched_by_a_socket_and_from_elsewhere_only_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("observe.sock");
    // What a gate that was killed leaves.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let observe = "[observe]\naddress = \"unix:observe.sock\"\n";
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists()) + observe).await;
    let words = format!("-sS --unix-socket {} http://any/metrics", socket.display());
    let said = tokio::task::spawn_blocking(move || run(chain(), "curl", &words)).await.unwrap();
    assert!(said.contains("sceau_gate_build_info{"), "{said}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&socket).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o660);

    let good = usual(stage.upstream, &lists());
    for (wrong, said) in [
        ("address = \"0.0.0.0:0\"", "observe, address: others can look from there"),
        ("address = \"here\"", "observe, address: write it 127.0.0.1:9464"),
        ("traces = \"https://x\"", "observe, traces: write it http://"),
        ("port = 1", "unknown field `port`"),
        ("access_log = \"none/access.jsonl\"", "observe, access_log: cannot use "),
    ] {
        stage.refuses(&format!("{good}[observe]\n{wrong}\n"), said).await;
    }
    stage.write(&good);
    stage.reload.ask().await.unwrap();
    let asked = Instant::now();
    while std::os::unix::net::UnixStream::connect(&socket).is_ok() {
        assert!(asked.elapsed().as_secs() < 10, "nobody is there any more");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_asks_for_nothing_of_elsewhere() {
    let stage = watched("").await;
    let at = stage.observed.unwrap();
    let page = look(at, "/", "").await;
    assert!(page.contains("content-type: text/html; charset=utf-8\r\n"), "{page}");
    assert!(page.contains("script-src 'self'") && !page.contains("unsafe-inline"), "{page}");
    let named = |text: &str| -> Vec<String> {
        let words = text.split(['"', '\'']).skip(1).step_by(2);
        let files = words.filter(|word| word.starts_with('/') && word.len() > 1);
        files.map(str::to_owned).collect()
    };
    let body = page.split_once("\r\n\r\n").unwrap().1;
    let script = look(at, "/page.js", "").await;
    let files = [named(body), vec!["/words.js".to_owned(), "/state.json".to_owned()]].concat();
    assert!(files.len() >= 6 && files[2..].iter().any(|file| script.contains(file.as_str())), "{files:?}");
    for file in files {
        let said = look(at, &file, "").await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{file}: {said}");
        assert!(said.contains("x-content-type-options: nosniff\r\n"), "{file}");
    }
    for text in [body, &script.replace("http://www.w3.org/2000/svg", "")] {
        assert!(
            !text.contains("http://") && !text.contains("https://") && !text.contains("innerHTML"),
            "{text}"
        );
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_to_responders_are_counted_with_what_they_say() {
    let responder = Responder::open(by_openssl("authority", "-ndays 1")).await;
    let asks = format!("ocsp = {{ responder = \"http://{}/\" }}\naddresses =", responder.address);
    let settings = |upstream| usual(upstream, &lists()).replace("addresses =", &asks);
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| {
        settings(upstream) + "[observe]\naddress = \"127.0.0.1:0\"\n"
    })
    .await;
    for _ in 0..2 {
        assert_eq!(Kept::open(stage.address, "known", "").get("/mtls-protect/a").await.0, "200");
    }
    let said = metrics(&stage, 2.0).await;
    let labels = format!("{{responder=\"{}\"", responder.address);
    let one = |name: &str| (sample(&said, &format!("sceau_gate_ocsp_{name}")) - 1.0).abs() < f64::EPSILON;
    assert!(one(&format!("answers_total{labels},outcome=\"good\"}}")), "{said}");
    assert!(one(&format!("seconds_count{labels}}}")), "{said}");
    let state = look(stage.observed.unwrap(), "/state.json", "").await;
    assert!(state.contains("\"outcomes\":[[\"good\",1]]"), "{state}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_that_are_called_are_watched_like_services() {
    let at = chain().display();
    let outgoing = format!(
        "[[outgoing]]\naddress = \"127.0.0.1:0\"\nto = \"https://localhost:9\"\n\
         tls = {{ authority = \"{at}/root.pem\", certificate = \"{at}/known.pem\", key = \"{at}/known.key\" }}\n"
    );
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\n";
    let settings = |upstream| usual(upstream, &lists()) + &outgoing + observe;
    let stage = Stage::with(tempfile::tempdir().unwrap(), settings).await;
    let said = metrics(&stage, 0.0).await;
    assert!(said.contains("sceau_gate_service_seconds_count{service=\"https://localhost:9\"} 0"), "{said}");
    assert!(!said.contains("sceau_gate_service_up{service=\"https"), "nobody called yet: {said}");
    sample(&said, "sceau_gate_certificate_days_left{place=\"outgoing 1, tls.certificate\"");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_and_does_not_read_leaves_the_place_to_others() {
    use std::io::Write as _;
    let stage = watched("").await;
    let at = stage.observed.unwrap();
    let blind = tokio::task::spawn_blocking(move || {
        (0..32)
            .map(|_| {
                let mut stream = std::net::TcpStream::connect(at).unwrap();
                stream.set_nonblocking(true).unwrap();
                // As many questions as it takes, until the answers wait for a reader.
                let questions = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(3000);
                let mut left = questions.as_bytes();
                while let Ok(count @ 1..) = stream.write(left) {
                    left = &left[count..];
                }
                stream
            })
            .collect::<Vec<_>>()
    });
    let blind = blind.await.unwrap();
    let said = look(at, "/metrics", "-m 15").await;
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    drop(blind);
    drop(stage.stop().await);
}
