//! Certificate, name, revocation and address, each refusal with its own code and the annex's body.

use crate::outside::{Stage, chain, run, usual};

/// The first line, the code and the body of an answer.
fn parts(answer: &str) -> (String, String, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().to_owned();
    let code = head.lines().find_map(|line| line.strip_prefix("sceau-code: ")).unwrap_or_default().to_owned();
    (status, code, body.to_owned())
}

fn refused(kind: &str, verify: &str, name: &str) -> String {
    format!(r#"{{"status": "KO:{kind}", "verify": "{verify}", "CN": "{name}"}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_is_told_apart_and_has_the_body_that_partners_read() {
    let stage = Stage::set().await;
    let name = "sas-agregateur-recette";
    for (who, status, code, body) in [
        ("", "401", "certificate_missing", refused("Unauthorized", "NONE", "")),
        ("unknown", "403", "client_unknown", refused("Forbidden", "SUCCESS", "xsas-agregateur-recette")),
        (
            "expired",
            "401",
            "certificate_expired",
            refused("Unauthorized", "FAILED:certificate has expired", name),
        ),
        (
            "revoked",
            "401",
            "certificate_revoked",
            refused("Unauthorized", "FAILED:certificate revoked", name),
        ),
        (
            "direct",
            "401",
            "certificate_wrong_issuer",
            refused("Unauthorized", "FAILED:unable to get local issuer certificate", name),
        ),
        (
            "foreign",
            "401",
            "certificate_untrusted",
            refused("Unauthorized", "FAILED:unable to get local issuer certificate", name),
        ),
        (
            "purpose",
            "401",
            "certificate_wrong_purpose",
            refused("Unauthorized", "FAILED:unsuitable certificate purpose", name),
        ),
    ] {
        for version in ["--http1.1 --tls-max 1.2", "--http2"] {
            let shown = if who.is_empty() { String::new() } else { Stage::as_client(who) };
            let answer = stage.curl("/mtls-protect/fhir", &format!("{version} {shown}")).await;
            let expected = (status.to_owned(), code.to_owned(), body.clone());
            assert_eq!(parts(&answer), expected, "{who} {version}");
            let (status, _, _) =
                parts(&stage.curl("/mtls-protect/check", &format!("{version} {shown}")).await);
            assert_eq!(status, "403", "{who} at the check");
            let (status, _, _) = parts(&stage.curl("/public", &format!("{version} {shown}")).await);
            assert_eq!(status, "200", "{who} where nobody is asked");
        }
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_client_is_forwarded_with_its_certificate_and_nothing_that_it_says_of_itself() {
    let stage = Stage::set().await;
    let lies = "-H X-Request-Id:mine -H Client-Cert::bGll: -H Client-Cert-Chain::bGll: -H client_cert:bGll -H X-Forwarded-For:10.0.0.1 -H Forwarded:for=10.0.0.1";
    let known = Stage::as_client("known");
    for version in ["--http1.1 --tls-max 1.2", "--http2"] {
        let answer = stage.curl("/mtls-protect/fhir?a=%2F", &format!("{version} {lies} {known}")).await;
        let (status, _, seen) = parts(&answer);
        assert_eq!(status, "200", "{answer}");
        let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        assert!(id.len() == 36 && seen.contains(id), "the service has the caller's id: {answer}");
        let seen = seen.to_ascii_lowercase();
        assert!(seen.starts_with("get /mtls-protect/fhir?a=%2f http/1.1\r\n"), "{seen}");
        assert!(seen.contains("client-cert: :") && !seen.contains("bgll"), "{seen}");
        assert!(
            seen.contains("client-cert-chain: :"),
            "the way that was verified, which curl did not send: {seen}"
        );
        assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && !seen.contains("10.0.0.1"), "{seen}");
        let open = stage.curl("/public", &format!("{version} {lies} {known}")).await;
        assert!(!parts(&open).2.to_ascii_lowercase().contains("client-cert"), "nobody was judged: {open}");
    }
    let check = parts(&stage.curl("/mtls-protect/check", &known).await);
    assert_eq!((check.0.as_str(), check.2.as_str()), ("200", r#"{"status": "available"}"#));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_leads_past_the_guard() {
    let stage = Stage::set().await;
    for path in [
        "/public/../mtls-protect/x",
        "/public/%2e%2e/mtls-protect/x",
        "/public/..%2fmtls-protect/x",
        "//mtls-protect/x",
        "/%6dtls-protect/x",
        "/mtls-protect;v=1/x",
        "/public\\..\\mtls-protect\\x",
        "/..",
        "/a%00",
    ] {
        let (status, code, _) = parts(&stage.curl(path, "").await);
        assert_eq!((status.as_str(), code.as_str()), ("400", "path_ambiguous"), "{path}");
    }
    let (status, code, _) = parts(&stage.curl("/mtls-protect/../public", "").await);
    assert_eq!((status.as_str(), code.as_str()), ("400", "path_ambiguous"));
    for path in ["/public/./x", "/public//x", "/a;b/x"] {
        assert_eq!(parts(&stage.curl(path, "").await).0, "200", "{path}: the same route either way");
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_tunnels_through() {
    let stage = Stage::set().await;
    let said = stage.tunnel().await;
    assert!(said.contains("405"), "{said}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_turns_a_line_around_is_told_harmlessly() {
    let observe = "[observe]\naddress = \"127.0.0.1:0\"\n";
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists) + observe).await;
    let answer = stage.curl("/mtls-protect/a", &Stage::as_client("turning")).await;
    assert!(answer.ends_with(&refused("Forbidden", "SUCCESS", "Élise\\u202eb")), "{answer}");
    let page = format!("-sS http://{}/state.json", stage.observed.unwrap());
    let page = tokio::task::spawn_blocking(move || run(chain(), "curl", &page)).await.unwrap();
    assert!(page.contains("\\u00c9lise\\u202eb") && page.is_ascii(), "{page}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_authority_publishes_changes_goes_by_the_complete_list() {
    let stage = Stage::set().await;
    let shown = run(chain(), "openssl", "x509 -in changes.pem -noout -ext freshestCRL");
    assert!(shown.contains("http://127.0.0.1:9/changes.crl"), "{shown}");
    let answer = stage.curl("/mtls-protect/a", &Stage::as_client("changes")).await;
    assert!(answer.contains(" 200"), "{answer}");
    drop(stage.stop().await);
}
