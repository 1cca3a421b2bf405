//! `sceau cert ca ocsp` answers `openssl ocsp` and curl; `sceau cert verify --online` asks it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::authorities::openssl;
use crate::support::Desk;

const HOLDER: &str = "CN=sas-agregateur-test-MonLogiciel,OU=318751275100020,O=EDITEUR,C=FR";

pub(crate) struct Responder {
    child: Child,
    pub(crate) port: u64,
}

impl Responder {
    /// Of the authority in `aci`, ready to answer.
    pub(crate) fn start(desk: &Desk, address: &str) -> Self {
        let words = ["cert", "ca", "ocsp", "--issuer", "aci", "--listen", address, "--die-with-parent"];
        let mut child = desk.sceau(&words).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: Value = serde_json::from_str(&ready).unwrap();
        let address = ready["address"].as_str().unwrap();
        Self { child, port: address.rsplit(':').next().unwrap().parse().unwrap() }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A root, an authority below it, and a responder of the latter.
fn authority(desk: &Desk) -> Responder {
    let rsa = ["--key-kind", "rsa-2048"];
    desk.run(&[&["cert", "ca", "root", "--folder", "root", "--name", "CN=RACINE,C=FR"], &rsa[..]].concat())
        .ok();
    let below = ["cert", "ca", "intermediate", "--issuer", "root", "--folder", "aci", "--name", "CN=AC,C=FR"];
    desk.run(&[&below[..], &rsa].concat()).ok();
    for name in ["root", "aci"] {
        openssl(desk, &format!("x509 -inform DER -in {name}/authority.cer -out {name}.pem"));
    }
    openssl(
        desk,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -out a.csr -subj /CN=a",
    );
    Responder::start(desk, "127.0.0.1:0")
}

/// A certificate that names the responder, `NAME.crt` and `NAME.pem`.
fn issue(desk: &Desk, name: &str, port: u64) {
    let (out, ocsp) = (format!("{name}.crt"), format!("http://127.0.0.1:{port}/ocsp"));
    let words =
        ["cert", "ca", "issue", "--issuer", "aci", "--request", "a.csr", "--name", HOLDER, "-o", &out];
    desk.run(&[&words[..], &["--ocsp-url", &ocsp]].concat()).ok();
    openssl(desk, &format!("x509 -inform DER -in {out} -out {name}.pem"));
}

fn asked(desk: &Desk, port: u64, words: &str) -> String {
    let url = format!("http://127.0.0.1:{port}/ocsp");
    openssl(desk, &format!("ocsp -issuer aci.pem -CAfile root.pem -verify_other aci.pem -url {url} {words}"))
}

#[test]
fn openssl_asks_and_is_told_at_once_what_was_taken_back() {
    let desk = Desk::new();
    let responder = authority(&desk);
    issue(&desk, "good", responder.port);
    issue(&desk, "taken", responder.port);
    let ask = |words: &str| asked(&desk, responder.port, words);
    let said = ask("-cert good.pem -cert taken.pem");
    assert!(said.contains("Response verify OK") && !said.contains("WARNING"), "{said}");
    assert!(said.contains("good.pem: good") && said.contains("taken.pem: good"), "{said}");
    desk.run(&["cert", "ca", "revoke", "--issuer", "aci", "--reason", "superseded", "taken.crt"]).ok();
    let said = ask("-sha256 -cert good.pem -sha256 -cert taken.pem");
    assert!(said.contains("good.pem: good") && said.contains("taken.pem: revoked"), "{said}");
    assert!(said.contains("Reason: superseded"), "{said}");
    let said = ask("-serial 0x1234");
    assert!(said.contains("0x1234: unknown"), "what was never issued is not vouched for: {said}");
    // And of another authority nothing.
    let words = format!(
        "ocsp -issuer root.pem -cert aci.pem -CAfile root.pem -url http://127.0.0.1:{}/",
        responder.port
    );
    assert!(openssl_any(&desk, &words).contains("unauthorized"));
}

/// As [`openssl`], whatever it ends with.
fn openssl_any(desk: &Desk, words: &str) -> String {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(desk.path("")).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_question_in_an_address_is_answered_for_caches() {
    let desk = Desk::new();
    let responder = authority(&desk);
    issue(&desk, "good", responder.port);
    openssl(&desk, "ocsp -issuer aci.pem -cert good.pem -no_nonce -reqout bare.req");
    openssl(&desk, "ocsp -issuer aci.pem -cert good.pem -nonce -reqout nonce.req");
    let get = |question: &str, encoded: bool| {
        let text = STANDARD.encode(desk.read(question));
        let text =
            if encoded { text.replace('/', "%2F").replace('+', "%2B").replace('=', "%3d") } else { text };
        let url = format!("http://127.0.0.1:{}/ocsp/{text}", responder.port);
        let mut curl = Command::new("curl");
        let output =
            curl.args(["-sS", "-D", "head", "-o", "answer", &url]).current_dir(desk.path("")).output();
        assert!(output.unwrap().status.success());
        String::from_utf8(desk.read("head")).unwrap().to_ascii_lowercase()
    };
    for encoded in [false, true] {
        let head = get("bare.req", encoded);
        for wanted in [
            "content-type: application/ocsp-response",
            "max-age=43200, public, no-transform, must-revalidate",
            "last-modified: ",
            "expires: ",
            "etag: \"",
        ] {
            assert!(head.contains(wanted), "{wanted} in {head}");
        }
        let said = openssl(
            &desk,
            "ocsp -issuer aci.pem -cert good.pem -respin answer -CAfile root.pem -verify_other aci.pem",
        );
        assert!(said.contains("good.pem: good") && said.contains("Response verify OK"), "{said}");
    }
    assert!(
        get("nonce.req", true).contains("cache-control: no-store"),
        "an answer to one question is nobody else's"
    );
    desk.write("none.req", b"no question at all");
    assert!(get("none.req", false).starts_with("http/1.1 200"));
    assert!(openssl_any(&desk, "ocsp -respin answer -noverify").contains("malformedrequest"));
}

#[test]
fn an_answer_is_made_ahead() {
    let desk = Desk::new();
    let responder = authority(&desk);
    issue(&desk, "good", responder.port);
    let made =
        ["cert", "ca", "ocsp-response", "--issuer", "aci", "--hours", "1", "-o", "good.ocsp", "good.crt"];
    let told = desk.run(&made).ok().text();
    assert!(told.contains("Says      good"), "{told}");
    let judged =
        "ocsp -issuer aci.pem -cert good.pem -respin good.ocsp -CAfile root.pem -verify_other aci.pem";
    let said = openssl(&desk, judged);
    assert!(said.contains("good.pem: good") && said.contains("Next Update: "), "{said}");
    desk.run(&["cert", "ca", "ocsp-response", "--issuer", "root", "-o", "x", "good.crt"])
        .failed(3, "not issued by");
}

#[test]
fn verify_says_what_the_responder_said() {
    let desk = Desk::new();
    let responder = authority(&desk);
    issue(&desk, "good", responder.port);
    issue(&desk, "taken", responder.port);
    desk.run(&["cert", "ca", "revoke", "--issuer", "aci", "--reason", "key-compromise", "taken.crt"]).ok();
    let base = ["cert", "verify", "--anchors", "root.pem", "--intermediates", "aci.pem", "--online"];
    let words = desk.run(&[&base[..], &["good.pem"]].concat()).ok().text();
    assert!(words.contains(": good") && words.contains("It would pass."), "{words}");
    let refused = desk.run(&[&base[..], &["taken.pem"]].concat()).failed(5, "was revoked");
    assert!(refused.text().contains("(key-compromise)"), "{}", refused.text());
    // A list given besides says that it was taken back later than the responder knows.
    desk.run(&["cert", "ca", "list", "--issuer", "aci", "-o", "aci.crl"]).ok();
    let json = desk.run(&[&base[..], &["--json", "taken.pem"]].concat());
    assert_eq!(json.json()["ocsp"][0]["said"].as_str().unwrap().split(' ').next(), Some("revoked"));
    drop(responder);
    let away = desk
        .run(&[&base[..], &["good.pem"]].concat())
        .failed(5, "neither a current revocation list nor a responder");
    assert!(away.text().contains("ocsp_away"), "{}", away.text());
    // The list speaks where the responder does not; of the authority itself no list was asked for.
    desk.run(&["cert", "ca", "list", "--issuer", "root", "-o", "root.crl"]).ok();
    let lists = ["--list", "aci.crl", "--list", "root.crl"];
    desk.run(&[&base[..], &lists, &["good.pem"]].concat()).ok();
    desk.run(&[&base[..], &lists, &["taken.pem"]].concat()).failed(5, "was revoked");
}

/// OpenSSL's server, which hands out the response of a file, if any; and its port.
fn server(desk: &Desk, response: Option<&str>) -> (Running, u64) {
    let mut words = "s_server -accept 127.0.0.1:0 -www -cert s.pem -key s.key -cert_chain aci.pem".to_owned();
    if let Some(response) = response {
        words.push_str(&format!(" -status_file {response}"));
    }
    let mut openssl = Command::new("openssl");
    openssl.args(words.split(' ')).current_dir(desk.path("")).stdin(Stdio::null());
    let mut child = openssl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.find_map(|line| line.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();
    let port = ready.rsplit(':').next().unwrap().parse().unwrap();
    // Whoever closes its output ends it.
    std::thread::spawn(move || lines.for_each(drop));
    (Running(child), port)
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_probe_tells_what_a_server_hands_out() {
    let desk = Desk::new();
    let responder = authority(&desk);
    openssl(
        &desk,
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout s.key -out s.csr -subj /CN=s -addext subjectAltName=IP:127.0.0.1",
    );
    let ocsp = format!("http://127.0.0.1:{}/", responder.port);
    let issue = ["cert", "ca", "issue", "--issuer", "aci", "--request", "s.csr", "--server", "-o", "s.crt"];
    desk.run(&[&issue[..], &["--ocsp-url", &ocsp]].concat()).ok();
    openssl(&desk, "x509 -inform DER -in s.crt -out s.pem");
    issue_client_and_answers(&desk, responder.port);
    let probed = |response: Option<&str>| {
        let (_running, port) = server(&desk, response);
        let url = format!("https://127.0.0.1:{port}/");
        let said = desk.run(&["cert", "probe", &url, "--json", "--anchors", "root.pem"]).json();
        let steps = said["steps"].as_array().unwrap().clone();
        let step = steps.iter().find(|step| step["step"] == "staple").unwrap_or_else(|| panic!("{steps:?}"));
        (step["state"].as_str().unwrap().to_owned(), step["found"].as_str().unwrap().to_owned())
    };
    let (state, found) = probed(Some("s.ocsp"));
    assert!(state == "well" && found.contains("says good, until "), "{found}");
    let (state, found) = probed(Some("other.ocsp"));
    assert!(state == "notice" && found.contains("ocsp_another_certificate"), "{found}");
    let (state, found) = probed(Some("s.revoked.ocsp"));
    assert!(state == "refused" && found.contains("revoked on "), "{found}");
    let (state, found) = probed(None);
    assert!(state == "notice" && found.contains("hands out no OCSP response"), "{found}");
}

/// Of the server's certificate as it is and once it is taken back, and of another's.
fn issue_client_and_answers(desk: &Desk, port: u64) {
    issue(desk, "other", port);
    let ahead = |certificate: &str, out: &str| {
        desk.run(&["cert", "ca", "ocsp-response", "--issuer", "aci", "-o", out, certificate]).ok();
    };
    ahead("s.crt", "s.ocsp");
    ahead("other.crt", "other.ocsp");
    desk.run(&["cert", "ca", "revoke", "--issuer", "aci", "s.crt"]).ok();
    ahead("s.crt", "s.revoked.ocsp");
}
