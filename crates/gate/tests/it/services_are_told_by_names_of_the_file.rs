//! The file chooses under which names services are told who calls; nobody else says anything under them, on any route.

use crate::{
    outside::{Stage, chain, run, usual},
    services_speak_http_2::{lie_after_a_body, listening},
};

/// The usual file without lists, with this for its guarded route and this at its end; the open route stays.
fn text(upstream: std::net::SocketAddr, route: &str, end: &str) -> String {
    let text = usual(upstream, &[]).replace("revocation_lists = []\n", "");
    text.replacen("clients = \"recette\"\n", &format!("clients = \"recette\"\n{route}"), 1) + end
}

/// What the service read, a header a line.
async fn told(stage: &Stage, path: &str, words: &str) -> String {
    let answer = stage.curl(path, words).await;
    let (head, seen) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200"), "{answer}");
    seen.to_owned()
}

fn value<'a>(seen: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = seen.lines().filter_map(|line| line.split_once(": "));
    let value = lines.find(|(said, _)| said.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    assert!(!lines.any(|(said, _)| said.eq_ignore_ascii_case(name)), "{name} twice: {seen}");
    value
}

const CHOSEN: &str = "[identity]\nheaders = { subject = true, issuer = \"X-Issuer\", serial = \"X-Serial\", fingerprint = \"X-Print\", verdict = true, \
    common_name = \"X-Name\", organizational_units = \"X-Unit\", certificate = false, forwarded_for = \"X-From\", request_id = \"X-Id\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_told_under_the_name_that_is_chosen_or_not_at_all() {
    let own = "headers = { verdict = \"X-Verdict\", chain = \"X-Way\", issuer = false }\n";
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| text(upstream, own, CHOSEN)).await;
    let shown = |words: &str| run(chain(), "openssl", &format!("x509 -in known.pem -noout {words}"));
    let serial = shown("-serial").trim().trim_start_matches("serial=").to_ascii_lowercase();
    let print = shown("-fingerprint -sha256")
        .trim()
        .rsplit_once('=')
        .unwrap()
        .1
        .replace(':', "")
        .to_ascii_lowercase();
    for version in ["--http1.1 --tls-max 1.2", "--http2"] {
        let seen = told(&stage, "/mtls-protect/a", &format!("{version} {}", Stage::as_client("known"))).await;
        for (name, said) in [
            ("x-ssl-client-s-dn", Some("CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR")),
            ("x-issuer", None),
            ("x-serial", Some(serial.as_str())),
            ("x-print", Some(print.as_str())),
            ("x-verdict", Some("SUCCESS")),
            ("x-ssl-client-verify", None),
            ("x-name", Some("sas-agregateur-recette")),
            ("x-unit", Some("499700234190004")),
            ("client-cert", None),
            ("client-cert-chain", None),
            ("x-from", Some("127.0.0.1")),
            ("x-forwarded-for", None),
            ("x-request-id", None),
            ("x-ssl-client-environment", None),
        ] {
            assert_eq!(value(&seen, name), said, "{name}: {seen}");
        }
        assert!(value(&seen, "x-way").is_some_and(|way| way.starts_with(':')), "{seen}");
        assert!(value(&seen, "x-id").is_some_and(|id| id.len() == 36), "{seen}");
    }
    // Where nobody is asked, nothing is said of anybody.
    let seen = told(&stage, "/public", &Stage::as_client("known")).await;
    assert_eq!(value(&seen, "x-from"), Some("127.0.0.1"));
    for name in ["x-name", "x-ssl-client-s-dn", "x-ssl-client-verify", "x-verdict", "x-serial", "x-issuer"] {
        assert_eq!(value(&seen, name), None, "{seen}");
    }
    drop(stage.stop().await);
}

