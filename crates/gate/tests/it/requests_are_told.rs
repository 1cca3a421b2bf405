//! The access log and traces: what is told of requests that curl sent, and what is not.

use std::{fs, net::SocketAddr, time::Instant};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};

use crate::{
    kept::Kept,
    outside::{Stage, chain, run, usual},
};

async fn stage(settings: &str) -> Stage {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let observe = format!("[observe]\naddress = \"127.0.0.1:0\"\n{settings}");
    Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists) + &observe).await
}

/// So many lines of a log, once they are there.
fn lines(stage: &Stage, file: &str, count: usize) -> (String, Vec<Value>) {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(stage.folder().join(file)).unwrap_or_default();
        if text.lines().count() >= count && text.ends_with('\n') {
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), count, "{text}");
            return (text, lines);
        }
        assert!(begun.elapsed().as_secs() < 10, "{text}");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_leaves_a_line_without_what_it_carries() {
    let stage = stage("access_log = \"access.jsonl\"\n").await;
    let known = Stage::as_client("known");
    let words = "-H authorization:hidden-1 -H cookie:hidden-2 --data hidden-3";
    let said = stage.curl("/mtls-protect/a?token=hidden-4", &format!("{known} {words}")).await;
    let id = said.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().trim().to_owned();
    stage.curl("/mtls-protect/a", &Stage::as_client("injecting")).await;
    stage.curl("/public", "--tls-max 1.2 --http1.1").await;
    let (text, lines) = lines(&stage, "access.jsonl", 3);
    assert!(!text.contains("hidden"), "{text}");
    assert!(text.bytes().all(|octet| octet == b'\n' || (0x20..0x7f).contains(&octet)), "{text}");

    let first = &lines[0];
    assert_eq!(first["request"], id);
    for (field, value) in [
        ("method", Value::from("POST")),
        ("path", "/mtls-protect/a".into()),
        ("route", "/mtls-protect/".into()),
        ("from", "127.0.0.1".into()),
        ("status", 200.into()),
        ("protocol", "HTTP/2.0".into()),
        ("tls", "1.3".into()),
        ("resumed", false.into()),
        ("whole", true.into()),
        ("received", 8.into()),
        ("service", format!("http://{}", stage.upstream).into()),
    ] {
        assert_eq!(first[field], value, "{field}: {first}");
    }
    assert!(first["sent"].as_u64().unwrap() > 100 && first["seconds"].as_f64().unwrap() > 0.0, "{first}");
    assert!(first["time"].as_str().unwrap().starts_with("20") && first.get("code").is_none(), "{first}");
    let client = &first["client"];
    assert_eq!(client["common_name"], "sas-agregateur-recette", "{client}");
    assert_eq!(client["organizational_units"], serde_json::json!(["499700234190004"]));
    let serial = format!("x509 -in {}/known.pem -noout -serial", chain().display());
    let serial = run(chain(), "openssl", &serial).trim().replace("serial=", "").to_ascii_lowercase();
    assert!(client["serial"].as_str().unwrap().to_ascii_lowercase().ends_with(&serial), "{client} {serial}");
    assert!(client["believed"].as_bool().unwrap() && !client["unchecked"].as_bool().unwrap(), "{client}");

    let refused = &lines[1];
    assert_eq!((&refused["status"], &refused["code"]), (&403.into(), &"client_unknown".into()), "{refused}");
    assert_eq!(refused["client"]["common_name"], "x\r\nevil: y\"", "whole, and on one line: {text}");
    assert!(!refused["client"]["believed"].as_bool().unwrap() && refused.get("service").is_none());
    let open = &lines[2];
    assert!(open["tls"] == "1.2" && open["protocol"] == "HTTP/1.1" && open.get("client").is_none(), "{open}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_opened_again_when_it_was_moved_away_and_queries_are_told_where_that_is_asked() {
    let stage = stage("access_log = \"access.jsonl\"\nqueries = true\n").await;
    stage.curl("/public?a=1", "").await;
    lines(&stage, "access.jsonl", 1);
    fs::rename(stage.folder().join("access.jsonl"), stage.folder().join("access.jsonl.1")).unwrap();
    // As whoever keeps logs does it, even while the file of the gate is wrong.
    stage.refuses("nothing", "the configuration cannot be read").await;
    stage.curl("/public?b=2", "").await;
    let (_, after) = lines(&stage, "access.jsonl", 1);
    assert_eq!(after[0]["query"], "b=2");
    let (_, before) = lines(&stage, "access.jsonl.1", 1);
    assert_eq!(before[0]["query"], "a=1");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_holds_up_nobody_and_is_told() {
    let stage = stage("access_log = \"/dev/full\"\ntraces = \"http://127.0.0.1:9\"\n").await;
    let mut known = Kept::open(stage.address, "known", "");
    let begun = Instant::now();
    loop {
        assert_eq!(known.get("/mtls-protect/a").await.0, "200");
        let words = format!("-sS http://{}/metrics", stage.observed.unwrap());
        let said = tokio::task::spawn_blocking(move || run(chain(), "curl", &words)).await.unwrap();
        let lost = |name: &str| said.lines().any(|line| line.starts_with(name) && !line.ends_with(" 0"));
        if lost("sceau_gate_access_log_lost_lines_total ") && lost("sceau_gate_spans_total{outcome=\"lost\"}")
        {
            break;
        }
        assert!(begun.elapsed().as_secs() < 10, "{said}");
    }
    drop(stage.stop().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    let lists: [String; 0] = [];
    let settings = usual(SocketAddr::from(([127, 0, 0, 1], 9)), &lists);
    fs::write(&file, settings + "[observe]\naccess_log = \"nowhere/access.jsonl\"\n").unwrap();
    let started = sceau_gate::Gate::new(sceau_gate::Plan::read(&file).unwrap()).listen().await;
    assert!(started.unwrap_err().to_string().starts_with("observe, access_log: "), "told at the start");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_requests_are_told_before_the_gate_ends() {
    let (collector, mut sent) = collector().await;
    let stage = stage(&format!("access_log = \"access.jsonl\"\ntraces = \"http://{collector}\"\n")).await;
    for _ in 0..20 {
        stage.curl("/public", "").await;
    }
    let folder = stage.stop().await;
    assert_eq!(fs::read_to_string(folder.path().join("access.jsonl")).unwrap().lines().count(), 20);
    let mut spans = 0;
    while let Ok((_, body)) = sent.try_recv() {
        spans += body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().len();
    }
    assert_eq!(spans, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_takes_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "mkfifo", "log");
    // Open, and never read: after some hundred lines, whoever writes there waits.
    let taker = fs::OpenOptions::new().read(true).write(true).open(folder.path().join("log")).unwrap();
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\naccess_log = \"log\"\n";
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let stage = Stage::with(folder, |upstream| usual(upstream, &lists) + observe).await;
    let mut known = Kept::open(stage.address, "known", "");
    for _ in 0..400 {
        assert_eq!(known.get("/mtls-protect/a").await.0, "200");
    }
    drop(taker);
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_the_answer_leaves_a_line_too() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let lists: [String; 0] = [];
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\naccess_log = \"access.jsonl\"\n";
    let stage = Stage::with(tempfile::tempdir().unwrap(), |_| usual(address, &lists) + observe).await;
    let mut known = Kept::open(stage.address, "known", "");
    known.say("GET /mtls-protect/a HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    // The service has it, and says nothing.
    let held = silent.accept().await.unwrap();
    drop(known);
    let (_, lines) = lines(&stage, "access.jsonl", 1);
    assert!(lines[0]["status"].is_null() && !lines[0]["whole"].as_bool().unwrap(), "{}", lines[0]);
    assert_eq!(lines[0]["client"]["common_name"], "sas-agregateur-recette");
    let words = format!("-sS http://{}/metrics", stage.observed.unwrap());
    let said = tokio::task::spawn_blocking(move || run(chain(), "curl", &words)).await.unwrap();
    assert!(said.lines().any(|line| line.contains("status=\"none\"") && line.ends_with(" 1")), "{said}");
    drop(held);
    drop(stage.stop().await);
}

/// A collector: the bodies that it is sent.
pub(crate) async fn collector() -> (SocketAddr, mpsc::UnboundedReceiver<(String, Value)>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (into, from)) = (socket.local_addr().unwrap(), mpsc::unbounded_channel());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let mut read = Vec::new();
            let body = loop {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0);
                let said = String::from_utf8_lossy(&read);
                let Some((head, body)) = said.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                if body.len() >= length.parse().unwrap() {
                    break (head.to_owned(), serde_json::from_str(body).unwrap());
                }
            };
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            into.send(body).unwrap();
        }
    });
    (address, from)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_through_the_gate_to_the_service_and_to_the_collector() {
    let (collector, mut sent) = collector().await;
    let stage = stage(&format!("traces = \"http://{collector}\"\n")).await;
    let known = Stage::as_client("known");
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let words = format!("{known} -H traceparent:00-{trace}-{parent}-01 -H tracestate:a=b");
    let seen = stage.curl("/mtls-protect/a?secret", &words).await;
    let said = seen.lines().find_map(|line| line.strip_prefix("traceparent: ")).unwrap().trim().to_owned();
    assert!(
        said.starts_with(&format!("00-{trace}-")) && said.ends_with("-01") && !said.contains(parent),
        "{said}"
    );
    assert!(seen.contains("tracestate: a=b"), "{seen}");
    // Whoever began it does not want it: the service is told so, and nobody else.
    stage.curl("/mtls-protect/a", &format!("{known} -H traceparent:00-{trace}-{parent}-00")).await;
    let begun = stage.curl("/public", "-H tracestate:a=b").await;
    assert!(begun.contains("traceparent: 00-") && !begun.contains("tracestate"), "{begun}");

    let mut spans: Vec<Value> = Vec::new();
    while spans.len() < 2 {
        let (head, body) =
            tokio::time::timeout(std::time::Duration::from_secs(10), sent.recv()).await.unwrap().unwrap();
        assert!(
            head.starts_with("POST /v1/traces HTTP/1.1\r\n") && !body.to_string().contains("secret"),
            "{head}"
        );
        spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
    }
    let span = spans.iter().find(|span| span["traceId"] == trace).unwrap();
    assert_eq!(said, format!("00-{trace}-{}-01", span["spanId"].as_str().unwrap()));
    assert_eq!(span["parentSpanId"], parent);
    assert_eq!((&span["name"], &span["kind"]), (&"GET /mtls-protect/".into(), &2.into()), "{span}");
    let attributes = span["attributes"].to_string();
    for part in
        ["\"http.route\"", "\"200\"", "\"tls.protocol.version\"", "\"/mtls-protect/a\"", "\"server.port\""]
    {
        assert!(attributes.contains(part), "{part}: {attributes}");
    }
    assert_eq!(spans.len(), 2, "not the one that is not sampled: {spans:?}");
    assert!(spans.iter().any(|span| span["parentSpanId"] == ""), "and one that begins here");
    drop(stage.stop().await);
}
