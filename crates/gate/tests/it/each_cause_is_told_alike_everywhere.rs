//! The eight causes for which a certificate proves nothing are told apart, each alike in the answer's headers and body, in the access log, among the
//! counts and on the page.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::{
    outside::{Stage, chain, usual},
    what_a_gate_does_is_seen::{look, metrics, sample},
};

/// Why a certificate that OpenSSL made is refused: who shows it, the code, the reason and what the body says of it.
const CAUSES: [(&str, &str, &str, &str); 8] = [
    (
        "",
        "certificate_missing",
        "no certificate was presented: import yours into the browser and choose it when asked",
        "NONE",
    ),
    (
        "foreign",
        "certificate_untrusted",
        "the certificate was not issued by an authority that is trusted here",
        "FAILED:unable to get local issuer certificate",
    ),
    (
        "expired",
        "certificate_expired",
        "the certificate has expired: ask for a new one",
        "FAILED:certificate has expired",
    ),
    (
        "future",
        "certificate_not_yet_valid",
        "the certificate is not valid yet: check the clocks",
        "FAILED:certificate is not yet valid",
    ),
    (
        "revoked",
        "certificate_revoked",
        "the certificate was revoked by its issuer",
        "FAILED:certificate revoked",
    ),
    (
        "critical",
        "certificate_unknown_critical_extension",
        "the certificate has a critical extension that is not understood here",
        "FAILED:unhandled critical extension",
    ),
    (
        "purpose",
        "certificate_wrong_purpose",
        "the certificate is not made for authenticating a client",
        "FAILED:unsuitable certificate purpose",
    ),
    (
        "direct",
        "certificate_wrong_issuer",
        "the certificate was issued by another authority than the one that issues clients here",
        "FAILED:unable to get local issuer certificate",
    ),
];
const VERSIONS: [&str; 2] = ["--http1.1 --tls-max 1.2", "--http2"];

/// A header's value in an answer as curl shows it; the header stands there once.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let found: Vec<_> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(said, _)| said.eq_ignore_ascii_case(name))
        .collect();
    assert_eq!(found.len(), 1, "{name}: {answer}");
    found[0].1
}

/// The id of each request that was refused, with the code that its answer had to say.
async fn refused(stage: &Stage) -> Vec<(String, &'static str)> {
    let mut ids = Vec::new();
    for (client, code, reason, verify) in CAUSES {
        let shown = if client.is_empty() { String::new() } else { Stage::as_client(client) };
        let name = if client.is_empty() { "" } else { "sas-agregateur-recette" };
        for version in VERSIONS {
            let answer = stage.curl("/mtls-protect/a", &format!("{version} {shown}")).await;
            assert_eq!(answer.split_whitespace().nth(1), Some("401"), "{client} {version}: {answer}");
            assert_eq!(header(&answer, "sceau-code"), code, "{client} {version}");
            assert_eq!(header(&answer, "sceau-reason"), reason, "{client} {version}");
            assert_eq!(header(&answer, "content-type"), "application/json", "{client} {version}");
            let body = format!(r#"{{"status": "KO:Unauthorized", "verify": "{verify}", "CN": "{name}"}}"#);
            assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{client} {version}");
            ids.push((header(&answer, "x-request-id").to_owned(), code));
        }
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_is_told_alike_everywhere() {
    let codes: BTreeSet<_> = CAUSES.iter().map(|(_, code, ..)| code).collect();
    assert_eq!(codes.len(), CAUSES.len(), "no two are told as one");
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\naccess_log = \"access.jsonl\"\n";
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists) + observe).await;
    let ids = refused(&stage).await;
    // One that passes among them, so that a gate which refuses everybody is no proof.
    assert!(stage.curl("/mtls-protect/a", &Stage::as_client("known")).await.contains(" 200"));

    let each = VERSIONS.len();
    let said = metrics(&stage, (ids.len() + 1) as f64).await;
    let of_guard = "sceau_gate_verdicts_total{clients=\"recette\",code=";
    let counted: f64 = said
        .lines()
        .filter(|line| line.starts_with(of_guard) && !line.contains("\"passed\""))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert!((counted - ids.len() as f64).abs() < f64::EPSILON, "under no other code: {said}");
    for (_, code, ..) in CAUSES {
        let value = sample(&said, &format!("{of_guard}\"{code}\"}}"));
        assert!((value - each as f64).abs() < f64::EPSILON, "{code}: {said}");
    }
    assert!((sample(&said, &format!("{of_guard}\"passed\"}}")) - 1.0).abs() < f64::EPSILON, "{said}");

    let state = look(stage.observed.unwrap(), "/state.json", "").await;
    let state: Value = serde_json::from_str(state.split_once("\r\n\r\n").unwrap().1).unwrap();
    let noted = state["refusals"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap());
    let (mut noted, mut told): (Vec<_>, Vec<_>) =
        (noted.collect(), ids.iter().map(|(_, code)| *code).collect());
    noted.sort_unstable();
    told.sort_unstable();
    assert_eq!(noted, told, "each is on the page");

    // What was told is on disk when the gate has ended.
    let folder = stage.stop().await;
    let log = fs::read_to_string(folder.path().join("access.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), ids.len() + 1, "{log}");
    for (id, code) in ids {
        let line = lines.iter().find(|line| line["request"] == id.as_str()).unwrap();
        assert_eq!((&line["status"], &line["code"]), (&401.into(), &code.into()), "{line}");
    }
}
