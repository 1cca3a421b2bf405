//! Servers that we did not write, in the settings that we print, and the certificates of everybody who calls them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::authorities::{authorities, client, expired, lists, openssl};
use crate::support::Desk;

/// A service that answers every request with `{"status": "available"}`, until the test ends.
pub(crate) fn service() -> u16 {
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

/// A port of the loopback that nobody listens on, below those that systems hand out by themselves: a client or a test's own server does not take it before
/// the server for which it is meant does; these cannot say which one they took. No other test of this process is given it.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    let next = || 12_000 + from.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % 20_000;
    let mut ports = std::iter::repeat_with(|| u16::try_from(next()).unwrap());
    ports.find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

/// A server that ends with the test.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it and reads what it says until it says `ready`.
    pub(crate) fn start(folder: &Path, words: &[&str], ready: &str) -> Self {
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
pub(crate) fn stage() -> Desk {
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
        ("digit", "/C=FR/OU=4997002341900044/CN=sas-agregateur-recette"),
        ("units", "/C=FR/OU=499700234190004/OU=autre/CN=sas-agregateur-recette"),
        ("names", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette/CN=autre"),
        ("capitals", "/C=FR/OU=499700234190004/CN=SAS-AGREGATEUR-RECETTE"),
        ("nounit", "/C=FR/CN=sas-agregateur-recette"),
    ] {
        client(&desk, name, subject, "leaf.ext");
    }
    expired(&desk, "expired", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette");
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

/// A profile of the test's own, in the place of the shipped one where it is there.
const OWN_PROFILE: &str = "./own.toml";

/// Writes the shipped profile with other addresses of its environments.
pub(crate) fn called_from(desk: &Desk, addresses: &[(&str, &str)]) {
    let shipped = include_str!("../../../pki/profiles/sas.toml").to_owned();
    let own = addresses.iter().fold(shipped, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    desk.write(OWN_PROFILE, own.as_bytes());
}

/// The settings for one server, as the command prints them; all that they name is in the desk's folder.
pub(crate) fn settings(desk: &Desk, server: &str, port: u16, upstream: u16, more: &[&str]) -> String {
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let certificate = if server == "haproxy" { "host-and-key.pem" } else { "host.pem" };
    let (port, upstream) = (port.to_string(), format!("http://127.0.0.1:{upstream}"));
    let profile = if desk.path(OWN_PROFILE).exists() { OWN_PROFILE } else { "sas" };
    let (certificate, key) = (format!("{folder}/{certificate}"), format!("{folder}/server.key"));
    let words = [
        "cert",
        "config",
        server,
        "--profile",
        profile,
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

pub(crate) fn nginx(desk: &Desk, port: u16, upstream: u16, more: &[&str]) -> Server {
    nginx_with(desk, &settings(desk, "nginx", port, upstream, more))
}

/// nginx with these settings of `http`.
pub(crate) fn nginx_with(desk: &Desk, settings: &str) -> Server {
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let whole = format!(
        "pid {folder}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/t1;\n\
         proxy_temp_path {folder}/t2;\nfastcgi_temp_path {folder}/t3;\nuwsgi_temp_path {folder}/t4;\nscgi_temp_path {folder}/t5;\n{settings}}}\n"
    );
    desk.write("nginx.conf", whole.as_bytes());
    let configuration = format!("{folder}/nginx.conf");
    let words = ["/usr/sbin/nginx", "-c", &configuration, "-e", "stderr", "-g", "daemon off; user root;"];
    Server::start(&desk.path(""), &words, "start worker process ")
}

pub(crate) fn apache(desk: &Desk, port: u16, upstream: u16, more: &[&str]) -> Server {
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
        settings(desk, "apache", port, upstream, more)
    );
    std::fs::create_dir_all(desk.path("t1")).unwrap();
    desk.write("apache.conf", whole.as_bytes());
    let configuration = format!("{folder}/apache.conf");
    let words = ["/usr/sbin/apache2", "-f", &configuration, "-DFOREGROUND"];
    Server::start(&desk.path(""), &words, "resuming normal operations")
}

pub(crate) fn haproxy(desk: &Desk, port: u16, upstream: u16, more: &[&str]) -> Server {
    let whole =
        format!("global\n    tune.ssl.cachesize 0\n{}", settings(desk, "haproxy", port, upstream, more));
    desk.write("haproxy.cfg", whole.as_bytes());
    let words = ["/usr/sbin/haproxy", "-W", "-db", "-f", "haproxy.cfg"];
    Server::start(&desk.path(""), &words, "Loading success")
}
