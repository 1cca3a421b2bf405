//! Several listeners with certificates of their own, hosts and paths with clients and anchors of their own, in one file: each says what it is to say, and nothing
//! of another's.

use std::{collections::BTreeSet, fs, net::SocketAddr, process::Command};

use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    others::free_port,
    outside::{Stage, chain, request},
    workshop::Workshop,
};

/// A service that says its name to each request.
async fn service(name: &'static str) -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            tokio::spawn(async move {
                let Some(_) = request(&mut stream).await else { return };
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", name.len());
                drop(stream.write_all(format!("{head}{name}").as_bytes()).await);
            });
        }
    });
    address
}

/// Another house than the chain's: its root, a client, and a server for `second.example.org`.
fn partners() -> Workshop {
    let made = Workshop::open();
    made.root("anchor", "O=Partners\nCN=Their root");
    fs::copy(made.path().join("client.key"), made.path().join("anchor.key")).unwrap();
    made.client("partner", "O=Partners\nOU=one\nCN=somebody", "anchor", "");
    made.server("second", "second.example.org", "anchor");
    made
}

/// The three addresses at which it listens.
struct Ports([u16; 3]);

fn text(ports: &Ports, made: &Workshop, services: &[(&str, SocketAddr)]) -> String {
    let (own, theirs) = (chain().display(), made.path().display());
    let to = |name: &str| services.iter().find(|(it, _)| *it == name).unwrap().1;
    let route = |host: &str, path: &str, clients: &str, name: &str| {
        let mut lines =
            format!("[[listener.route]]\npath = \"{path}\"\nupstream = \"http://{}\"\n", to(name));
        for (setting, value) in [("host", host), ("clients", clients)] {
            if !value.is_empty() {
                lines.push_str(&format!("{setting} = \"{value}\"\n"));
            }
        }
        lines
    };
    let listener = |port: u16, certificate: &str, key: &str| {
        format!(
            "[[listener]]\naddress = \"127.0.0.1:{port}\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
        )
    };
    let Ports([first, second, third]) = ports;
    [
        listener(*first, &format!("{own}/server.pem"), &format!("{own}/server.key")),
        route("api.example.org", "/", "house", "api"),
        route("partners.example.org", "/", "partners", "partners"),
        route("both.example.org", "/", "both", "both"),
        route("", "/guarded/", "house", "guarded"),
        route("", "/", "", "open"),
        listener(*second, &format!("{theirs}/second.pem"), &format!("{theirs}/client.key")),
        route("", "/only-here/", "partners", "second guarded"),
        route("", "/", "", "second"),
        listener(*third, &format!("{own}/server.pem"), &format!("{own}/server.key")),
        route("", "/", "", "third"),
        format!("[clients.house]\nanchors = [\"{own}/root.pem\"]\nintermediates = [\"{own}/authority.pem\"]\n"),
        format!("revocation_lists = [\"{own}/root.crl\", \"{own}/authority.crl\"]\n"),
        "[[clients.house.allow]]\ncommon_name = \"sas-agregateur-recette\"\norganizational_units = [\"499700234190004\"]\n".to_owned(),
        format!("[clients.partners]\nanchors = [\"{theirs}/anchor.pem\"]\n"),
        format!("[clients.both]\nanchors = [\"{theirs}/anchor.pem\", \"{own}/root.pem\"]\nintermediates = [\"{own}/authority.pem\"]\n"),
    ]
    .concat()
}

/// The status, then the name of the service that answered, or the code of the refusal.
fn outcome(answer: &str) -> (String, String) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.lines().find_map(|line| line.strip_prefix("sceau-code: "));
    (head.split_whitespace().nth(1).unwrap().to_owned(), code.unwrap_or(body).to_owned())
}

/// Whom a listener asks for, in OpenSSL's words, and whose certificate it shows.
fn shown(port: u16, version: &str) -> (String, BTreeSet<String>) {
    let words = format!("s_client -connect 127.0.0.1:{port} -servername localhost -{version}");
    let said = Command::new("openssl")
        .args(words.split_whitespace())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let subject = said.lines().find_map(|line| line.strip_prefix("subject=")).unwrap().to_owned();
    let asked = said.split_once("Acceptable client certificate CA names\n").map_or("", |(_, rest)| rest);
    let names = asked.lines().take_while(|line| line.contains(" = ")).map(str::to_owned);
    (subject, names.collect())
}

