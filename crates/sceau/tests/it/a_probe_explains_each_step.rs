//! What `sceau cert probe` says of servers that refuse, are somebody else, or answer what is no answer: `openssl s_server` and nginx, each in a row of a table.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::authorities::{dated, openssl};
use crate::others::{free_port, nginx_with, stage};
use crate::support::Desk;

/// What is shown, by the name of its files; how it ends; the last step, its state, and what is in its words and in its advice.
type Row = (Option<&'static str>, i32, &'static str, &'static str, &'static str, &'static str);

/// Who calls, and who cannot be loaded by anybody but us.
fn called() -> Desk {
    let desk = stage();
    for name in ["recette", "self", "taken", "expired", "wrong"] {
        for ending in ["key", "pem"] {
            let path = desk.path(format!("{name}.{ending}"));
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
    desk
}

/// Probes as the row says, and compares the last step.
fn says(desk: &Desk, url: &str, row: Row) {
    let (shown, code, step, state, found, advice) = row;
    let files = shown.map(|name| (format!("{name}.pem"), format!("{name}.key")));
    let mut words = vec!["cert", "probe", url, "--json", "--anchors", "root.pem"];
    if let Some((certificate, key)) = &files {
        words.extend(["--cert", certificate, "--key", key]);
    }
    let ran = desk.run(&words);
    let said = ran.json();
    let last = said["steps"].as_array().unwrap().last().unwrap();
    let what = format!("{url} {shown:?}: {last}");
    assert_eq!(
        (ran.code, last["step"].as_str(), last["state"].as_str()),
        (code, Some(step), Some(state)),
        "{what}"
    );
    assert!(last["found"].as_str().unwrap().contains(found), "{what}");
    assert!(last["advice"].as_str().unwrap_or_default().contains(advice), "{what}");
}

/// `openssl s_server`, which ends with the test.
struct Answering {
    child: Child,
    url: String,
}

impl Answering {
    fn start(desk: &Desk, words: &str) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "openssl", "s_server", "-accept", "127.0.0.1:0"]);
        command.args(words.split(' ')).current_dir(desk.path("")).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let ready =
            lines.find(|line| line.starts_with("ACCEPT")).unwrap_or_else(|| panic!("no server: {words}"));
        // Nobody must be stopped by a pipe that is full.
        std::thread::spawn(move || lines.for_each(drop));
        let port = ready.rsplit_once(':').unwrap().1.to_owned();
        Self { child, url: format!("https://127.0.0.1:{port}/sas") }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVER: &str = "-cert server.pem -key server.key -cert_chain aci.pem -www";

#[test]
fn a_server_that_ends_the_connection_is_understood() {
    let desk = called();
    // Who is not believed is told so in an alert (RFC 8446 §6.2).
    let judging = format!(
        "{SERVER} -Verify 3 -verify_return_error -CAfile ACI-ACR-EL-ORG-TEST.cer.pem -CRL aci.crl.pem -crl_check"
    );
    let ended = "the server ended the connection";
    for version in ["-tls1_2", "-tls1_3"] {
        let server = Answering::start(&desk, &format!("{judging} {version}"));
        let none = if version == "-tls1_3" {
            "takes no connection without a certificate"
        } else {
            "may demand a certificate"
        };
        for (shown, advice) in [
            (None, none),
            (Some("self"), "does not know who issued ours"),
            (Some("expired"), "has expired for the server"),
            (Some("taken"), "ours was revoked"),
            (Some("wrong"), "look at its purpose"),
        ] {
            says(&desk, &server.url, (shown, 5, "certificate", "refused", ended, advice));
        }
        // A server that demands one is looked at without one first, and called with ours then.
        says(&desk, &server.url, (Some("recette"), 1, "check", "trouble", "200 without a \"status\"", ""));
    }
    // An alert that says nothing of certificates.
    let strict =
        Answering::start(&desk, &format!("{SERVER} -Verify 3 -tls1_2 -client_sigalgs RSA+SHA512 -no_ticket"));
    says(
        &desk,
        &strict.url,
        (Some("recette"), 5, "certificate", "refused", ended, "the partner's log tells the reason"),
    );
}

#[test]
fn a_server_that_is_not_the_one_that_is_meant_is_told_nothing() {
    let desk = called();
    for (name, dates) in [
        ("past", "-startdate 20240101000000Z -enddate 20250101000000Z"),
        ("coming", "-startdate 20400101000000Z -enddate 20410101000000Z"),
    ] {
        std::fs::copy(desk.path("server.key"), desk.path(format!("{name}.key"))).unwrap();
        openssl(&desk, &format!("req -new -key {name}.key -subj /CN=localhost -out {name}.csr"));
        dated(&desk, name, &format!("{dates} -extfile host.ext"));
    }
    desk.write(
        "elsewhere.ext",
        &[&desk.read("server.ext")[..], b"subjectAltName=DNS:elsewhere.example\n"].concat(),
    );
    crate::authorities::client(&desk, "elsewhere", "/CN=elsewhere", "elsewhere.ext");
    for (name, found, advice) in [
        ("past", "expired", "has to install another certificate"),
        ("coming", "not valid yet", "compare the clocks"),
        ("elsewhere", "elsewhere.example", "call it by a name that is in its certificate"),
    ] {
        let server = Answering::start(&desk, &SERVER.replace("server.", &format!("{name}.")));
        says(&desk, &server.url, (Some("recette"), 5, "server", "refused", found, advice));
    }
    // Its intermediate is not sent.
    let alone = Answering::start(&desk, &SERVER.replace(" -cert_chain aci.pem", ""));
    let row = (
        Some("recette"),
        5,
        "server",
        "refused",
        "no authority that is trusted here",
        "must send its intermediate",
    );
    says(&desk, &alone.url, row);
}

#[test]
fn who_says_nothing_is_waited_for_so_long() {
    let desk = called();
    // It takes the connection, and speaks no TLS; the other speaks TLS, and answers nothing.
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mute_url = format!("https://{}/sas", mute.local_addr().unwrap());
    let server = Answering::start(&desk, &SERVER.replace(" -www", ""));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            says(
                &desk,
                &mute_url,
                (None, 1, "tls", "trouble", "no TLS: the server is silent", "look at the port"),
            );
        });
        scope.spawn(|| {
            says(
                &desk,
                &server.url,
                (None, 1, "answer", "trouble", "does not answer within 20 seconds", "log tells"),
            );
        });
    });
}

