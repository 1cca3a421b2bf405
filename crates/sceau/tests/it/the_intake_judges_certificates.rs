//! `sceau serve intake` with `[clients]`: OpenSSL is the authority, curl and `openssl s_client` are the callers. Who passes learns that there is no such
//! deposit; who does not learns why.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sceau_trace::{KeyKind, VerifierKey};
use serde_json::Value;

use crate::authorities::{authorities, client, expired, identity, openssl};
use crate::support::Desk;

const HOST: &str = "depot.localhost";
const PLATFORM: &str = "https://sceau.example.org";
const GOOD: &str = "/C=FR/O=ESSAI/OU=MaaS/CN=mobility.example.org";
/// What passes and finds nothing.
const PASSED: (u16, &str) = (404, "unknown_deposit");

/// An intake whose clients come from an OpenSSL authority. Its antivirus is away.
struct Stage {
    desk: Desk,
    intake: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

impl Stage {
    /// `demand` as the settings have it; one client is named, whose certificate is `good.pem`.
    fn set(demand: &str) -> Self {
        let desk = Desk::new();
        authorities(&desk);
        client(&desk, "good", GOOD, "leaf.ext");
        list(&desk, "root", &[], 1);
        list(&desk, "aci", &[], 1);
        identity(&desk, HOST);
        settings(&desk, demand, "mobility.example.org");
        let log = *sceau_crypto::SigningKey::generate().verifying_key().as_bytes();
        let log = VerifierKey::new("sceau.test/log", KeyKind::Ed25519, log).unwrap().to_string();
        let serves = ["serve", "intake", "--listen", "127.0.0.1:0", "--config", "intake.toml"];
        let keeps = ["--key", "intake.key", "--tls", "identity.pem", "--antivirus", "unix:/nowhere"];
        let reads = ["--platform", PLATFORM, "--log-key", &log];
        let words = [&serves[..], &keeps, &reads].concat();
        let (intake, out, ready) = desk.serving("intake.log", &words);
        let port = ready["url"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        Self { desk, intake, out, port }
    }

    /// What curl is told who shows `NAME.pem`, or nothing: status and code.
    fn asks(&self, shown: Option<&str>, more: &[&str]) -> (u16, String) {
        let mut curl = self.curl("/v1/deposits/none");
        if let Some(name) = shown {
            curl.args(["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")]);
        }
        let (head, body) = said(curl.args(more));
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let problem: Value = serde_json::from_str(&body).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    fn curl(&self, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.current_dir(self.desk.path("")).args(["-sS", "-i", "--noproxy", "*", "--cacert", "server.pem"]);
        curl.args(["--resolve", &format!("{HOST}:{}:127.0.0.1", self.port)]);
        curl.arg(format!("https://{HOST}:{}{path}", self.port));
        curl
    }

    /// A connection of `openssl s_client`, which stays open.
    fn connect(&self, name: &str, more: &[&str]) -> Line {
        let mut client = Command::new("openssl");
        client.current_dir(self.desk.path("")).args([
            "s_client",
            "-alpn",
            "http/1.1",
            "-CAfile",
            "server.pem",
        ]);
        client.args(["-connect", &format!("127.0.0.1:{}", self.port), "-servername", HOST, "-ign_eof"]);
        client.args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")]).args(more);
        let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = client.spawn().unwrap();
        let (to, from) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
        Line { client, to, from: BufReader::new(from), heard: String::new() }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.intake.kill();
        let _ = self.intake.wait();
        let _ = std::io::copy(&mut self.out, &mut std::io::sink());
    }
}

/// One connection.
struct Line {
    client: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// What s_client said before the last answer: the session.
    heard: String,
}

impl Line {
    fn asks(&mut self) -> (u16, String) {
        write!(self.to, "GET /v1/deposits/none HTTP/1.1\r\nHost: {HOST}\r\n\r\n").unwrap();
        self.to.flush().unwrap();
        let status = loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                break rest.split_whitespace().next().unwrap().parse().unwrap();
            }
            let _ = write!(self.heard, "{line}");
        };
        let mut length = 0;
        loop {
            let line = self.line().to_lowercase();
            if line.trim().is_empty() {
                break;
            }
            if let Some(rest) = line.strip_prefix("content-length:") {
                length = rest.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.from.read_exact(&mut body).unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        (status, problem["code"].as_str().unwrap().to_owned())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.from.read_line(&mut line).unwrap() > 0, "the connection ended: {}", self.heard);
        line
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

pub(crate) fn said(curl: &mut Command) -> (String, String) {
    let output = curl.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// Writes the intake's settings, all at once.
fn settings(desk: &Desk, demand: &str, common_name: &str) {
    let folder = desk.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    replace(
        desk,
        "intake.toml",
        format!(
            "[clients]\nanchors = [\"{folder}/root.pem\"]\nintermediates = [\"{folder}/aci.pem\"]\nissuer = \"{folder}/aci.pem\"\n\
             revocation_lists = [\"{folder}/root.crl\", \"{folder}/aci.crl\"]\ndemand = {demand}\n\
             [[clients.allow]]\ncommon_name = \"{common_name}\"\norganizational_units = [\"MaaS\"]\n"
        )
        .as_bytes(),
    );
}

/// The list of this number of an authority, which takes these certificates back.
pub(crate) fn list(desk: &Desk, authority: &str, revoked: &[&str], number: u8) {
    let line = |name: &&str| {
        let serial = openssl(desk, &format!("x509 -in {name}.pem -noout -serial"));
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        format!("R\t401101000000Z\t261119000000Z\t{serial}\tunknown\t/CN=x\n")
    };
    desk.write("index", revoked.iter().map(line).collect::<String>().as_bytes());
    desk.write("number", format!("{number:02X}\n").as_bytes());
    desk.write("ca.cnf", b"[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n");
    let keys = format!("-cert {authority}.pem -keyfile {authority}.key");
    openssl(desk, &format!("ca -config ca.cnf -gencrl {keys} -crldays 2 -out {authority}.new.crl"));
    replace(desk, &format!("{authority}.crl"), &desk.read(&format!("{authority}.new.crl")));
}

/// As programs replace files: whole.
pub(crate) fn replace(desk: &Desk, name: &str, bytes: &[u8]) {
    desk.write("next", bytes);
    std::fs::set_permissions(desk.path("next"), PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::rename(desk.path("next"), desk.path(name)).unwrap();
}

#[test]
fn who_shows_a_certificate_is_judged_by_it_and_who_has_none_passes() {
    let stage = Stage::set("\"nobody\"");
    let desk = &stage.desk;
    client(desk, "other", "/C=FR/O=ESSAI/OU=MaaS/CN=other.example.org", "leaf.ext");
    client(desk, "server-only", GOOD, "server.ext");
    expired(desk, "expired", GOOD);
    // Of the root itself, and of an authority that nobody trusts here.
    let leaf = "-extfile leaf.ext -days 2";
    for (name, by) in [
        ("direct", "-CA root.pem -CAkey root.key -CAcreateserial"),
        ("stranger", "-CA no.pem -CAkey no.key -CAcreateserial"),
    ] {
        openssl(
            desk,
            "req -x509 -newkey rsa:2048 -nodes -keyout no.key -out no.pem -days 2 -subj /CN=Nobody",
        );
        openssl(
            desk,
            &format!(
                "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj {GOOD}"
            ),
        );
        openssl(desk, &format!("x509 -req -in {name}.csr {by} {leaf} -out {name}.pem"));
    }
    client(desk, "taken-back", GOOD, "leaf.ext");
    list(desk, "aci", &["taken-back"], 2);
    for (shown, (status, code)) in [
        (None, PASSED),
        (Some("good"), PASSED),
        (Some("other"), (403, "client_unknown")),
        (Some("server-only"), (403, "certificate_wrong_purpose")),
        (Some("expired"), (403, "certificate_expired")),
        (Some("direct"), (403, "certificate_wrong_issuer")),
        (Some("stranger"), (403, "certificate_untrusted")),
        (Some("taken-back"), (403, "certificate_revoked")),
    ] {
        for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"], &["--http1.1"]] {
            assert_eq!(stage.asks(shown, version), (status, code.to_owned()), "{shown:?} {version:?}");
        }
    }
}

#[test]
fn who_must_show_one_is_told_so() {
    let stage = Stage::set("[\"/v1/deposits\"]");
    assert_eq!(stage.asks(None, &[]), (401, "certificate_missing".to_owned()));
    assert_eq!(stage.asks(Some("good"), &[]), (PASSED.0, PASSED.1.to_owned()));
    // The platform's page reads the reason, too.
    let origin = format!("Origin: {PLATFORM}");
    let (head, body) = said(stage.curl("/v1/deposits/none").args(["-H", &origin]));
    assert!(head.contains("application/problem+json"), "{head}");
    assert!(head.contains(&format!("access-control-allow-origin: {PLATFORM}")), "{head}");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["type"], "urn:sceau:problem:certificate_missing");
    assert!(problem["detail"].as_str().unwrap().contains("no certificate was presented"), "{body}");
    // A browser shows none with a preflight, and who watches the intake has none.
    let preflight = ["-X", "OPTIONS", "-H", &origin, "-H", "Access-Control-Request-Method: PUT"];
    assert!(said(stage.curl("/v1/deposits/none/files/0").args(preflight)).0.contains(" 204"));
    assert!(said(&mut stage.curl("/check")).1.contains("\"role\":\"intake\""));
    // A path that is no other spelling of one that is demanded is none of the routes either.
    for spelling in
        ["//v1/deposits/none", "/v1/%64eposits/none", "/V1/deposits/none", "/x/../v1/deposits/none"]
    {
        let (head, body) = said(stage.curl(spelling).arg("--path-as-is"));
        assert!(head.contains(" 404") && body.is_empty(), "{spelling}: {head} {body}");
    }
}

#[test]
fn what_changes_counts_on_a_connection_that_stays_open() {
    let stage = Stage::set("\"everybody\"");
    let desk = &stage.desk;
    let old = desk.read("aci.crl");
    let passed = (PASSED.0, PASSED.1.to_owned());
    let mut line = stage.connect("good", &[]);
    assert_eq!(line.asks(), passed);

    // Another rule, and what cannot be read in its place.
    settings(desk, "\"everybody\"", "somebody.example.org");
    assert_eq!(line.asks(), (403, "client_unknown".to_owned()));
    replace(desk, "intake.toml", b"[clients]\ndemand = \"nobody\"\n");
    assert_eq!(line.asks(), (403, "client_unknown".to_owned()), "what was read last stays in force");
    settings(desk, "\"everybody\"", "mobility.example.org");
    assert_eq!(line.asks(), passed);

    // A list of a stranger is none; one that takes the certificate back counts, and is not taken back by an older one.
    openssl(desk, "req -x509 -newkey rsa:2048 -nodes -keyout no.key -out no.pem -days 2 -subj /CN=Nobody");
    list(desk, "no", &[], 9);
    replace(desk, "aci.crl", &desk.read("no.crl"));
    assert_eq!(line.asks(), passed, "the list before stays");
    list(desk, "aci", &["good"], 2);
    assert_eq!(line.asks(), (403, "certificate_revoked".to_owned()));
    replace(desk, "aci.crl", &old);
    assert_eq!(line.asks(), (403, "certificate_revoked".to_owned()));
    std::fs::remove_file(desk.path("aci.crl")).unwrap();
    assert_eq!(line.asks(), (403, "certificate_revoked".to_owned()));
    let log = String::from_utf8(desk.read("intake.log")).unwrap();
    for words in ["missing field", "none of the anchors", "older than the one in use", "No such file"] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn a_resumed_session_is_judged_anew() {
    for version in ["-tls1_2", "-tls1_3"] {
        let stage = Stage::set("\"everybody\"");
        let kept = &["-sess_out", "session", version][..];
        let mut first = stage.connect("good", kept);
        assert_eq!(first.asks(), (PASSED.0, PASSED.1.to_owned()));
        drop(first);
        list(&stage.desk, "aci", &["good"], 2);
        let mut second = stage.connect("good", &["-sess_in", "session", version]);
        assert_eq!(second.asks(), (403, "certificate_revoked".to_owned()), "{version}");
        assert!(second.heard.contains("Reused, TLSv1"), "{version}: {}", second.heard);
    }
}

#[test]
fn an_intake_that_could_judge_nobody_does_not_start() {
    let desk = Desk::new();
    authorities(&desk);
    list(&desk, "aci", &[], 1);
    let folder = desk.path("").display().to_string();
    let folder = folder.trim_end_matches('/');
    let refused = |clients: &str, more: &[&str]| {
        replace(&desk, "intake.toml", format!("[clients]\n{clients}").replace("FOLDER", folder).as_bytes());
        let log = *sceau_crypto::SigningKey::generate().verifying_key().as_bytes();
        let log = VerifierKey::new("sceau.test/log", KeyKind::Ed25519, log).unwrap().to_string();
        let words =
            ["serve", "intake", "--listen", "127.0.0.1:0", "--config", "intake.toml", "--platform", PLATFORM];
        let words =
            [&words[..], &["--key", "k", "--log-key", &log, "--antivirus", "unix:/nowhere"], more].concat();
        let ran = desk.run(&words);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr
    };
    let good = "anchors = [\"FOLDER/root.pem\"]\ndemand = \"everybody\"\n";
    assert!(refused(good, &[]).contains("--tls"), "nobody shows a certificate to who shows none");
    let both = [desk.read("root.key"), desk.read("root.pem")].concat();
    desk.write("identity.pem", &both);
    std::fs::set_permissions(desk.path("identity.pem"), PermissionsExt::from_mode(0o600)).unwrap();
    let tls = ["--tls", "identity.pem"];
    for (clients, said) in [
        ("anchors = [\"FOLDER/none.pem\"]\ndemand = \"everybody\"\n".to_owned(), "none.pem"),
        (format!("{good}revocation_lists = [\"FOLDER/none.crl\"]\n"), "none.crl"),
        (format!("{good}revocation_lists = [\"FOLDER/aci.crl\"]\n"), "none of the anchors and intermediates"),
        (format!("{good}issuer = \"FOLDER/root.key\"\n"), "root.key"),
        ("anchors = [\"FOLDER/root.pem\"]\n".to_owned(), "demand"),
        ("anchors = [\"FOLDER/root.pem\"]\ndemand = [\"/v1/deposit\"]\n".to_owned(), "nothing is at"),
    ] {
        let stderr = refused(&clients, &tls);
        assert!(stderr.contains(said), "{clients}: {stderr}");
    }
}
