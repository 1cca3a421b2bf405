//! The nine causes for which a certificate proves nothing, and the two for which a known client's is not taken, are told apart, each alike in the answer's headers
//! and body, in the access log, among the counts and on the page.

use std::{collections::BTreeSet, fs, net::SocketAddr};

use serde_json::Value;

use crate::{
    outside::{Stage, chain, usual},
    policies_types_and_depth_are_asked::{POLICY, TYPE, as_made},
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
/// The same of certificates that a table refuses which demands more: the status and its name in the body besides.
const DEMANDED: [(&str, &str, &str, &str, &str, &str); 3] = [
    (
        "below_two",
        "401",
        "certificate_chain_too_long",
        "more authorities stand between the certificate and one that is trusted than are taken here",
        "Unauthorized",
        "FAILED:certificate chain too long",
    ),
    (
        "type",
        "403",
        "certificate_wrong_policy",
        "this client's certificate is not one that is taken here: it was issued under none of the policies that are asked for",
        "Forbidden",
        "SUCCESS",
    ),
    (
        "policy",
        "403",
        "certificate_wrong_type",
        "this client's certificate is not one that is taken here: it is of none of the types that are asked for",
        "Forbidden",
        "SUCCESS",
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

/// The usual gate, watched, with a route whose table demands a policy, a type and a short chain.
fn text(upstream: SocketAddr) -> String {
    let at = chain().display();
    let lists = ["root", "authority"].map(|name| format!("{at}/{name}.crl"));
    format!(
        "{}[observe]\naddress = \"127.0.0.1:0\"\naccess_log = \"access.jsonl\"\n[clients.demanding]\nanchors = [\"{at}/root.pem\"]\n\
         intermediates = [\"{at}/authority.pem\"]\ndepth = 1\npolicies = [\"{POLICY}\"]\ntypes = [{{ extension = \"{TYPE}\", text = \"AUTH_CLI\" }}]\n",
        usual(upstream, &lists).replacen(
            "[[listener.route]]\n",
            &format!("[[listener.route]]\npath = \"/demanding/\"\nupstream = \"http://{upstream}\"\nclients = \"demanding\"\n[[listener.route]]\n"),
            1
        )
    )
}

/// A request that was refused.
struct Refused {
    id: String,
    status: u16,
    code: &'static str,
    clients: &'static str,
}

/// Each request that was refused as its answer had to say.
async fn refused(stage: &Stage) -> Vec<Refused> {
    let usual = CAUSES.iter().map(|(client, code, reason, verify)| {
        let shown = if client.is_empty() { String::new() } else { Stage::as_client(client) };
        (shown, ("recette", "/mtls-protect/a"), *client, "401", *code, *reason, "Unauthorized", *verify)
    });
    let demanded = DEMANDED.iter().map(|(client, status, code, reason, kind, verify)| {
        (as_made(client), ("demanding", "/demanding/a"), *client, *status, *code, *reason, *kind, *verify)
    });
    let mut all = Vec::new();
    for (shown, (clients, path), client, status, code, reason, kind, verify) in usual.chain(demanded) {
        let name = if client.is_empty() { "" } else { "sas-agregateur-recette" };
        for version in VERSIONS {
            let answer = stage.curl(path, &format!("{version} {shown}")).await;
            assert_eq!(answer.split_whitespace().nth(1), Some(status), "{client} {version}: {answer}");
            assert_eq!(header(&answer, "sceau-code"), code, "{client} {version}");
            assert_eq!(header(&answer, "sceau-reason"), reason, "{client} {version}");
            assert_eq!(header(&answer, "content-type"), "application/json", "{client} {version}");
            let body = format!(r#"{{"status": "KO:{kind}", "verify": "{verify}", "CN": "{name}"}}"#);
            assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{client} {version}");
            let id = header(&answer, "x-request-id").to_owned();
            all.push(Refused { id, status: status.parse().unwrap(), code, clients });
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_is_told_alike_everywhere() {
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    let all = refused(&stage).await;
    let codes: BTreeSet<_> = all.iter().map(|one| one.code).collect();
    assert_eq!(codes.len(), CAUSES.len() + DEMANDED.len(), "no two are told as one");
    // Some pass among them, so that a gate which refuses everybody is no proof.
    assert!(stage.curl("/mtls-protect/a", &Stage::as_client("known")).await.contains(" 200"));
    assert!(stage.curl("/demanding/a", &as_made("both")).await.contains(" 200"));

    let said = metrics(&stage, (all.len() + 2) as f64).await;
    let counted: f64 = said
        .lines()
        .filter(|line| line.starts_with("sceau_gate_verdicts_total{") && !line.contains("\"passed\""))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert!((counted - all.len() as f64).abs() < f64::EPSILON, "under no other code: {said}");
    let is_counted = |clients: &str, code: &str, times: usize| {
        let begin = format!("sceau_gate_verdicts_total{{clients=\"{clients}\",code=\"{code}\"}}");
        assert!((sample(&said, &begin) - times as f64).abs() < f64::EPSILON, "{code}: {said}");
    };
    all.iter().for_each(|one| is_counted(one.clients, one.code, VERSIONS.len()));
    is_counted("recette", "passed", 1);
    is_counted("demanding", "passed", 1);

    let state = look(stage.observed.unwrap(), "/state.json", "").await;
    let state: Value = serde_json::from_str(state.split_once("\r\n\r\n").unwrap().1).unwrap();
    let noted = state["refusals"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap());
    let (mut noted, mut told): (Vec<_>, Vec<_>) = (noted.collect(), all.iter().map(|one| one.code).collect());
    noted.sort_unstable();
    told.sort_unstable();
    assert_eq!(noted, told, "each is on the page");

    // What was told is on disk when the gate has ended.
    let folder = stage.stop().await;
    let log = fs::read_to_string(folder.path().join("access.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), all.len() + 2, "{log}");
    for one in all {
        let line = lines.iter().find(|line| line["request"] == one.id.as_str()).unwrap();
        assert_eq!((&line["status"], &line["code"]), (&one.status.into(), &one.code.into()), "{line}");
    }
}
