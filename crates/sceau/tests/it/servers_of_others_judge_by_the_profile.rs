//! The settings of `sceau cert config` in the real nginx, Apache and HAProxy of Debian, called by curl, and by `sceau cert probe`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::authorities::{authorities, client, lists, openssl};
use crate::support::{Desk, Ran, finish};

/// A service that answers every request with `{"status": "available"}`, until the test ends.
fn service() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for caller in listener.incoming() {
            let mut caller = caller.unwrap();
            let mut asked: Vec<u8> = Vec::new();
            let mut part = [0; 1024];
            while !asked.windows(4).any(|four| four == b"\r\n\r\n") {
                match caller.read(&mut part) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => asked.extend(&part[..length]),
                }
            }
            let body = r#"{"status": "available"}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _gone = caller.write_all((head + body).as_bytes());
        }
    });
    port
}

/// A port of the loopback that nobody holds now: these servers cannot say which one they took.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A server that ends with the test.
struct Server(Child);

impl Server {
    /// Starts it and reads what it says until it says `ready`.
    fn start(folder: &Path, words: &[&str], ready: &str) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "--"]).args(words).current_dir(folder).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said += &line;
            said += "\n";
            line.contains(ready)
        });
        assert!(ready, "{words:?} said: {said}");
        // Nobody must be stopped by a pipe that is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers end with it where it is asked to, and not where it is killed.
        let _ended = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _reaped = self.0.wait();
    }
}

