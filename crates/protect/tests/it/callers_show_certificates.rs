//! The keyfront asks applications for a certificate beside the signature of their calls: curl and `openssl s_client` show what our authority issued, and each refusal
//! has the verdict's own code.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use sceau_accounts::callers::{CallerSettings, Callers, Demand, Edge};
use sceau_pki::{
    Authority, AuthorityProfile, CertificateRole, ClientProfile, RevocationReason, Revoked, ServerProfile,
    SubjectRule, TlsIdentity,
};
use sceau_store::{Clock as _, SystemClock};
use serde_json::Value;

use crate::bodies::{Stage, content, limits};

const SAID: &str = "/v1/protect/keyfront";
const DAY: u64 = 86_400_000;

/// A listener of the stage's keyfront that asks for certificates of this authority.
struct Asking {
    stage: Stage,
    folder: tempfile::TempDir,
    authority: Authority,
    port: u16,
}

impl Asking {
    async fn set(demand: Demand) -> Self {
        let stage = Stage::begin(limits()).await;
        let now = SystemClock.now_ms();
        let authority = Authority::create(&AuthorityProfile::of("Applications"), now - 800 * DAY).unwrap();
        let mut asking = Self { stage, folder: tempfile::tempdir().unwrap(), authority, port: 0 };
        std::fs::write(asking.at("root.pem"), asking.authority.certificate().to_pem()).unwrap();
        asking.list(&[], 1);
        for name in ["application", "other"] {
            asking.issue(name, &asking.authority, now);
        }
        let settings = CallerSettings {
            anchors: vec![asking.at("root.pem")],
            intermediates: Vec::new(),
            issuer: None,
            lists: vec![asking.at("list.crl")],
            names: Some(vec![SubjectRule::new(
                "application",
                &[CertificateRole::Connector.as_str().to_owned()],
            )]),
            demand,
        };
        let identity = asking.authority.issue_server(&ServerProfile::for_hosts(["localhost"]), now).unwrap();
        let identity = TlsIdentity::of(&identity).unwrap();
        let callers =
            Callers::open(Box::new(move |_| Ok(settings.clone())), Some(identity), Arc::new(SystemClock));
        asking.port = asking.stage.behind(Edge::Mutual(callers.unwrap())).await.port();
        asking
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes `NAME.pem`, chain and key of a client's certificate that begins then; its serial number.
    fn issue(&self, name: &str, by: &Authority, begins: u64) -> Vec<u8> {
        let issued = by.issue_client(&ClientProfile::new(name, CertificateRole::Connector), begins).unwrap();
        let both = format!("{}{}", issued.chain_pem(), *issued.key().to_pem());
        std::fs::write(self.at(&format!("{name}.pem")), both).unwrap();
        hex::decode(issued.chain()[0].serial()).unwrap()
    }

    /// The list in use from now on.
    fn list(&self, revoked: &[Vec<u8>], number: u64) {
        let now = SystemClock.now_ms();
        let revoked = revoked.iter().cloned();
        let revoked =
            revoked.map(|serial| Revoked { serial, at: now, reason: RevocationReason::KeyCompromise });
        let list = self.authority.revocation_list(&revoked.collect::<Vec<_>>(), number, 2, now).unwrap();
        std::fs::write(self.at("next"), list).unwrap();
        std::fs::rename(self.at("next"), self.at("list.crl")).unwrap();
    }

    fn curl(&self, shown: Option<&str>, path: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.current_dir(self.folder.path()).args(["-sS", "--noproxy", "*", "--cacert", "root.pem"]);
        if let Some(name) = shown {
            curl.args(["--cert", &format!("{name}.pem")]);
        }
        curl.arg(format!("https://localhost:{}{path}", self.port));
        curl
    }

    /// What curl is told: status and body.
    async fn asks(&self, shown: Option<&str>, path: &str, more: &[&str]) -> (u16, Vec<u8>) {
        let mut curl = self.curl(shown, path);
        curl.args(["-w", "\n%{http_code}"]).args(more);
        let output = tokio::task::spawn_blocking(move || curl.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let end = output.stdout.iter().rposition(|&octet| octet == b'\n').unwrap();
        let status = String::from_utf8_lossy(&output.stdout[end + 1..]).parse().unwrap();
        (status, output.stdout[..end].to_vec())
    }

    /// The same of a refusal, or of an answer whose body is not looked at.
    async fn told(&self, shown: Option<&str>, path: &str, more: &[&str]) -> (u16, String) {
        let (status, body) = self.asks(shown, path, more).await;
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Has a body worked on.
    async fn body(&self, shown: Option<&str>, path: &str, call: &str, body: &[u8]) -> (u16, Vec<u8>) {
        std::fs::write(self.at("body"), body).unwrap();
        let call = format!("sceau-call: {call}");
        let words = ["-H", &call, "-H", "content-type: application/octet-stream", "--data-binary", "@body"];
        self.asks(shown, path, &words).await
    }
}

fn code(body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap();
    problem["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_to_refuse_a_certificate_is_told() {
    let asking = Asking::set(Demand::Everybody).await;
    let now = SystemClock.now_ms();
    let stranger = Authority::create(&AuthorityProfile::of("Strangers"), now - DAY).unwrap();
    asking.issue("stranger", &stranger, now);
    asking.issue("ended", &asking.authority, now - 700 * DAY);
    let taken_back = asking.issue("taken-back", &asking.authority, now);
    asking.list(&[taken_back], 2);
    for (shown, status, code) in [
        (Some("application"), 200, ""),
        (None, 401, "certificate_missing"),
        (Some("stranger"), 403, "certificate_untrusted"),
        (Some("ended"), 403, "certificate_expired"),
        (Some("taken-back"), 403, "certificate_revoked"),
        (Some("other"), 403, "client_unknown"),
    ] {
        for version in ["--http2", "--http1.1"] {
            let told = asking.told(shown, SAID, &[version]).await;
            assert_eq!(told, (status, code.to_owned()), "{shown:?} {version}");
        }
    }
    for path in ["/check", "/check?x"] {
        assert_eq!(asking.told(None, path, &[]).await.0, 200, "who watches it is asked for nothing");
    }
    assert_eq!(asking.told(None, "/v1/nowhere", &[]).await, (401, "certificate_missing".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_worked_on_for_who_shows_a_certificate_where_it_is_demanded() {
    let places = ["/v1/protect/encrypt", "/v1/protect/decrypt"].map(str::to_owned);
    let asking = Asking::set(Demand::Paths(places.to_vec())).await;
    let stage = &asking.stage;
    // A body of which the keyfront would have to take much before it answered.
    let whole = content(9 << 20);
    let call = stage.call("alice", stage.create(), None);
    let (status, refused) = asking.body(None, &places[0], &call, &whole).await;
    assert_eq!((status, code(&refused).as_str()), (401, "certificate_missing"));
    let (status, refused) = asking.body(Some("other"), &places[0], &call, &whole).await;
    assert_eq!((status, code(&refused).as_str()), (403, "client_unknown"));
    // Nobody has used the call up.
    let (status, envelope) = asking.body(Some("application"), &places[0], &call, &whole).await;
    assert_eq!(status, 200);
    let call = stage.call("alice", stage.open(&envelope), None);
    let (status, refused) = asking.body(None, &places[1], &call, &envelope).await;
    assert_eq!((status, code(&refused).as_str()), (401, "certificate_missing"));
    let (status, came) = asking.body(Some("application"), &places[1], &call, &envelope).await;
    assert_eq!((status, came == whole), (200, true));
    // What is demanded nowhere else is judged all the same where it is shown.
    assert_eq!(asking.told(None, SAID, &[]).await.0, 200);
    assert_eq!(asking.told(Some("other"), SAID, &[]).await, (403, "client_unknown".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_taken_back_ends_the_body_that_is_under_way() {
    let asking = Asking::set(Demand::Everybody).await;
    let taken_back = asking.issue("application", &asking.authority, SystemClock.now_ms());
    let stage = &asking.stage;
    let whole = content(48 << 20);
    let call = stage.call("alice", stage.create(), None);
    let (_, envelope) = asking.body(Some("application"), "/v1/protect/encrypt", &call, &whole).await;
    std::fs::write(asking.at("body"), &envelope).unwrap();
    for (number, revoked, version) in [(2, false, "--http2"), (4, true, "--http1.1"), (6, true, "--http2")] {
        let call = format!("sceau-call: {}", stage.call("alice", stage.open(&envelope), None));
        let mut curl = asking.curl(Some("application"), "/v1/protect/decrypt");
        curl.args([version, "-sfN", "-H", &call, "-H", "content-type: application/octet-stream"]);
        curl.args(["--data-binary", "@body"]).stdout(Stdio::piped()).stderr(Stdio::null());
        tokio::task::block_in_place(|| {
            let mut curl = curl.spawn().unwrap();
            let mut from = curl.stdout.take().unwrap();
            from.read_exact(&mut vec![0; 1 << 20]).unwrap();
            if revoked {
                asking.list(std::slice::from_ref(&taken_back), number);
                // Nobody reads meanwhile, and what lies on the way is far shorter than the body.
                tokio::runtime::Handle::current().block_on(stage.clock.judged_again());
            }
            let (mut part, mut came) = (vec![0; 1 << 16], 1 << 20);
            loop {
                match from.read(&mut part).unwrap() {
                    0 => break,
                    read => came += read,
                }
            }
            let ended_well = curl.wait().unwrap().success();
            assert_eq!((ended_well, came == whole.len()), (!revoked, !revoked), "{version} {came}");
        });
        asking.list(&[], number + 1);
    }
}

/// A connection of `openssl s_client` that stays open.
struct Line {
    client: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    /// What s_client said before the last answer: the session.
    heard: String,
}

impl Line {
    fn connect(asking: &Asking, more: &[&str]) -> Self {
        let mut client = Command::new("openssl");
        client.current_dir(asking.folder.path()).args(["s_client", "-alpn", "http/1.1", "-ign_eof"]);
        client.args(["-CAfile", "root.pem", "-connect", &format!("127.0.0.1:{}", asking.port)]);
        client.args(["-servername", "localhost", "-cert", "application.pem", "-key", "application.pem"]);
        let client =
            client.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut client = client.unwrap();
        let (to, from) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
        Self { client, to, from: BufReader::new(from), heard: String::new() }
    }

    /// The status of the next answer.
    fn asks(&mut self) -> u16 {
        write!(self.to, "GET {SAID} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        self.to.flush().unwrap();
        let status = loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                break rest[..3].parse().unwrap();
            }
            self.heard.push_str(&line);
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
        self.from.read_exact(&mut vec![0; length]).unwrap();
        status
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

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_back_is_refused_on_its_open_connection_and_on_a_resumed_session() {
    for version in ["-tls1_2", "-tls1_3"] {
        let asking = Asking::set(Demand::Everybody).await;
        let taken_back = asking.issue("application", &asking.authority, SystemClock.now_ms());
        tokio::task::block_in_place(|| {
            let mut line = Line::connect(&asking, &[version, "-sess_out", "session"]);
            assert_eq!(line.asks(), 200, "{version}");
            asking.list(&[taken_back], 2);
            assert_eq!(line.asks(), 403, "the next request is judged by the new list");
            drop(line);
            let mut again = Line::connect(&asking, &[version, "-sess_in", "session"]);
            assert_eq!(again.asks(), 403, "{version}");
            assert!(again.heard.contains("Reused, TLSv1"), "{version}: {}", again.heard);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_taken_back_is_refused_over_http_2_on_the_same_connection() {
    let asking = Asking::set(Demand::Everybody).await;
    let taken_back = asking.issue("application", &asking.authority, SystemClock.now_ms());
    tokio::task::block_in_place(|| {
        // One after the other, two in a second, over one connection.
        let mut curl = asking.curl(Some("application"), &format!("{SAID}?[1-20]"));
        curl.args(["-s", "--http2", "--rate", "2/s", "-o", "answer", "--fail-early", "--fail"]);
        curl.args(["-w", "%{stderr}%{http_code} %{http_version} %{num_connects}\n"]);
        let mut curl = curl.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(curl.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(said.next().as_deref(), Some("200 2 1"));
        asking.list(&[taken_back], 2);
        let next: Vec<_> = said.collect();
        // One may have been under way.
        assert!((1..=2).contains(&next.len()), "{next:?}");
        assert_eq!(next.last().map(String::as_str), Some("403 2 0"), "{next:?}");
        curl.wait().unwrap();
    });
}