type Said = (&'static str, &'static str);
const MISSING: Said = ("401", "certificate_missing");
const UNTRUSTED: Said = ("401", "certificate_untrusted");
const REVOKED: Said = ("401", "certificate_revoked");
/// At which listener, for which host and path: what nobody, a client of the house, one that was taken back and a partner's client are told.
const SAID: [(usize, &str, &str, [Said; 4]); 12] = [
    (0, "api.example.org", "/a", [MISSING, ("200", "api"), REVOKED, UNTRUSTED]),
    (0, "partners.example.org", "/a", [MISSING, UNTRUSTED, UNTRUSTED, ("200", "partners")]),
    // Two anchors and no list: whoever is below either.
    (0, "both.example.org", "/a", [MISSING, ("200", "both"), ("200", "both"), ("200", "both")]),
    (0, "", "/guarded/a", [MISSING, ("200", "guarded"), REVOKED, UNTRUSTED]),
    // The longest path decides, then the host.
    (0, "partners.example.org", "/guarded/a", [MISSING, ("200", "guarded"), REVOKED, UNTRUSTED]),
    (0, "", "/a", [("200", "open"); 4]),
    (0, "elsewhere.example.org", "/only-here/a", [("200", "open"); 4]),
    (1, "", "/only-here/a", [MISSING, UNTRUSTED, UNTRUSTED, ("200", "second guarded")]),
    // What another listener guards is nothing here.
    (1, "", "/guarded/a", [("200", "second"); 4]),
    (1, "api.example.org", "/a", [("200", "second"); 4]),
    (2, "", "/guarded/a", [("200", "third"); 4]),
    (2, "partners.example.org", "/only-here/a", [("200", "third"); 4]),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_host_and_path_has_its_own_certificate_clients_and_service() {
    let made = partners();
    let names = ["api", "partners", "both", "guarded", "open", "second guarded", "second", "third"];
    let mut services = Vec::new();
    for name in names {
        services.push((name, service(name).await));
    }
    let ports = Ports([free_port(), free_port(), free_port()]);
    let stage = Stage::with(tempfile::tempdir().unwrap(), |_| text(&ports, &made, &services)).await;
    let Ports([first, second, third]) = ports;
    let (own, theirs) = (chain().join("root.pem"), made.path().join("anchor.pem"));
    let named =
        format!("--resolve second.example.org:{second}:127.0.0.1 https://second.example.org:{second}");
    let at = [
        format!("--cacert {} https://localhost:{first}", own.display()),
        format!("--cacert {} {named}", theirs.display()),
        format!("--cacert {} https://localhost:{third}", own.display()),
    ];
    for (listener, host, path, [nobody, house, revoked, partner]) in SAID {
        let at = &at[listener];
        for (who, expected) in [
            (String::new(), nobody),
            (Stage::as_client("known"), house),
            (Stage::as_client("revoked"), revoked),
            (made.as_client("partner"), partner),
        ] {
            for version in ["--http1.1 --tls-max 1.2", "--http2"] {
                let named = if host.is_empty() { String::new() } else { format!("-H Host:{host}") };
                let answer = stage.call(&format!("-i {version} {who} {named} {at}{path}")).await;
                let expected = (expected.0.to_owned(), expected.1.to_owned());
                assert_eq!(outcome(&answer), expected, "{at}{path} {host} {who} {version}");
            }
        }
    }
    // Each listener shows its own certificate, and asks for those of its own routes' authorities; one that guards nothing asks nobody.
    let of_house = "C = FR, O = ASIP-SANTE, OU = 0002 187512751, OU = IGC-SANTE TEST, CN = TEST AC";
    let of_house = ["RACINE root", "ORGANISATIONS"].map(|name| format!("{of_house} {name}"));
    let theirs = ["O = Partners, CN = Their root".to_owned()];
    for version in ["tls1_2", "tls1_3"] {
        for (port, subject, asked) in [
            (first, "CN = localhost", [&of_house[..], &theirs].concat()),
            (second, "CN = second.example.org", theirs.to_vec()),
            (third, "CN = localhost", vec![]),
        ] {
            let (said, names) = shown(port, version);
            assert_eq!((said.as_str(), names), (subject, asked.into_iter().collect()), "{version}");
        }
    }
    drop(stage.stop().await);
}
