//! `sceau cert config --ocsp --staple` in the real nginx, Apache and HAProxy of Debian: who was taken back is refused though no list says so, and what a
//! responder says of the server is handed out.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::a_responder_is_asked::Responder;
use crate::authorities::{client, openssl};
use crate::others::{Server, free_port, nginx, service, settings, stage};
use crate::support::{Desk, finish};

/// The usual desk, whose issuing authority has a responder too; the server's certificate names it, and a client, `told`, is taken back there alone.
fn desk() -> (Desk, Responder) {
    let desk = stage();
    std::fs::create_dir(desk.path("aci")).unwrap();
    for (from, to) in [("aci.key", "aci/authority.key"), ("aci.cer", "aci/authority.cer")] {
        std::fs::copy(desk.path(from), desk.path(to)).unwrap();
    }
    std::fs::set_permissions(desk.path("aci/authority.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    desk.write("aci/authority.json", br#"{"list_number": 0, "revoked": []}"#);
    client(&desk, "told", "/C=FR/OU=499700234190004/CN=sas-agregateur-recette", "leaf.ext");
    desk.run(&["cert", "ca", "revoke", "--issuer", "aci", "told.pem"]).ok();
    let responder = Responder::start(&desk, "127.0.0.1:0");
    let naming = format!("authorityInfoAccess=OCSP;URI:http://127.0.0.1:{}/\n", responder.port);
    desk.write("naming.ext", &[desk.read("host.ext"), naming.into_bytes()].concat());
    client(&desk, "server", "/CN=localhost", "naming.ext");
    desk.write("host.pem", &[desk.read("server.pem"), desk.read("aci.pem")].concat());
    desk.write("host-and-key.pem", &[desk.read("host.pem"), desk.read("server.key")].concat());
    (desk, responder)
}

/// Of an answer at `/sas/x`; `000` where the handshake is refused.
fn status(desk: &Desk, port: u16, client: &str) -> String {
    let mut command = Command::new("curl");
    let shown = ["--cert", &format!("{client}.pem"), "--key", &format!("{client}.key")];
    command.args(["--silent", "--cacert", "root.pem", "--output", "body", "--write-out", "%{http_code}"]);
    command.args(shown).arg(format!("https://127.0.0.1:{port}/sas/x")).current_dir(desk.path(""));
    finish(command).text()
}

/// What is stapled, once the server has it: it asks when a client first wants it.
fn stapled(desk: &Desk, port: u16) -> String {
    let begun = Instant::now();
    loop {
        let words = format!("s_client -connect 127.0.0.1:{port} -CAfile root.pem -status");
        let mut command = Command::new("openssl");
        let output = command.args(words.split(' ')).current_dir(desk.path("")).stdin(Stdio::null()).output();
        let said = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        if said.contains("OCSP Response Status: successful") {
            return said;
        }
        assert!(begun.elapsed().as_secs() < 20, "{said}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Who is let in while the responder speaks, and who where it is away.
fn judged(desk: &Desk, port: u16, responder: Responder, refused: &str) {
    assert_eq!(status(desk, port, "recette"), "200");
    assert_eq!(status(desk, port, "told"), refused, "the responder alone says so");
    assert_eq!(status(desk, port, "taken"), refused, "and so does the list");
    let said = stapled(desk, port);
    assert!(said.contains("Cert Status: good"), "{said}");
    drop(responder);
    // Nobody asked about this one before.
    assert_eq!(status(desk, port, "preproduction"), refused, "without an answer nobody passes");
}

#[test]
fn nginx_asks_and_staples() {
    let ((desk, responder), port, upstream) = (desk(), free_port(), service());
    let ocsp = format!("--ocsp=http://127.0.0.1:{}", responder.port);
    let _nginx = nginx(&desk, port, upstream, &[&ocsp, "--staple"]);
    judged(&desk, port, responder, "401");
}

#[test]
fn apache_asks_and_staples() {
    let ((desk, responder), port, upstream) = (desk(), free_port(), service());
    let folder = desk.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let modules =
        "mpm_event ssl rewrite proxy proxy_http authz_core authz_host authn_core dir mime socache_shmcb";
    let load = |name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
    let modules: String = modules.split(' ').map(load).collect();
    let ocsp = format!("--ocsp=http://127.0.0.1:{}", responder.port);
    let whole = format!(
        "Define APACHE_RUN_DIR {folder}\nServerRoot {folder}\nPidFile {folder}/apache.pid\nServerName localhost\nErrorLog /dev/stderr\nDocumentRoot {folder}/t1\n\
         Mutex file:{folder}\nUser www-data\nGroup www-data\n{modules}TypesConfig /etc/mime.types\nLogLevel notice\n{}",
        settings(&desk, "apache", port, upstream, &[&ocsp, "--staple"])
    );
    std::fs::create_dir(desk.path("t1")).unwrap();
    desk.write("apache.conf", whole.as_bytes());
    let configuration = format!("{folder}/apache.conf");
    let words = ["/usr/sbin/apache2", "-f", &configuration, "-DFOREGROUND"];
    let _apache = Server::start(&desk.path(""), &words, "resuming normal operations");
    judged(&desk, port, responder, "000");
}

#[test]
fn haproxy_staples_what_lies_beside_its_certificate_and_asks_nobody() {
    let ((desk, responder), port, upstream) = (desk(), free_port(), service());
    openssl(
        &desk,
        &format!(
            "ocsp -issuer aci.pem -cert server.pem -url http://127.0.0.1:{}/ -CAfile root.pem -verify_other aci.pem -respout host-and-key.pem.ocsp",
            responder.port
        ),
    );
    let text = settings(&desk, "haproxy", port, upstream, &["--staple"]);
    assert!(text.contains("host-and-key.pem.ocsp (DER)"), "{text}");
    desk.write("haproxy.cfg", format!("global\n    tune.ssl.cachesize 0\n{text}").as_bytes());
    let words = ["/usr/sbin/haproxy", "-W", "-db", "-f", "haproxy.cfg"];
    let _haproxy = Server::start(&desk.path(""), &words, "Loading success");
    assert!(stapled(&desk, port).contains("Cert Status: good"));
    assert_eq!(status(&desk, port, "told"), "200", "no list says it: what the settings' first lines say");
}

#[test]
fn what_a_server_cannot_do_or_would_not_find_is_refused() {
    let desk = Desk::new();
    let refused = |server: &str, more: &[&str], words: &str| {
        let base = ["cert", "config", server, "--profile", "sas", "--env", "recette"];
        desk.run(&[&base[..], more].concat()).failed(2, words);
    };
    refused("haproxy", &["--ocsp"], "asks a responder");
    refused("traefik", &["--ocsp"], "asks a responder");
    refused("traefik", &["--staple"], "staple nothing");
    refused("nginx", &["--ocsp"], "--resolver");
    refused("nginx", &["--ocsp=https://127.0.0.1"], "begins with http://");
    refused("nginx", &["--ocsp=http://127.0.0.1/a;b"], "begins with http://");
    let base = ["cert", "config", "nginx", "--profile", "sas", "--env", "recette"];
    let text = desk.run(&[&base[..], &["--ocsp", "--resolver", "::1"]].concat()).ok().text();
    assert!(text.contains("ssl_ocsp_responder http://ocsp.esante.gouv.fr;\n    resolver [::1];"), "{text}");
}
