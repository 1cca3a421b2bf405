//! `sceau cert verify` and `sceau cert watch`: the gate's own verdict, and what ends when. OpenSSL is the authority.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::authorities::{authorities, client, issue, lists, openssl};
use crate::support::Desk;

const RECETTE: &str = "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette";

/// The authorities' files under the names of the platform, in the folder `sas`.
fn published(desk: &Desk) {
    authorities(desk);
    std::fs::create_dir(desk.path("sas")).unwrap();
    std::fs::copy(desk.path("aci.cer"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    std::fs::copy(desk.path("root.pem"), desk.path("sas/ACR-EL-TEST.cer.pem")).unwrap();
}

/// The verdict's status and code.
fn verdict(desk: &Desk, more: &[&str]) -> (u64, String) {
    let base = ["cert", "verify", "--json"];
    let profile = if more.contains(&"--profile") { &[][..] } else { &["--profile", "sas"] };
    let ran = desk.run(&[&base[..], profile, more].concat());
    let said = ran.json();
    let passes = said["passes"].as_bool().unwrap();
    assert_eq!(ran.code, if passes { 0 } else { 5 }, "{}", ran.stderr);
    if !passes {
        assert_eq!(ran.error_json()["code"], said["code"]);
    }
    (said["status"].as_u64().unwrap(), said["code"].as_str().unwrap_or("passes").to_owned())
}

#[test]
fn each_reason_is_told_apart() {
    let desk = Desk::new();
    published(&desk);
    client(&desk, "good", RECETTE, "leaf.ext");
    client(&desk, "server", RECETTE, "server.ext");
    client(&desk, "longer", "/C=FR/O=X/OU=499700234190004/CN=sas-agregateur-recette2", "leaf.ext");
    client(&desk, "unit", "/C=FR/O=X/OU=499700234190005/CN=sas-agregateur-recette", "leaf.ext");
    client(&desk, "taken", RECETTE, "leaf.ext");
    openssl(&desk, "req -new -key good.key -subj /OU=499700234190004/CN=sas-agregateur-recette -out own.csr");
    openssl(&desk, "x509 -req -in own.csr -signkey good.key -days 9 -extfile leaf.ext -out own.pem");
    // Below the anchor, and not of the authority that issues clients.
    openssl(
        &desk,
        "req -new -key good.key -subj /C=FR/OU=499700234190004/CN=sas-agregateur-recette -out again.csr",
    );
    openssl(
        &desk,
        "x509 -req -in again.csr -CA root.pem -CAkey root.key -CAcreateserial -days 9 -extfile leaf.ext -out root-issued.pem",
    );
    lists(&desk, &["taken"], 2, "both.crl.pem");
    let judged = |file: &str, more: &[&str]| verdict(&desk, &[&["--env", "recette", file], more].concat());
    let with = ["--list", "both.crl.pem"];
    assert_eq!(judged("good.pem", &with), (200, "passes".to_owned()));
    assert_eq!(judged("good.der", &[]), (200, "passes".to_owned()), "nothing is asked about revocation");
    for (file, status, code) in [
        ("server.pem", 401, "certificate_wrong_purpose"),
        ("taken.pem", 401, "certificate_revoked"),
        ("own.pem", 401, "certificate_untrusted"),
        ("root-issued.pem", 401, "certificate_wrong_issuer"),
        ("longer.pem", 403, "client_unknown"),
        ("unit.pem", 403, "client_unknown"),
    ] {
        assert_eq!(judged(file, &with), (status, code.to_owned()), "{file}");
    }
    assert_eq!(
        judged("good.pem", &["--list", "root.crl.pem"]),
        (401, "certificate_revocation_unknown".to_owned())
    );
    let base = ["cert", "verify", "--profile", "sas", "--env", "recette", "good.pem"];
    for more in [["--list", "root.crl.pem"], ["--list", "aci.crl.pem"]] {
        let other = if more[1] == "aci.crl.pem" { "CN=TEST AC RACINE" } else { "CN=TEST AC ORGANISATIONS" };
        let said = desk.run(&[&base[..], &more].concat()).failed(5, "no list of that issuer is given").stderr;
        let line = said.lines().find(|line| line.contains("no list of")).unwrap();
        assert!(line.contains(other) && line.contains("--list"), "{said}");
        assert_eq!(line.matches("who takes back").count(), 1, "the other list speaks: {said}");
    }
    assert_eq!(judged("good.pem", &["--address", "51.91.149.173"]).0, 200);
    assert_eq!(judged("good.pem", &["--address", "51.91.149.174"]), (403, "address_not_allowed".to_owned()));
    assert_eq!(verdict(&desk, &["--env", "preproduction", "good.pem"]), (403, "client_unknown".to_owned()));
    // One's own certificate.
    client(&desk, "own-test", "/C=FR/OU=3/CN=sas-agregateur-test-MonLogiciel", "leaf.ext");
    let own = ["--env", "test", "--editor", "MonLogiciel"];
    assert_eq!(verdict(&desk, &[&own[..], &["own-test.pem"]].concat()).0, 200);
    assert_eq!(verdict(&desk, &[&own[..], &["good.pem"]].concat()), (403, "client_unknown".to_owned()));
    desk.run(&["cert", "verify", "--profile", "sas", "--env", "test", "good.pem"]).failed(2, "--editor");
    desk.run(&["cert", "verify", "--profile", "sas", "--env", "production", "good.pem"])
        .failed(2, "AC/ACR-EL.cer");
}

#[test]
fn what_a_profile_demands_besides_names_is_demanded() {
    let desk = Desk::new();
    published(&desk);
    let under = |desk: &Desk, policy: &str| {
        let extensions = std::fs::read_to_string(desk.path("leaf.ext")).unwrap();
        let name = format!("{policy}.ext");
        std::fs::write(desk.path(&name), format!("{extensions}\ncertificatePolicies = {policy}\n")).unwrap();
        client(desk, policy, RECETTE, &name);
    };
    under(&desk, "1.2.250.1.71.1.2.50");
    under(&desk, "1.2.250.1.71.1.2.51");
    let shipped = include_str!("../../../pki/profiles/sas.toml");
    let ours = |from: &str, to: &str| {
        std::fs::write(desk.path("ours.toml"), shipped.replacen(from, to, 1)).unwrap();
    };
    let judged = |file: &str| {
        verdict(&desk, &["--env", "recette", "--profile", "./ours.toml", "--folder", "sas", file])
    };
    let environment = "[[environment]]\nid = \"recette\"\n";
    ours(environment, &format!("{environment}policies = [\"1.2.250.1.71.1.2.50\"]\n"));
    assert_eq!(judged("1.2.250.1.71.1.2.50.pem").0, 200);
    assert_eq!(judged("1.2.250.1.71.1.2.51.pem"), (403, "certificate_wrong_policy".to_owned()));
    ours(
        environment,
        &format!("{environment}types = [{{ extension = \"1.2.250.1.71.1.2.2\", text = \"x\" }}]\n"),
    );
    assert_eq!(judged("1.2.250.1.71.1.2.50.pem"), (403, "certificate_wrong_type".to_owned()));
    // One authority stands between.
    for (depth, told) in [("1", "passes"), ("0", "certificate_chain_too_long")] {
        ours("depth = 10", &format!("depth = {depth}"));
        assert_eq!(judged("1.2.250.1.71.1.2.50.pem").1, told, "depth {depth}");
    }
}

#[test]
fn without_a_profile_anchors_are_given() {
    let desk = Desk::new();
    authorities(&desk);
    client(&desk, "good", RECETTE, "leaf.ext");
    let base = ["cert", "verify", "--anchors", "root.pem", "good.pem"];
    desk.run(&base).failed(5, "not issued by an authority that is trusted here");
    let words = desk.run(&[&base[..], &["--intermediates", "aci.cer"]].concat()).ok().text();
    assert!(words.contains("It would pass. No list was asked"), "{words}");
    desk.run(&["cert", "verify", "good.pem"]).failed(2, "--anchors");
}

#[test]
fn lists_are_fetched_from_where_the_certificates_say() {
    let desk = Desk::new();
    authorities(&desk);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let place =
        format!("crlDistributionPoints=URI:http://127.0.0.1:{port}/both.crl,URI:ldap://127.0.0.1/x\n");
    let ext = [desk.read("leaf.ext"), place.into_bytes()].concat();
    desk.write("places.ext", &ext);
    client(&desk, "good", RECETTE, "places.ext");
    client(&desk, "taken", RECETTE, "places.ext");
    lists(&desk, &["taken"], 2, "both.crl.pem");
    let answer = desk.read("both.crl.pem");
    // Three answers: the list, the list, and none.
    let serving = std::thread::spawn(move || {
        for status in ["200 OK", "200 OK", "404 Not Found"] {
            let (mut caller, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let length = caller.read(&mut asked).unwrap();
            assert!(asked[..length].starts_with(b"GET /both.crl HTTP/1.1"));
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            caller.write_all(&[head.as_bytes(), &answer].concat()).unwrap();
        }
    });
    let base = ["cert", "verify", "--anchors", "root.pem", "--intermediates", "aci.cer", "--online"];
    let words = desk.run(&[&base[..], &["good.pem"]].concat()).ok().text();
    assert!(
        words.contains("its lists hold for 1 more") || words.contains("its lists hold for 1 day"),
        "{words}"
    );
    desk.run(&[&base[..], &["taken.pem"]].concat()).failed(5, "was revoked");
    desk.run(&[&base[..], &["good.pem"]].concat()).failed(1, "404 Not Found");
    serving.join().unwrap();
    // Who is no client anyway makes nobody call an address of its choice.
    desk.run(&[&base[..], &["aci.pem"]].concat()).failed(5, "not made for authenticating");
    client(&desk, "bare", "/C=FR/O=X/CN=bare", "leaf.ext");
    desk.run(&[&base[..], &["bare.pem"]].concat()).failed(3, "name no list");
}

#[test]
fn what_ends_soon_ends_with_a_code_of_its_own() {
    let desk = Desk::new();
    authorities(&desk);
    client(&desk, "good", RECETTE, "leaf.ext");
    issue(&desk, "good.key", RECETTE, "leaf.ext", "again.der");
    lists(&desk, &[], 2, "both.crl.pem");
    let shown =
        desk.run(&["cert", "watch", "--days", "10", "good.pem", "both.crl.pem", "root.pem"]).ok().text();
    let left: Vec<_> = shown.lines().map(|line| line.split("left").next().unwrap().trim()).collect();
    assert_eq!(left, ["1 day", "1 day", "19 days", "29 days"], "{shown}");
    desk.run(&["cert", "watch", "good.pem"]).failed(1, "1 is to be renewed");
    let ran = desk.run(&["cert", "watch", "--json", "--days", "20", "."]);
    assert_eq!((ran.code, ran.error_json()["code"].as_str()), (1, Some("ends_soon")));
    let soon: Vec<_> = ran.json()["watched"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["soon"] == true)
        .map(|one| one["file"].as_str().unwrap().to_owned())
        .collect();
    assert!(soon.contains(&"./good.pem".to_owned()) && soon.contains(&"./again.der".to_owned()), "{soon:?}");
    assert!(!soon.contains(&"./root.pem".to_owned()), "{soon:?}");
    assert_eq!(desk.run(&["cert", "watch", "--quiet", "--days", "10", "good.pem"]).ok().text(), "");
    desk.run(&["cert", "watch", "passphrase"]).failed(3, "no certificate");
    std::fs::create_dir(desk.path("empty")).unwrap();
    desk.run(&["cert", "watch", "empty"]).failed(3, "nothing would be watched");
}
