//! Applications of this machine call a partner through the gate, in plain HTTP: nginx and OpenSSL are the partner, curl the application.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use sceau_gate::{Gate, Plan, Reload};
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    lists::{List, publish},
    others::Server,
    outside::chain,
    requests_are_told::collector,
    services_are_reached::openssl,
};

/// A gate with one outgoing address.
pub(crate) struct Out {
    pub(crate) at: String,
    pub(crate) reload: Reload,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    pub(crate) folder: TempDir,
}

impl Out {
    async fn start(folder: TempDir, address: &str, to: &str, more: &str) -> Self {
        Self::with(folder, &settings(address, to, more)).await
    }

    /// With this configuration.
    pub(crate) async fn with(folder: TempDir, text: &str) -> Self {
        let file = folder.path().join("gate.toml");
        fs::write(&file, text).unwrap();
        let listening = Gate::new(Plan::read(&file).unwrap()).listen().await.unwrap();
        let (at, reload) = (listening.outgoing().remove(0), listening.reload());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(listening.serve(async move { drop(stopped.await) }));
        Self { at, reload, stop: Some(stop), serving, folder }
    }

    pub(crate) async fn to(to: &str, more: &str) -> Self {
        Self::start(tempfile::tempdir().unwrap(), "127.0.0.1:0", to, more).await
    }