/// nginx' servers at these ports: one that asks nobody for a certificate, one that demands ours, and one that names another authority; each has every answer.
fn servers(desk: &Desk, [open, demanding, others]: [u16; 3]) -> String {
    openssl(
        desk,
        "req -x509 -newkey rsa:2048 -nodes -keyout x.key -out other-root.pem -days 9 -subj /CN=other",
    );
    let folder = desk.path("").display().to_string();
    let server = |port: u16, more: &str| {
        format!(
            "server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/host.pem; ssl_certificate_key {folder}/server.key;\n{more}\n}}\n"
        )
    };
    let returns = |place: &str, answer: &str| {
        format!("location = /{place}/check {{ default_type application/json; return {answer}; }}\n")
    };
    let answers = [
        returns("well", "200 '{\"status\":\"available\"}'"),
        returns("gone", "404"),
        returns("moved", "302 https://elsewhere.example/check"),
        returns("broken", "503 '{\"status\":\"overloaded\"}'"),
        returns("degraded", "200 '{\"status\":\"degraded\"}'"),
        returns("page", "200 '<html>'"),
        returns("teapot", "418"),
        returns("puzzled", "400"),
        returns("blind", "403 '{\"verify\":\"NONE\"}'"),
    ]
    .concat();
    let ours = format!("ssl_client_certificate {folder}/ACI-ACR-EL-ORG-TEST.cer.pem; ssl_verify_depth 3;");
    [
        server(open, &answers),
        server(demanding, &format!("ssl_verify_client on; {ours}\n{answers}")),
        server(
            others,
            &format!(
                "ssl_verify_client optional_no_ca; ssl_client_certificate {folder}/other-root.pem;\n{answers}"
            ),
        ),
    ]
    .concat()
}

#[test]
fn an_answer_that_is_none_is_told_in_words() {
    let desk = called();
    let [open, demanding, others] = [free_port(), free_port(), free_port()];
    let _nginx = nginx_with(&desk, &servers(&desk, [open, demanding, others]));
    let shown = Some("recette");
    for (place, row) in [
        (
            "gone",
            (shown, 1, "check", "trouble", "nothing is at this path", "ask the partner for its base address"),
        ),
        (
            "moved",
            (
                shown,
                1,
                "check",
                "trouble",
                "it sends elsewhere: https://elsewhere.example/check",
                "call that address",
            ),
        ),
        (
            "broken",
            (shown, 1, "check", "trouble", "a failure of its own: overloaded", "the partner reads its log"),
        ),
        (
            "degraded",
            (shown, 1, "check", "trouble", "\"status\" is \"degraded\"", "a service that works says"),
        ),
        ("page", (shown, 1, "check", "trouble", "without a \"status\" in JSON", "application/json")),
        ("teapot", (shown, 1, "check", "trouble", "418 I'm a teapot is no answer of a health check", "")),
        (
            "puzzled",
            (shown, 1, "certificate", "trouble", "does not understand the request", "to its TLS port"),
        ),
        (
            "blind",
            (shown, 5, "certificate", "refused", "the server did not see our certificate", "asks for none"),
        ),
        ("well", (shown, 0, "check", "well", "the service is available", "")),
    ] {
        says(&desk, &format!("https://127.0.0.1:{open}/{place}"), row);
    }
    let url = format!("https://127.0.0.1:{demanding}/well");
    for (shown, found, advice) in [
        (None, "demands a certificate, and none was shown", "give ours with --cert"),
        (Some("self"), "does not believe our certificate", "sceau cert verify"),
    ] {
        says(&desk, &url, (shown, 5, "certificate", "refused", found, advice));
    }
}

#[test]
fn what_a_server_asks_of_its_clients_is_told_on_the_way() {
    let desk = called();
    let ports = [free_port(), free_port(), free_port()];
    let _nginx = nginx_with(&desk, &servers(&desk, ports));
    let [open, _, others] = ports;
    for (port, found, advice) in [
        (open, "asks no client for a certificate", "its mutual TLS is off"),
        (others, "of CN=other", "ours is of CN=TEST AC ORGANISATIONS"),
    ] {
        let url = format!("https://127.0.0.1:{port}/well");
        let words = [
            "cert",
            "probe",
            &url,
            "--json",
            "--anchors",
            "root.pem",
            "--cert",
            "recette.pem",
            "--key",
            "recette.key",
        ];
        let ran = desk.run(&words);
        let said = ran.json();
        let asks = said["steps"].as_array().unwrap().iter().find(|step| step["step"] == "asks").unwrap();
        assert_eq!((ran.code, asks["state"].as_str()), (0, Some("notice")), "{asks}");
        assert!(asks["found"].as_str().unwrap().contains(found), "{asks}");
        assert!(asks["advice"].as_str().unwrap().contains(advice), "{asks}");
    }
}