/// Certificates of the server and of its clients, and the files that the settings name.
fn stage() -> Desk {
    let desk = Desk::new();
    authorities(&desk);
    let host = desk.read("server.ext");
    desk.write("host.ext", &[&host[..], b"subjectAltName=IP:127.0.0.1,DNS:localhost\n"].concat());
    client(&desk, "server", "/CN=localhost", "host.ext");
    desk.write("host.pem", &[desk.read("server.pem"), desk.read("aci.pem")].concat());
    desk.write("host-and-key.pem", &[desk.read("host.pem"), desk.read("server.key")].concat());
    desk.write("ACI-ACR-EL-ORG-TEST.cer.pem", &[desk.read("root.pem"), desk.read("aci.pem")].concat());
    for (name, subject) in [
        ("recette", "/C=FR/ST=Paris_(75)/O=CABINET/OU=499700234190004/CN=sas-agregateur-recette"),
        ("preproduction", "/C=FR/O=CABINET/OU=499700343942006/CN=sas-aggregator-preproduction"),
        ("taken", "/C=FR/O=CABINET/OU=499700234190004/CN=sas-agregateur-recette"),
        ("longer", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette-2"),
        ("before", "/C=FR/OU=499700234190004/CN=x-sas-agregateur-recette"),
        ("comma", "/C=FR/OU=499700234190004/CN=x,CN=sas-agregateur-recette,OU=499700234190004"),
        ("unit", "/C=FR/OU=499700343942006/CN=sas-agregateur-recette"),
        ("units", "/C=FR/OU=499700234190004/OU=autre/CN=sas-agregateur-recette"),
        ("names", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette/CN=autre"),
        ("capitals", "/C=FR/OU=499700234190004/CN=SAS-AGREGATEUR-RECETTE"),
        ("nounit", "/C=FR/CN=sas-agregateur-recette"),
    ] {
        client(&desk, name, subject, "leaf.ext");
    }
    client(&desk, "wrong", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette", "server.ext");
    // Of the anchor itself, and of nobody.
    openssl(
        &desk,
        "req -new -key recette.key -subj /C=FR/OU=499700234190004/CN=sas-agregateur-recette -out again.csr",
    );
    openssl(
        &desk,
        "x509 -req -in again.csr -CA root.pem -CAkey root.key -CAcreateserial -days 9 -extfile leaf.ext -out anchor.pem",
    );
    std::fs::copy(desk.path("recette.key"), desk.path("anchor.key")).unwrap();
    openssl(
        &desk,
        "req -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.pem -days 9 -subj /C=FR/OU=499700234190004/CN=sas-agregateur-recette",
    );
    lists(&desk, &["taken"], 2, "ACR-ACI-EL-ORG-TEST.crl.pem");
    desk
}

/// The settings for one server, as the command prints them; all that they name is in the desk's folder.
fn settings(desk: &Desk, server: &str, port: u16, upstream: u16, more: &[&str]) -> String {
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let certificate = if server == "haproxy" { "host-and-key.pem" } else { "host.pem" };
    let (port, upstream) = (port.to_string(), format!("http://127.0.0.1:{upstream}"));
    let (certificate, key) = (format!("{folder}/{certificate}"), format!("{folder}/server.key"));
    let words = [
        "cert",
        "config",
        server,
        "--profile",
        "sas",
        "--env",
        "recette",
        "--env",
        "preproduction",
        "--path",
        "/sas",
        "--upstream",
        &upstream,
        "--port",
        &port,
        "--folder",
        &folder,
        "--certificate",
        &certificate,
        "--key",
        &key,
        "--issuer",
        "aci.pem",
    ];
    desk.run(&[&words[..], more].concat()).ok().text()
}

/// Status and body of an answer to this client; `tls` where the handshake is refused.
fn call(desk: &Desk, port: u16, path: &str, client: Option<&str>) -> (String, String) {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--show-error",
        "--cacert",
        "root.pem",
        "--path-as-is",
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
const EXPECTED: [(Option<&str>, &str); 16] = [
    (Some("recette"), "200"),
    (Some("preproduction"), "200"),
    (None, "401"),
    (Some("taken"), "refused"),
    (Some("self"), "refused"),
    (Some("wrong"), "refused"),
    (Some("anchor"), "issuer"),
    (Some("longer"), "403"),
    (Some("before"), "403"),
    (Some("comma"), "403"),
    (Some("unit"), "403"),
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

fn nginx(desk: &Desk, port: u16, upstream: u16, more: &[&str]) -> Server {
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let whole = format!(
        "pid {folder}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/t1;\n\
         proxy_temp_path {folder}/t2;\nfastcgi_temp_path {folder}/t3;\nuwsgi_temp_path {folder}/t4;\nscgi_temp_path {folder}/t5;\n{}}}\n",
        settings(desk, "nginx", port, upstream, more)
    );
    desk.write("nginx.conf", whole.as_bytes());
    let configuration = format!("{folder}/nginx.conf");
    let words = ["/usr/sbin/nginx", "-c", &configuration, "-e", "stderr", "-g", "daemon off; user root;"];
    Server::start(&desk.path(""), &words, "start worker process ")
}

#[test]
fn nginx_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _nginx = nginx(&desk, port, upstream, &[]);
    judged(&desk, port, "401", "401");
}

#[test]
fn addresses_are_let_in_each_for_its_own_environment() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _nginx = nginx(&desk, port, upstream, &["--filter-addresses"]);
    // Nobody calls from the loopback there.
    assert_eq!(call(&desk, port, "/sas/x", Some("recette")).0, "403");
}

#[test]
fn apache_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let modules: String = [
        "mpm_event",
        "ssl",
        "rewrite",
        "proxy",
        "proxy_http",
        "authz_core",
        "authz_host",
        "authn_core",
        "dir",
        "mime",
    ]
    .iter()
    .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
    .collect();
    let whole = format!(
        "ServerRoot {folder}\nPidFile {folder}/apache.pid\nServerName localhost\nErrorLog /dev/stderr\nDocumentRoot {folder}/t1\nMutex file:{folder}\n\
         User www-data\nGroup www-data\n{modules}TypesConfig /etc/mime.types\nLogLevel notice\n{}",
        settings(&desk, "apache", port, upstream, &[])
    );
    std::fs::create_dir(desk.path("t1")).unwrap();
    desk.write("apache.conf", whole.as_bytes());
    let configuration = format!("{folder}/apache.conf");
    let words = ["/usr/sbin/apache2", "-f", &configuration, "-DFOREGROUND"];
    let _apache = Server::start(&desk.path(""), &words, "resuming normal operations");
    judged(&desk, port, "tls", "403");
}

#[test]
fn haproxy_answers_each_client_as_it_must() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let whole =
        format!("global\n    tune.ssl.cachesize 0\n{}", settings(&desk, "haproxy", port, upstream, &[]));
    desk.write("haproxy.cfg", whole.as_bytes());
    let words = ["/usr/sbin/haproxy", "-W", "-db", "-f", "haproxy.cfg"];
    let _haproxy = Server::start(&desk.path(""), &words, "Loading success");
    judged(&desk, port, "401", "401");
}

#[test]
fn traefiks_settings_have_its_form_and_say_what_they_cannot_do() {
    let text = settings(&stage(), "traefik", 8443, 8080, &[]);
    assert!(
        text.contains("NOT ENOUGH")
            && text.contains("CN=sas-aggregator-preproduction and OU=499700343942006"),
        "{text}"
    );
    let read = "import sys, json\ntry:\n import yaml\nexcept ImportError:\n sys.exit(0)\nd = yaml.safe_load(sys.stdin)\nassert d['tls']['options']['sas']['clientAuth']['clientAuthType'] == 'RequireAndVerifyClientCert'\nassert d['http']['routers']['sas']['tls']['options'] == 'sas'\n";
    let mut child = Command::new("python3").args(["-c", read]).stdin(Stdio::piped()).spawn().unwrap();
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

/// The steps of a probe, each with its state.
fn probed(desk: &Desk, port: u16, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let url = format!("https://127.0.0.1:{port}/sas");
    let ran = desk.run(&[&["cert", "probe", &url, "--json", "--anchors", "root.pem"], more].concat());
    let said = ran.json();
    let text = |step: &serde_json::Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let steps = said["steps"].as_array().unwrap();
    (
        ran.code,
        steps.iter().map(|step| (text(step, "step"), text(step, "state"), text(step, "found"))).collect(),
    )
}

#[test]
fn a_probe_says_of_each_step_what_was_found() {
    let (desk, port, upstream) = (stage(), free_port(), service());
    let _nginx = nginx(&desk, port, upstream, &[]);
    openssl(
        &desk,
        "req -x509 -newkey rsa:2048 -nodes -keyout x.key -out other-root.pem -days 9 -subj /CN=other",
    );
    std::fs::set_permissions(desk.path("unit.key"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .unwrap();
    for name in ["recette", "longer", "self", "taken"] {
        for ending in ["key", "pem"] {
            let set = Command::new("chmod")
                .args(["600", &format!("{name}.{ending}")])
                .current_dir(desk.path(""))
                .status();
            assert!(set.unwrap().success());
        }
    }
    let with = |name: &str| {
        probed(&desk, port, &["--cert", &format!("{name}.pem"), "--key", &format!("{name}.key")])
    };
    let (code, steps) = with("recette");
    let found: Vec<_> = steps.iter().map(|(step, state, _)| (step.as_str(), state.as_str())).collect();
    let wanted =
        ["name", "connection", "tls", "server", "asks", "answer", "check"].map(|step| (step, "well"));
    assert_eq!((code, found), (0, wanted.to_vec()), "{steps:?}");
    assert!(steps[2].2.starts_with("TLS 1.3"), "{steps:?}");
    assert!(steps[4].2.contains("CN=TEST AC RACINE,OU=IGC-SANTE TEST,OU=0002 187512751"), "{steps:?}");

    for (name, words) in [
        ("longer", "403: our certificate is believed"),
        ("self", "403: our certificate is not believed (it says FAILED"),
        ("taken", "403: our certificate is not believed (it says FAILED:certificate revoked"),
    ] {
        let (code, steps) = with(name);
        let (step, state, found) = steps.last().unwrap();
        // `/check` answers 403 to every failed authentication: what else it says tells them apart.
        assert_eq!((code, step.as_str(), state.as_str()), (5, "certificate", "refused"), "{name}");
        assert!(found.starts_with(words), "{name}: {found}");
    }
    let (code, steps) = probed(&desk, port, &[]);
    assert!(code == 5 && steps.last().unwrap().2.contains("which is in order"), "{steps:?}");

    // A server whose certificate nobody vouches for is told nothing of ours.
    let url = format!("https://127.0.0.1:{port}/sas");
    let ran = desk.run(&[
        "cert",
        "probe",
        &url,
        "--anchors",
        "other-root.pem",
        "--cert",
        "recette.pem",
        "--key",
        "recette.key",
    ]);
    ran.failed(5, "no authority that is trusted here issued it");
    desk.run(&["cert", "probe", &url, "--anchors", "root.pem", "--cert", "unit.pem", "--key", "unit.key"])
        .failed(2, "unit.key");
}

#[test]
fn a_probe_names_what_is_wrong_on_the_way() {
    let desk = stage();
    let nobody = free_port();
    let (code, steps) = probed(&desk, nobody, &[]);
    assert_eq!((code, steps.len()), (1, 2));
    assert!(steps[1].2.contains("refuses connections"), "{steps:?}");
    // No TLS there.
    let (code, steps) = probed(&desk, service(), &[]);
    assert!(code == 1 && steps[2].2.starts_with("no TLS"), "{steps:?}");
    desk.run(&["cert", "probe", "http://127.0.0.1/"]).failed(2, "https://");
    let ran = desk.run(&["cert", "probe", "https://nobody.invalid/", "--anchors", "root.pem"]);
    ran.failed(1, "nobody.invalid is not found");
}