    /// What curl gets, with its headers.
    pub(crate) async fn curl(&self, path: &str, words: &str) -> String {
        let (socket, url) = match self.at.strip_prefix("unix:") {
            Some(path_of) => (format!("--unix-socket {path_of}"), format!("http://localhost{path}")),
            None => (String::new(), format!("http://{}{path}", self.at)),
        };
        let words = format!("-sS -i {socket} {words} {url}");
        let asked = move || Command::new("curl").args(words.split_whitespace()).output().unwrap();
        let output = tokio::task::spawn_blocking(asked).await.unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    pub(crate) async fn stop(mut self) -> TempDir {
        drop(self.stop.take());
        self.serving.await.unwrap();
        self.folder
    }
}

fn settings(address: &str, to: &str, more: &str) -> String {
    format!("[[outgoing]]\naddress = \"{address}\"\nto = \"{to}\"\n{more}\n")
}

/// Whom to believe, and what to show.
pub(crate) fn tls(authority: &str, own: &str) -> String {
    let chain = chain().display();
    let shown = if own.is_empty() {
        String::new()
    } else {
        format!(", certificate = \"{chain}/{own}.pem\", key = \"{chain}/{own}.key\"")
    };
    format!("tls = {{ authority = \"{chain}/{authority}.pem\"{shown} }}")
}

/// nginx that wants a certificate of the chain and says what it was asked.
fn partner(folder: &Path) -> (Server, u16) {
    partner_of(folder, "TLSv1.2 TLSv1.3")
}

/// The same with these versions of TLS alone.
fn partner_of(folder: &Path, versions: &str) -> (Server, u16) {
    let at = chain().display();
    let says = "$ssl_client_s_dn|$request_method|$request_uri|$host|$http_x_forwarded_for$http_forwarded$http_via$http_client_cert$http_referer$http_sceau_x|$http_x_own|$server_protocol|$ssl_protocol.";
    let server = format!(
        "server {{ listen 127.0.0.1:PORT ssl http2; ssl_protocols {versions}; ssl_certificate {at}/server.pem; ssl_certificate_key {at}/server.key; \
         ssl_client_certificate {at}/root.pem; ssl_verify_client on; ssl_verify_depth 3; \
         location /base/401 {{ return 401 no; }} location /base/403 {{ return 403 no; }} location / {{ return 200 \"{says}\"; }} }}"
    );
    Server::nginx(folder, &server)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_calls_in_plain_http_and_the_partner_sees_our_certificate() {
    let folder = tempfile::tempdir().unwrap();
    // The platforms of health authorities may speak TLS 1.2 alone.
    let partners = ["TLSv1.2", "TLSv1.3"].map(|version| {
        let folder = tempfile::tempdir().unwrap();
        let partner = partner_of(folder.path(), version);
        (partner, version, folder)
    });
    // One file with key and certificate, as partners' procedures make it; over the loopback and over a socket.
    let at = chain();
    let [certificate, key] =
        ["direct.pem", "direct.key"].map(|name| fs::read_to_string(at.join(name)).unwrap());
    let bundle = folder.path().join("bundle.pem");
    fs::write(&bundle, key + &certificate).unwrap();
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o600)).unwrap();
    let bundle = bundle.display();
    let tls = format!(
        "tls = {{ authority = \"{}/root.pem\", certificate = \"{bundle}\", key = \"{bundle}\" }}",
        at.display()
    );
    let socket = folder.path().join("partner.sock");
    let addresses =
        [("127.0.0.1:0".to_owned(), ""), (format!("unix:{}", socket.display()), "mode = \"0660\"")];
    let all = partners.iter().flat_map(|partner| addresses.iter().map(move |address| (partner, address)));
    for (((_, port), version, _), (address, more)) in all {
        let to = format!("https://localhost:{port}/base/");
        let out = Out::start(tempfile::tempdir().unwrap(), address, &to, &format!("{tls}\n{more}")).await;
        let lies = "-H X-Forwarded-For:10.0.0.9 -H Forwarded:for=x -H Via:x -H Client-Cert:x -H Referer:x -H Sceau-X:x -H X-Own:kept";
        for method in ["GET", "POST"] {
            let answer = out.curl("/a?b=c", &format!("-X {method} {lies}")).await;
            let said = format!(
                "CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR|{method}|/base/a?b=c|localhost||kept|HTTP/2.0|{version}."
            );
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&said), "{answer}");
        }
        for (path, code) in [("/401", "partner_unauthorized"), ("/403", "partner_forbidden")] {
            let answer = out.curl(path, "").await;
            assert!(
                answer.contains(&path[1..]) && answer.contains(&format!("sceau-code: {code}")),
                "{answer}"
            );
            assert!(answer.ends_with("no"), "the partner's own words are there: {answer}");
        }
        drop(out.stop().await);
    }
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_not_believed_is_told_nothing_and_the_application_is_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let (_openssl, wanting) = openssl().await;
    let (_plain, plain) =
        Server::nginx(tempfile::tempdir().unwrap().keep().as_path(), "server { listen 127.0.0.1:PORT; }");
    let list = folder.path().join("root.crl");
    for (revoked, name) in [(&["server"][..], "revoked"), (&[], "good")] {
        let made = List { authority: "root", number: "02", revoked, dates: "-crldays 7".to_owned() }.make();
        publish(&folder.path().join(format!("{name}.crl")), &made);
    }
    let ended = List { authority: "root", number: "02", revoked: &[], dates: String::new() };
    publish(&folder.path().join("ended.crl"), &ended.dated("-3 days", "-1 day").make());
    let lists = |name: &str| {
        format!("revocation_lists = [\"{}\"]", list.with_file_name(format!("{name}.crl")).display())
    };
    let nginx = format!("https://localhost:{port}");
    for (to, more, status, code) in [
        (nginx.clone(), format!("{}\n{}", tls("root", "direct"), lists("good")), " 200", ""),
        (
            nginx.clone(),
            format!("{}\n{}", tls("root", "direct"), lists("revoked")),
            " 502",
            "partner_certificate_revoked",
        ),
        (
            nginx.clone(),
            format!("{}\n{}", tls("root", "direct"), lists("ended")),
            " 502",
            "partner_revocation_unknown",
        ),
        (nginx.clone(), tls("stranger", "direct"), " 502", "partner_certificate_untrusted"),
        (nginx.clone(), String::new(), " 502", "partner_certificate_untrusted"),
        (format!("https://127.0.0.2:{port}"), tls("root", "direct"), " 502", "partner_"),
        (format!("https://localhost:{wanting}"), tls("root", ""), " 502", "own_certificate_wanted"),
        (format!("https://localhost:{wanting}"), tls("root", "foreign"), " 502", "own_certificate_refused"),
        (format!("https://localhost:{plain}"), tls("root", ""), " 502", "partner_refuses_tls"),
        ("https://localhost:9".to_owned(), tls("root", ""), " 502", "partner_away"),
    ] {
        let out = Out::to(&to, &more).await;
        let answer = out.curl("/", "").await;
        assert!(answer.contains(status), "{to} {more}: {answer}");
        let said = code.is_empty()
            || answer.contains(&format!("sceau-code: {code}")) && answer.contains("sceau-reason: ");
        assert!(said, "{to} {more}: {answer}");
        drop(out.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_is_taken_back_is_called_no_more_over_a_connection_that_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let list = folder.path().join("root.crl");
    let make =
        |number, revoked| List { authority: "root", number, revoked, dates: "-crldays 7".to_owned() }.make();
    publish(&list, &make("02", &[]));
    let lists = format!("revocation_lists = [\"{}\"]", list.display());
    let out =
        Out::to(&format!("https://localhost:{port}"), &format!("{}\n{lists}", tls("root", "direct"))).await;
    assert!(out.curl("/", "").await.contains(" 200"));
    publish(&list, &make("03", &["server"]));
    let since = std::time::Instant::now();
    while !out.curl("/", "").await.contains("partner_certificate_revoked") {
        assert!(since.elapsed().as_secs() < 10, "a new list acts on calls");
    }
    drop(out.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_a_browser_of_this_machine_cannot_call() {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let out = Out::to(&format!("https://localhost:{port}"), &tls("root", "direct")).await;
    let own = out.at.rsplit(':').next().unwrap().to_owned();
    for (words, code) in [
        ("-H Origin:http://evil.example".to_owned(), "browser_refused"),
        ("-H Origin:null".to_owned(), "browser_refused"),
        ("-H Sec-Fetch-Site:cross-site".to_owned(), "browser_refused"),
        // A name of elsewhere that was bound to this address.
        (format!("-H Host:evil.example:{own}"), "host_refused"),
        ("-H Host:127.0.0.1".to_owned(), "host_refused"),
        (format!("-H Host:127.0.0.2:{own}"), "host_refused"),
        (format!("-H Host:localhost.evil.example:{own}"), "host_refused"),
        (format!("--request-target http://evil.example/ -H Host:127.0.0.1:{own}"), "host_refused"),
    ] {
        let answer = out.curl("/", &words).await;
        assert!(answer.contains(" 403") && answer.contains(code), "{words}: {answer}");
    }
    for host in [format!("127.0.0.1:{own}"), format!("LOCALHOST:{own}")] {
        assert!(out.curl("/", &format!("-H Host:{host}")).await.contains(" 200"), "{host}");
    }
    drop(out.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_could_reach_is_refused() {
    let (at, to) = ("127.0.0.1:0", "https://localhost:1");
    let out = Out::to(to, &tls("root", "")).await;
    let tls = tls("root", "");
    let lists = format!("revocation_lists = [\"{}/root.crl\"]", chain().display());
    let (not_ours, shape) = ("address: write an address of this machine alone", "to: write it https://host");
    for (address, to, more, said) in [
        ("0.0.0.0:0", to, "", not_ours),
        ("192.0.2.1:1", to, "", not_ours),
        ("[::]:0", to, "", not_ours),
        ("localhost:1", to, "", not_ours),
        ("unix:relative", to, "", "the path of a socket begins with a slash"),
        (at, to, "mode = \"0600\"", not_ours),
        ("unix:/tmp/x.sock", to, "mode = \"0666\"", "mode: 0600, for its owner"),
        (at, "http://localhost:1", "", shape),
        (at, "https://u@localhost:1", "", shape),
        (at, "https://localhost/?a", "", shape),
    ] {
        fs::write(out.folder.path().join("gate.toml"), settings(address, to, &format!("{tls}\n{more}")))
            .unwrap();
        let refusal = out.reload.ask().await.unwrap_err().to_string();
        assert!(refusal.contains(said), "{address} {to} {more}: {refusal}");
    }
    fs::write(out.folder.path().join("gate.toml"), settings(at, to, &lists)).unwrap();
    assert!(out.reload.ask().await.unwrap_err().to_string().contains("tls.authority"));
    drop(out.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_says_whom_to_call_and_with_which_certificate_and_the_log_says_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_partner, port) = partner(folder.path());
    let out = tempfile::tempdir().unwrap();
    let shipped = include_str!("../../../pki/profiles/sas.toml");
    let ours = shipped.replace(
        "https://sas-agregateur.integration.santefr.esante.gouv.fr/",
        &format!("https://localhost:{port}/base/"),
    );
    fs::write(out.path().join("ours.toml"), ours).unwrap();
    let part = |name: &str| fs::read_to_string(chain().join(name)).unwrap();
    let bundle = out.path().join("Essai_TEST.key.crt.ca.pem");
    fs::write(&bundle, part("known.key") + &part("known.pem") + &part("authority.pem")).unwrap();
    fs::set_permissions(&bundle, fs::Permissions::from_mode(0o600)).unwrap();
    let (collector, mut sent) = collector().await;
    let settings = |environment: &str, more: &str| {
        format!(
            "[observe]\naccess_log = \"access.jsonl\"\ntraces = \"http://{collector}\"\n[[outgoing]]\naddress = \"127.0.0.1:0\"\n\
             profile = \"ours.toml\"\nenvironment = \"{environment}\"\n{more}\ntls = {{ authority = \"{}/root.pem\" }}\n",
            chain().display()
        )
    };
    let file = out.path().join("gate.toml");
    for (environment, editor, said) in [
        ("nowhere", "editor = \"Essai\"", "outgoing 1, environment: name one of the profile's"),
        ("recette", "", "outgoing 1, editor: name your software"),
        ("recette", "editor = \"../x\"", "outgoing 1, editor: "),
        ("production", "editor = \"Essai\"", "Essai_PROD.key.crt.ca.pem"),
    ] {
        fs::write(&file, settings(environment, editor)).unwrap();
        let refusal = Plan::read(&file).unwrap_err().to_string();
        assert!(refusal.contains(said), "{said}: {refusal}");
    }
    let out = Out::with(out, &settings("recette", "editor = \"Essai\"")).await;
    let answer = out.curl("/a?b=hidden", "--data x").await;
    assert!(
        answer.contains("CN=sas-agregateur-recette,OU=499700234190004,O=X,C=FR|POST|/base/a?b=hidden|"),
        "{answer}"
    );
    let id = answer.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().trim().to_owned();
    out.curl("/401", "").await;
    out.curl("/", "-H Origin:null").await;
    let at = out.at.clone();
    let folder = out.stop().await;
    let text = fs::read_to_string(folder.path().join("access.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let partner = format!("localhost:{port}");
    let told = |nth: usize| {
        let line: &serde_json::Value = &lines[nth];
        assert!(line["outgoing"] == "127.0.0.1:0" && line["partner"] == partner.as_str(), "{at}: {line}");
        assert!(line.get("listener").is_none() && line.get("from").is_none(), "{line}");
        (line["status"].as_u64().unwrap(), line["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(told(0), (200, String::new()));
    assert_eq!(told(1), (401, "partner_unauthorized".to_owned()));
    assert_eq!(told(2), (403, "browser_refused".to_owned()));
    assert!(
        lines[0]["request"] == id.as_str() && lines[0]["received"] == 1 && !text.contains("hidden"),
        "{text}"
    );
    assert_eq!(lines[0]["service"], format!("https://localhost:{port}"));
    let mut spans = Vec::new();
    while let Ok((_, body)) = sent.try_recv() {
        spans.extend(body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone());
    }
    assert_eq!(spans.len(), 3);
    assert!(spans.iter().all(|span| span["kind"] == 3), "each is a client's: {spans:?}");
    let named =
        |key: &str| spans[0]["attributes"].as_array().unwrap().iter().find(|it| it["key"] == key).cloned();
    assert_eq!(named("server.address").unwrap()["value"]["stringValue"], "localhost");
    assert_eq!(named("url.scheme").unwrap()["value"]["stringValue"], "https");
}
