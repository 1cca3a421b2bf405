//! The settings of `sceau cert config` in the real nginx, Apache and HAProxy of Debian, called by curl.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::others::{apache, called_from, free_port, haproxy, nginx, service, settings, stage};
use crate::support::{Desk, Ran, finish};

/// Status and body of an answer to this client; `tls` where the handshake is refused.
fn call(desk: &Desk, port: u16, path: &str, client: Option<&str>) -> (String, String) {
    call_from(desk, port, path, client, "127.0.0.1")
}

/// The same from an address of this machine's.
fn call_from(desk: &Desk, port: u16, path: &str, client: Option<&str>, address: &str) -> (String, String) {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--cacert",
        "root.pem",
        "--path-as-is",
        "--interface",
        address,
        "--write-out",
        "\n%{http_code}",
    ]);
    if let Some(name) = client {
        command.args(["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")]);
    }
    command.arg(format!("https://127.0.0.1:{port}{path}")).current_dir(desk.path(""));
    let ran: Ran = finish(command);
    let text = ran.text();
    let (body, status) = text.rsplit_once('\n').unwrap();
    if status == "000" { ("tls".to_owned(), ran.stderr) } else { (status.to_owned(), body.to_owned()) }
}

/// What each client must be answered at `/sas/x`; `refused` stands for 401, or for a TLS alert where the server can do no better.
const EXPECTED: [(Option<&str>, &str); 18] = [
    (Some("recette"), "200"),
    (Some("preproduction"), "200"),
    (None, "401"),
    (Some("taken"), "refused"),
    (Some("expired"), "refused"),
    (Some("self"), "refused"),
    (Some("wrong"), "refused"),
    (Some("anchor"), "issuer"),
    (Some("longer"), "403"),
    (Some("before"), "403"),
    (Some("comma"), "403"),
    (Some("unit"), "403"),
    (Some("digit"), "403"),
    (Some("units"), "403"),
    (Some("names"), "403"),
    (Some("capitals"), "403"),
    (Some("nounit"), "403"),
    (Some("recette"), "200"),
];

/// Calls as everybody. `refused` and `issuer` are what this server answers to a certificate that does not hold, and to one of another issuer.
fn judged(desk: &Desk, port: u16, refused: &str, issuer: &str) {
    for (client, wanted) in EXPECTED {
        let wanted = match wanted {
            "refused" => refused,
            "issuer" => issuer,
            other => other,
        };
        let (status, body) = call(desk, port, "/sas/x", client);
        assert_eq!(status, wanted, "{client:?}: {body}");
        match status.as_str() {
            "401" => assert!(body.contains(r#""status": "KO:Unauthorized""#), "{client:?}: {body}"),
            "403" => assert!(body.contains(r#""status": "KO:Forbidden""#), "{client:?}: {body}"),
            _ => {}
        }
        if status != "tls" && status != "200" {
            let said: serde_json::Value =
                serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
            assert!(said["verify"].is_string() && said["CN"].is_string());
        }
    }
    assert_eq!(call(desk, port, "/sas/check", None).0, "403", "at /check a failed authentication is 403");
    assert_eq!(call(desk, port, "/sas/check", Some("recette")).0, "200");
    assert_eq!(call(desk, port, "/sas/check", Some("longer")).0, "403");
    for path in ["/", "/other", "/sasx", "/sas/../other", "/other/..%2fsas/x", "//sas/x"] {
        let (status, body) = call(desk, port, path, None);
        assert!(status != "200", "{path}: {body}");
    }
}

#[test]
fn nginx_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _nginx = nginx(&desk, port, upstream, &[]);
    judged(&desk, port, "401", "401");
}

#[test]
fn apache_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _apache = apache(&desk, port, upstream, &[]);
    judged(&desk, port, "tls", "403");
}

#[test]
fn haproxy_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _haproxy = haproxy(&desk, port, upstream, &[]);
    judged(&desk, port, "401", "401");
}

#[test]
fn addresses_are_let_in_each_for_its_own_environment() {
    let desk = stage();
    called_from(&desk, &[("51.91.149.173", "127.0.0.2"), ("37.59.26.69", "127.0.0.3\", \"127.0.0.4")]);
    for start in [nginx, apache, haproxy] {
        let (port, upstream) = (free_port(), service());
        let _server = start(&desk, port, upstream, &["--filter-addresses"]);
        for (client, address, status) in [
            (Some("recette"), "127.0.0.2", "200"),
            (Some("recette"), "127.0.0.3", "403"),
            (Some("recette"), "127.0.0.1", "403"),
            (Some("preproduction"), "127.0.0.2", "403"),
            (Some("preproduction"), "127.0.0.3", "200"),
            (Some("preproduction"), "127.0.0.4", "200"),
            // The address alone lets nobody in.
            (Some("longer"), "127.0.0.2", "403"),
            (None, "127.0.0.2", "401"),
        ] {
            let (told, body) = call_from(&desk, port, "/sas/x", client, address);
            assert_eq!(told, status, "{client:?} from {address}: {body}");
        }
    }
}

#[test]
fn traefiks_settings_have_its_form_and_say_what_they_cannot_do() {
    let text = settings(&stage(), "traefik", 8443, 8080, &[]);
    assert!(
        text.contains("NOT ENOUGH")
            && text.contains("CN=sas-aggregator-preproduction and OU=499700343942006"),
        "{text}"
    );
    let read = "import sys, yaml\nd = yaml.safe_load(sys.stdin)\nassert d['tls']['options']['sas']['clientAuth']['clientAuthType'] == 'RequireAndVerifyClientCert'\nassert d['http']['routers']['sas']['tls']['options'] == 'sas'\n";
    // Of the environments that `cargo xtask test` prepares, one that can read YAML.
    let target = std::env::var("CARGO_TARGET_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../target").to_owned());
    let mut python = Command::new(format!("{target}/venv-servers/bin/python"));
    let mut child = python.args(["-c", read]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_would_be_read_otherwise_is_refused() {
    let desk = Desk::new();
    let base = ["cert", "config", "nginx", "--profile", "sas", "--env", "recette"];
    let refused = |more: &[&str], words: &str| desk.run(&[&base[..], more].concat()).failed(2, words);
    refused(&["--env", "production"], "different authorities");
    refused(&["--path", "/a;b"], "letters, digits");
    refused(&["--server-name", "a{b"], "letters, digits");
    refused(&["--upstream", "https://a"], "http://host:port");
    desk.run(&["cert", "config", "nginx", "--profile", "sas", "--env", "test"])
        .failed(2, "--env takes recette");
}
