//! `Client-Cert` and `Client-Cert-Chain` (RFC 9440), decoded as a service decodes them and compared with what OpenSSL made.

use std::{fs, net::SocketAddr, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tempfile::TempDir;

use crate::outside::{Stage, chain, run, usual};

/// Two authorities between an anchor and its client, one that the anchor issued, and a stranger.
fn make() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let settings = "[authority]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
                    [client]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n";
    fs::write(at.join("x.cnf"), settings).unwrap();
    for (name, issuer, section) in [
        ("anchor", "anchor", "authority"),
        ("upper", "anchor", "authority"),
        ("lower", "upper", "authority"),
        ("deep", "lower", "client"),
        ("near", "anchor", "client"),
        ("stranger", "stranger", "authority"),
    ] {
        let words = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        run(at, "openssl", &format!("{words} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        let signer = if issuer == name {
            format!("-signkey {name}.key")
        } else {
            format!("-CA {issuer}.pem -CAkey {issuer}.key")
        };
        let more = "-days 30 -extfile x.cnf -extensions";
        run(at, "openssl", &format!("x509 -req -in {name}.csr {signer} {more} {section} -out {name}.pem"));
    }
    folder
}

/// What a client shows: its certificate, and others in this order.
fn bundle(at: &Path, names: &[&str]) -> String {
    let all: String =
        names.iter().map(|name| fs::read_to_string(at.join(format!("{name}.pem"))).unwrap()).collect();
    fs::write(at.join("shown.pem"), all).unwrap();
    format!("--cert {0}/shown.pem --key {0}/{1}.key", at.display(), names[0])
}

fn der(at: &Path, name: &str) -> Vec<u8> {
    run(at, "openssl", &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
    fs::read(at.join(format!("{name}.der"))).unwrap()
}

/// The byte sequences of a header of the request that the service read: a list as RFC 8941 writes it, or none where it is not there.
fn sequences(seen: &str, name: &str) -> Option<Vec<Vec<u8>>> {
    let lines: Vec<_> = seen
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(said, _)| said.eq_ignore_ascii_case(name))
        .collect();
    assert!(lines.len() < 2, "{name}: {seen}");
    let items = lines.first()?.1.split(", ").map(|item| {
        let within = item.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
        BASE64_STANDARD.decode(within.unwrap_or_else(|| panic!("no byte sequence: {item}"))).unwrap()
    });
    Some(items.collect())
}

fn seen(answer: &str) -> &str {
    assert!(answer.split_whitespace().nth(1) == Some("200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_reads_the_certificate_and_the_way_to_its_anchor_in_order() {
    let made = make();
    let (at, own) = (made.path(), chain().display());
    let anchor = at.join("anchor.pem");
    let text = |upstream: SocketAddr| {
        format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\ncertificate = \"{own}/server.pem\"\nkey = \"{own}/server.key\"\n\
             [[listener.route]]\nupstream = \"http://{upstream}\"\nclients = \"all\"\n\
             [clients.all]\nanchors = [{anchor:?}]\n"
        )
    };
    let stage = Stage::with(tempfile::tempdir().unwrap(), text).await;
    for (shown, above) in [
        // In the order in which each certifies the one before (RFC 9440 §2.3), without the anchor, however the client sends them.
        (&["deep", "lower", "upper"][..], Some(&["lower", "upper"][..])),
        (&["deep", "upper", "lower"], Some(&["lower", "upper"])),
        (&["deep", "stranger", "anchor", "upper", "lower"], Some(&["lower", "upper"])),
        (&["near"], None),
        (&["near", "upper"], None),
    ] {
        let shows = bundle(at, shown);
        for version in ["--http1.1 --tls-max 1.2", "--http2"] {
            let answer = stage.curl("/a", &format!("{version} {shows}")).await;
            let leaf = sequences(seen(&answer), "client-cert");
            assert_eq!(leaf, Some(vec![der(at, shown[0])]), "{shown:?} {version}");
            let expected = above.map(|names| names.iter().map(|name| der(at, name)).collect::<Vec<_>>());
            assert_eq!(sequences(seen(&answer), "client-cert-chain"), expected, "{shown:?} {version}");
        }
    }
    drop(stage.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_the_client_left_out_is_told_all_the_same() {
    let lists = ["root", "authority"].map(|name| format!("{}/{name}.crl", chain().display()));
    let stage = Stage::with(tempfile::tempdir().unwrap(), |upstream| usual(upstream, &lists)).await;
    let answer = stage.curl("/mtls-protect/a", &Stage::as_client("known")).await;
    let made = tempfile::tempdir().unwrap();
    for name in ["known", "authority"] {
        fs::copy(chain().join(format!("{name}.pem")), made.path().join(format!("{name}.pem"))).unwrap();
    }
    let [leaf, authority] = ["known", "authority"].map(|name| vec![der(made.path(), name)]);
    assert_eq!(sequences(seen(&answer), "client-cert"), Some(leaf));
    assert_eq!(sequences(seen(&answer), "client-cert-chain"), Some(authority));
    drop(stage.stop().await);
}
