//! The bounded fail-open: an ended list is believed for as long as the operator allows, each request leaves a record first, and whoever was
//! taken back stays out.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    kept::Kept,
    lists::{List, publish},
    outside::{Stage, chain, usual},
    what_a_gate_does_is_seen::{look, metrics, sample},
};

/// A gate whose list of clients ended then, and names one client.
async fn stage(ended: &str, journal: &str) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let list = List::of_clients("05", &["revoked"]).dated("9 days ago", ended).make();
    publish(&folder.path().join("clients.crl"), &list);
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let open = format!("fail_open = {{ maximum_age = \"48h\", journal = \"{journal}\" }}\naddresses =");
    let text = |upstream| {
        usual(upstream, &lists).replace("addresses =", &open) + "[observe]\naddress = \"127.0.0.1:0\"\n"
    };
    Stage::with(folder, text).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_list_is_believed_for_a_while_with_a_record_for_each_request() {
    let stage = stage("1 hour ago", "unchecked.jsonl").await;
    let journal = stage.folder().join("unchecked.jsonl");
    let records = || fs::read_to_string(&journal).unwrap();
    let mut known = Kept::open(stage.address, "known", "");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (status, head) = known.get("/mtls-protect/a").await;
        assert_eq!(status, "200", "{head}");
        ids.push(head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned());
    }
    let lines = records();
    assert_eq!(lines.lines().count(), 2, "{lines}");
    for (line, id) in lines.lines().zip(&ids) {
        assert!(line.contains(id) && line.contains("sas-agregateur-recette"), "{line}");
        assert!(
            line.contains("\"clients\":\"recette\"") && line.contains("\"from\":\"127.0.0.1\""),
            "{line}"
        );
    }
    for (client, status, code) in [
        ("revoked", "401", "certificate_revoked"),
        ("unknown", "403", "client_unknown"),
        ("foreign", "401", "certificate_untrusted"),
    ] {
        let (said, head) = Kept::open(stage.address, client, "").get("/mtls-protect/a").await;
        assert!(said == status && head.contains(code), "{client}: {head}");
    }
    assert_eq!(records(), lines, "who is refused leaves none");
    // As many as alarms are set on.
    let unchecked = async |requests: f64| {
        sample(&metrics(&stage, requests).await, "sceau_gate_unchecked_total{clients=\"recette\"}")
    };
    assert!((unchecked(5.0).await - 2.0).abs() < f64::EPSILON);

    let lie =
        format!("{} -H sceau-revocation:checked -H sceau_revocation:checked", Stage::as_client("known"));
    let seen = stage.curl("/mtls-protect/a", &lie).await;
    assert!(seen.contains("sceau-revocation: unchecked") && !seen.contains(": checked"), "{seen}");
    publish(&stage.folder().join("clients.crl"), &List::of_clients("06", &["revoked"]).make());
    let changed = Instant::now();
    while stage.curl("/mtls-protect/a", &lie).await.contains("sceau-revocation") {
        assert!(changed.elapsed().as_secs() < 10, "it arms itself again");
    }
    let before = records();
    assert_eq!(known.get("/mtls-protect/a").await.0, "200");
    assert_eq!(records(), before, "a list speaks: nothing to record");
    let said = look(stage.observed.unwrap(), "/metrics", "").await;
    let unchecked = sample(&said, "sceau_gate_unchecked_total{clients=\"recette\"}");
    assert_eq!(unchecked, before.lines().count() as f64, "each that left a record, and no other: {said}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_that_while_or_without_a_record_nobody_passes() {
    for (ended, journal) in [("49 hours ago", "unchecked.jsonl"), ("1 hour ago", "/dev/full")] {
        let stage = stage(ended, journal).await;
        let (status, head) = Kept::open(stage.address, "known", "").get("/mtls-protect/a").await;
        assert!(
            status == "401" && head.contains("certificate_revocation_unknown"),
            "{ended} {journal}: {head}"
        );
        drop(stage.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_warns_of_requests_that_pass_so() {
    let folder = tempfile::tempdir().unwrap();
    let list = List::of_clients("05", &["revoked"]).dated("9 days ago", "1 hour ago").make();
    publish(&folder.path().join("clients.crl"), &list);
    let lists = [format!("{}/root.crl", chain().display()), "clients.crl".to_owned()];
    let open = "fail_open = { maximum_age = \"48h\", journal = \"unchecked.jsonl\" }\naddresses =";
    let text = usual(crate::outside::upstream().await, &lists).replace("addresses =", open);
    fs::write(folder.path().join("gate.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sceau-gate"));
    command.args(["run", "--die-with-parent"]).current_dir(folder.path()).env("NO_COLOR", "1");
    let mut gate = Ended(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut ready = String::new();
    BufReader::new(gate.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let address = ready["addresses"][0].as_str().unwrap().parse().unwrap();
    for _ in 0..3 {
        assert_eq!(Kept::open(address, "known", "").get("/mtls-protect/a").await.0, "200");
    }
    let log = BufReader::new(gate.0.stderr.take().unwrap());
    drop(gate);
    let log: Vec<String> = log.lines().map_while(Result::ok).collect();
    let warned: Vec<&String> = log.iter().filter(|line| line.contains("no current list speaks")).collect();
    assert_eq!(warned.len(), 1, "once a minute: {log:?}");
    for word in ["WARN", "recette", "count=1", "unchecked.jsonl"] {
        assert!(warned[0].contains(word), "{word}: {warned:?}");
    }
}

/// A program that ends with the test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