/// Under each name, and each that some server takes for it, in headers and after the body, over both versions, on both routes; the usual names too, which are
/// off or another's now.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_by_a_chosen_name_who_one_is() {
    let own = "headers = { environment = \"X-Env\" }\n";
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| text(upstream, own, CHOSEN)).await;
    let names = [
        "X-Issuer",
        "x_issuer",
        "X.Issuer",
        "X-Serial",
        "X~Serial",
        "X-Print",
        "X-Name",
        "X_Name",
        "X-Unit",
        "X-Env",
        "x_env",
        "X-From",
        "X-Id",
        "X-SSL-Client-S-DN",
        "x_ssl_client_s_dn",
        "X-SSL-Client-Verify",
        "Client-Cert",
        "Client-Cert-Chain",
        "X-Forwarded-For",
        "X-Request-Id",
        "Sceau-Assertion",
        "X-SSL-Client-CN",
    ];
    let lies: Vec<_> = names.iter().map(|name| format!("-H {name}:forged")).collect();
    let lies = format!("{} -H Connection:X-Name,X-SSL-Client-S-DN", lies.join(" "));
    for version in ["--http1.1 --tls-max 1.2", "--http2"] {
        for (path, who) in [("/mtls-protect/a", Stage::as_client("known")), ("/public", String::new())] {
            let lies = if version == "--http2" {
                lies.replace(" -H Connection:X-Name,X-SSL-Client-S-DN", "")
            } else {
                lies.clone()
            };
            let seen = told(&stage, path, &format!("{version} {lies} {who}")).await;
            assert!(!seen.contains("forged"), "{path} {version}: {seen}");
            let name = value(&seen, "x-name");
            assert_eq!(name.is_some(), path != "/public", "{seen}");
        }
    }
    // What was chosen before is no longer, and then anybody's own again.
    stage.write(&text(stage.upstream, "", ""));
    stage.reload.ask().await.unwrap();
    let seen = told(&stage, "/public", "-H X-Name:mine -H X-Env:mine -H Client-Cert:forged").await;
    assert_eq!((value(&seen, "x-name"), value(&seen, "x-env")), (Some("mine"), Some("mine")));
    assert!(!seen.contains("forged"), "{seen}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_so_after_a_body_either() {
    let (service, mut heard) = listening().await;
    let stage = Stage::with(tempfile::tempdir().unwrap(), |_| text(service, "", CHOSEN)).await;
    let names = ["x-sum", "x-name", "x_name", "x-ssl-client-s-dn", "x-from"];
    lie_after_a_body(stage.address, "/public", &names).await;
    let read = heard.recv().await.unwrap();
    let (_, after) = read.split_once("body\r\n0\r\n").unwrap();
    assert_eq!(after, "x-sum: lie\r\n\r\n");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_writes_no_other_header_and_reads_as_rfc_4514_has_it() {
    let anybody = |upstream| {
        let text = text(upstream, "", CHOSEN);
        let (before, after) = text.split_once("[[clients.recette.allow]]").unwrap();
        before.to_owned() + after.split_once("]\n").unwrap().1
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), anybody).await;
    let seen = told(&stage, "/mtls-protect/a", &Stage::as_client("turning")).await;
    assert_eq!(value(&seen, "x-name"), Some("\\c3\\89lise\\e2\\80\\aeb"));
    assert_eq!(value(&seen, "x-ssl-client-s-dn"), Some("CN=\\c3\\89lise\\e2\\80\\aeb"));
    assert_eq!(value(&seen, "x-unit"), None);
    let seen = told(&stage, "/mtls-protect/a", &Stage::as_client("injecting")).await;
    assert_eq!(value(&seen, "evil"), None);
    let shown = run(chain(), "openssl", "x509 -in injecting.pem -noout -subject -nameopt RFC2253");
    assert!(value(&seen, "x-name").is_some_and(|name| name.contains("evil: y\\\"")), "{seen} {shown}");
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profiles_environment_is_told() {
    let at = chain().display().to_string();
    let by_profile = |upstream| {
        let text = usual(upstream, &[]);
        let (before, _) = text.split_once("[clients.recette]").unwrap();
        format!(
            "{before}[clients.recette]\nprofile = \"sas\"\nenvironment = [\"preproduction\", \"recette\"]\nanchors = [\"{at}/root.pem\"]\nissuer = \"{at}/authority.pem\"\n\
             revocation_lists = [\"{at}/root.crl\", \"{at}/authority.crl\"]\naddresses = \"any\"\n[identity]\nheaders = {{ environment = true }}\n"
        )
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), by_profile).await;
    let seen = told(&stage, "/mtls-protect/a", &Stage::as_client("known")).await;
    assert_eq!(value(&seen, "x-ssl-client-environment"), Some("recette"));
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_cannot_be_chosen_are_refused_whole() {
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| text(upstream, "", "")).await;
    let of_http = "HTTP itself, a trace or a proof reads this header";
    let twice = "two headers would have one name";
    for (headers, said) in [
        ("subject = \"X Y\"", "a header's name has letters"),
        ("subject = \"X-Y:\"", "a header's name has letters"),
        ("subject = \"\"", "a header's name has letters"),
        ("subject = \"Connection\"", of_http),
        ("subject = \"Transfer-Encoding\"", of_http),
        ("subject = \"transfer_encoding\"", of_http),
        ("subject = \"Content_Length\"", of_http),
        ("subject = \"Host\"", of_http),
        ("subject = \"TE\"", of_http),
        ("subject = \"Upgrade\"", of_http),
        ("subject = \"Keep-Alive\"", of_http),
        ("subject = \"Authorization\"", of_http),
        ("subject = \"Cookie\"", of_http),
        ("subject = \"Traceparent\"", of_http),
        ("subject = \"Sec-WebSocket-Key\"", of_http),
        ("subject = \"Expect\"", of_http),
        ("subject = \"X-A\", serial = \"x-a\"", twice),
        ("subject = \"X-A\", serial = \"X_A\"", twice),
        ("subject = \"Client-Cert\"", twice),
        ("serial = \"X-Request-Id\"", twice),
        ("name = \"X-A\"", "unknown variant"),
        ("subject = 1", "a header's name, `true` for the usual one, or `false`"),
    ] {
        let own = format!("headers = {{ {headers} }}\n");
        stage.refuses(&text(stage.upstream, &own, ""), said).await;
        stage.refuses(&text(stage.upstream, "", &format!("[identity]\n{own}")), said).await;
    }
    let own = "headers = { subject = \"Connection\" }\n";
    stage.refuses(&text(stage.upstream, own, ""), "listener 1, route 1, headers").await;
    drop(stage.stop().await);
}
