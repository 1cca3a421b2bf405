//! `sceau cert`: from the request to the file that a program calls with. OpenSSL is the authority and the judge.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::authorities::{authorities, issue, openssl};
use crate::support::Desk;

const CSR: [&str; 8] = ["cert", "csr", "--profile", "sas", "--editor", "MonLogiciel", "--env", "test"];
const BUNDLE: [&str; 8] = ["cert", "bundle", "--profile", "sas", "--editor", "MonLogiciel", "--env", "test"];

fn mode(desk: &Desk, name: &str) -> u32 {
    fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o777
}

const HOLDER: &str = "/C=FR/O=EDITEUR/OU=318751275100020/CN=sas-agregateur-test-MonLogiciel";

#[test]
fn a_platforms_request_and_bundle_are_named_and_shaped_as_it_asks() {
    let desk = Desk::new();
    let made = desk.run(&[&CSR[..], &["--json"]].concat()).ok().json();
    assert_eq!(made["private_key_file"], "sas/MonLogiciel_test.key");
    assert_eq!(
        (&made["common_name"], &made["key"]),
        (&"sas-agregateur-test-MonLogiciel".into(), &"rsa-2048".into())
    );
    assert_eq!((mode(&desk, "sas"), mode(&desk, "sas/MonLogiciel_test.key")), (0o700, 0o600));
    assert!(desk.read("sas/CACHEDIR.TAG").starts_with(b"Signature: 8a477f597d28d172789f06886806bc55\n"));
    let request = openssl(&desk, "req -verify -noout -text -in sas/MonLogiciel_test.csr");
    for wanted in [
        "verify OK",
        "Subject: CN = sas-agregateur-test-MonLogiciel\n",
        "(2048 bit)",
        "sha256WithRSAEncryption",
        "(none)",
    ] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
    openssl(&desk, "pkey -in sas/MonLogiciel_test.key -check -noout");
    let archive = Command::new("tar")
        .args(["c", "--exclude-caches", "sas"])
        .current_dir(desk.path(""))
        .output()
        .unwrap();
    assert!(!String::from_utf8_lossy(&archive.stdout).contains("PRIVATE KEY"), "backups leave the key out");

    // The certificate comes, in DER; the authority's own certificate is fetched.
    authorities(&desk);
    issue(&desk, "sas/MonLogiciel_test.key", HOLDER, "leaf.ext", "sas/MonLogiciel_TEST.crt");
    desk.run(&BUNDLE).failed(2, "http://igc-sante.esante.gouv.fr/AC%20TEST/ACI-EL-ORG-TEST.cer");
    fs::copy(desk.path("aci.cer"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    desk.run(&BUNDLE).ok();
    let bundle = "sas/MonLogiciel_TEST.key.crt.ca.pem";
    assert_eq!(mode(&desk, bundle), 0o600);
    let text = String::from_utf8(desk.read(bundle)).unwrap();
    let titles: Vec<_> = text.lines().filter(|line| line.starts_with("-----BEGIN")).collect();
    assert_eq!(
        titles,
        ["-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"]
    );
    assert!(
        openssl(&desk, &format!("x509 -noout -subject -in {bundle}"))
            .contains("CN = sas-agregateur-test-MonLogiciel")
    );
    openssl(&desk, &format!("verify -CAfile root.pem -untrusted {bundle} -purpose sslclient {bundle}"));
    desk.run(&BUNDLE).failed(2, "exists already");

    // The same by the commands of the platform's own description.
    openssl(&desk, "x509 -inform der -in sas/MonLogiciel_TEST.crt -out crt.pem");
    let by_hand =
        [desk.read("sas/MonLogiciel_test.key"), desk.read("crt.pem"), desk.read("aci.pem")].concat();
    assert_eq!(desk.read(bundle), by_hand);
}

#[test]
fn a_key_is_never_overwritten_nor_made_where_it_would_be_copied() {
    let desk = Desk::new();
    desk.run(&CSR).ok();
    let key = desk.read("sas/MonLogiciel_test.key");
    assert_eq!(
        desk.run(&[&CSR[..], &["--json"]].concat()).failed(2, "overwritten").error_json()["code"],
        "exists"
    );
    assert_eq!(desk.read("sas/MonLogiciel_test.key"), key);
    // Half a pair is not made either.
    fs::remove_file(desk.path("sas/MonLogiciel_test.key")).unwrap();
    desk.run(&CSR).failed(2, "overwritten");
    assert!(!desk.path("sas/MonLogiciel_test.key").exists());
    // A folder with others' files would be left out of backups whole.
    desk.run(&[&CSR[..], &["--folder", "."]].concat()).failed(2, "a folder of its own");
    assert!(!desk.path("CACHEDIR.TAG").exists());

    fs::create_dir_all(desk.path("project/deep")).unwrap();
    // A work tree's `.git` may be a file.
    desk.write("project/.git", b"gitdir: elsewhere");
    let within = desk.run(&[&CSR[..], &["--folder", "project/deep/keys", "--json"]].concat());
    assert_eq!(within.failed(2, "version control").error_json()["code"], "in_git_tree");
    assert!(!desk.path("project/deep/keys").exists());
    let (key, certificate) = ("root.key", "aci.pem");
    authorities(&desk);
    let out = [
        "cert",
        "bundle",
        "--key",
        key,
        "--certificate",
        certificate,
        "--intermediate",
        "root.pem",
        "-o",
        "project/a.pem",
    ];
    desk.run(&out).failed(2, "version control");
}

#[test]
fn parts_that_do_not_fit_are_named_all_at_once_and_nothing_is_written() {
    let desk = Desk::new();
    authorities(&desk);
    desk.run(&CSR).ok();
    fs::copy(desk.path("aci.cer"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    let crt = "sas/MonLogiciel_TEST.crt";
    let refused = |wanted: &[(i32, &str)]| {
        let ran = desk.run(&BUNDLE);
        for (code, words) in wanted {
            assert_eq!(ran.code, *code, "{}", ran.stderr);
            assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
        }
        assert!(!desk.path("sas/MonLogiciel_TEST.key.crt.ca.pem").exists());
    };
    issue(&desk, "aci.key", HOLDER, "leaf.ext", crt);
    refused(&[(4, "made for another request")]);
    issue(&desk, "sas/MonLogiciel_test.key", HOLDER, "server.ext", crt);
    refused(&[(5, "not made for authenticating a client")]);
    issue(&desk, "sas/MonLogiciel_test.key", "/C=FR/CN=sas-agregateur-prod-MonLogiciel", "leaf.ext", crt);
    refused(&[(5, "no organizational unit"), (5, "must be \"sas-agregateur-test-MonLogiciel\"")]);
    issue(&desk, "sas/MonLogiciel_test.key", HOLDER, "leaf.ext", crt);
    fs::copy(desk.path("root.pem"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    refused(&[(5, "and the intermediate is CN=TEST AC RACINE")]);
    // The right name under another key.
    let dn = "/C=FR/O=ASIP-SANTE/OU=0002_187512751/OU=IGC-SANTE_TEST/CN=TEST_AC_ORGANISATIONS";
    openssl(
        &desk,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout x.key -out sas/ACI-EL-ORG-TEST.cer -days 30 -subj {dn}"
        ),
    );
    refused(&[(5, "not signed by the intermediate")]);
}

#[test]
fn without_a_profile_names_and_kinds_of_keys_are_ones_own() {
    let desk = Desk::new();
    let names = [
        "--common-name",
        "api.example.org",
        "--organizational-unit",
        "A",
        "--organizational-unit",
        "B",
        "--san",
        "api.example.org",
    ];
    desk.run(&[&["cert", "csr", "--key-kind", "ecdsa-p256", "--folder", "k"], &names[..]].concat()).ok();
    let request = openssl(&desk, "req -verify -noout -text -in k/api.example.org.csr");
    for wanted in ["OU = A, OU = B, CN = api.example.org", "DNS:api.example.org", "prime256v1"] {
        assert!(request.contains(wanted), "{wanted} in {request}");
    }
    desk.run(&["cert", "csr"]).failed(2, "--common-name");
    desk.run(&["cert", "csr", "--profile", "sas", "--editor", "a"]).failed(2, "--env");
    desk.run(&["cert", "csr", "--profile", "sos", "--editor", "a", "--env", "test"])
        .failed(2, "there is sas");
    desk.run(&["cert", "csr", "--profile", "sas", "--editor", "a b", "--env", "test"])
        .failed(2, "ASCII letters");
    desk.run(&["cert", "csr", "--profile", "sas", "--editor", "a", "--env", "live"])
        .failed(2, "--env takes test, prod");
    desk.write("mine.toml", b"name = 3");
    desk.run(&["cert", "csr", "--profile", "./mine.toml", "--editor", "a", "--env", "test"])
        .failed(3, "mine.toml");
}

#[test]
fn a_profile_of_ones_own_is_read_from_its_file() {
    let desk = Desk::new();
    let shipped = include_str!("../../../pki/profiles/sas.toml");
    desk.write(
        "mine.toml",
        shipped
            .replace("name = \"sas\"", "name = \"ours\"")
            .replace("sas-agregateur-test-", "notre-")
            .as_bytes(),
    );
    let made = desk
        .run(&["cert", "csr", "--profile", "./mine.toml", "--editor", "a", "--env", "recette", "--json"])
        .ok()
        .json();
    assert_eq!((&made["common_name"], &made["request_file"]), (&"notre-a".into(), &"ours/a_test.csr".into()));
}

#[test]
fn inspection_shows_names_in_their_order_and_no_private_key() {
    let desk = Desk::new();
    authorities(&desk);
    desk.run(&CSR).ok();
    issue(&desk, "sas/MonLogiciel_test.key", HOLDER, "leaf.ext", "sas/MonLogiciel_TEST.crt");
    fs::copy(desk.path("aci.cer"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    desk.run(&BUNDLE).ok();
    let shown = desk.run(&["cert", "inspect", "aci.cer"]).ok().text();
    let units: Vec<_> = shown.lines().filter(|line| line.contains("OU = ")).map(str::trim).collect();
    assert_eq!(units, ["OU = 0002 187512751", "OU = IGC-SANTE TEST"].repeat(2));
    for wanted in
        ["29 days left", "RSA, 2048 bits", "yes, 0 below it", "keyCertSign", "sha256WithRSAEncryption"]
    {
        assert!(shown.contains(wanted), "{wanted} in {shown}");
    }
    let fingerprint =
        openssl(&desk, "x509 -in aci.pem -noout -fingerprint -sha256").to_lowercase().replace(':', "");
    let ran = desk.run(&["cert", "inspect", "--json", "sas/MonLogiciel_TEST.key.crt.ca.pem"]).ok().text();
    let all: Vec<serde_json::Value> = ran.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["private_key", "certificate", "certificate"]);
    assert!(fingerprint.contains(all[2]["sha256"].as_str().unwrap()));
    assert_eq!((&all[1]["days_left"], &all[1]["purposes"][0]), (&19.into(), &"clientAuth".into()));
    assert_eq!(all[0]["key"]["sha256"], all[1]["key"]["sha256"]);
    let key = String::from_utf8(desk.read("sas/MonLogiciel_test.key")).unwrap();
    let words =
        desk.run(&["cert", "inspect", "sas/MonLogiciel_test.key", "sas/MonLogiciel_test.csr"]).ok().text();
    assert!(
        key.lines().filter(|line| line.len() > 40).all(|line| !ran.contains(line) && !words.contains(line))
    );
    assert!(words.contains("signed by its own key") && words.contains("without a password"), "{words}");
    desk.run(&["cert", "inspect", "passphrase"]).failed(3, "no certificate");
}

#[test]
fn what_a_certificate_says_does_not_steer_a_terminal() {
    let desk = Desk::new();
    let evil = "/CN=a\u{1b}[2Jb\u{202e}c";
    openssl(
        &desk,
        &format!("req -x509 -utf8 -newkey rsa:2048 -nodes -keyout x.key -out x.pem -days 3 -subj {evil}"),
    );
    let shown = desk.run(&["cert", "inspect", "x.pem"]).ok().text();
    assert!(shown.contains("a\\u{1b}[2Jb\\u{202e}c") && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn certificates_and_lists_change_their_form_and_stay_what_they_are() {
    let desk = Desk::new();
    authorities(&desk);
    desk.write("index", b"R\t271101000000Z\t261119000000Z\t0A\tunknown\t/CN=x\n");
    desk.write("number", b"2A\n");
    desk.write("ca.cnf", b"[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n");
    openssl(&desk, "ca -config ca.cnf -gencrl -cert aci.pem -keyfile aci.key -crldays 2 -out list.pem");
    openssl(&desk, "crl -in list.pem -outform DER -out ACI-EL-ORG.crl");
    desk.run(&["cert", "convert", "aci.cer", "ACI-EL-ORG.crl"]).ok();
    assert_eq!(desk.read("aci.cer.pem"), desk.read("aci.pem"));
    assert_eq!(desk.read("ACI-EL-ORG.crl.pem"), desk.read("list.pem"));
    desk.run(&["cert", "convert", "aci.cer"]).failed(2, "exists already");
    desk.run(&["cert", "convert", "root.pem", "aci.cer", "-o", "both.cer.pem"]).ok();
    assert_eq!(desk.read("both.cer.pem"), [desk.read("root.pem"), desk.read("aci.pem")].concat());
    desk.run(&["cert", "convert", "--to", "der", "aci.cer.pem", "--force"]).ok();
    openssl(&desk, "x509 -inform DER -in aci.cer -noout");
    desk.run(&["cert", "convert", "--to", "der", "ACI-EL-ORG.crl.pem", "-o", "again.crl"]).ok();
    assert_eq!(desk.read("again.crl"), desk.read("ACI-EL-ORG.crl"));
    desk.run(&["cert", "convert", "--to", "der", "both.cer.pem", "-o", "both.cer"])
        .failed(2, "DER holds one");
    desk.run(&["cert", "convert", "root.key"]).failed(2, "private key");
    let list = desk.run(&["cert", "inspect", "--json", "ACI-EL-ORG.crl"]).ok().json();
    assert_eq!(
        (&list["number"], &list["entries"], &list["current"]),
        (&"2a".into(), &1.into(), &true.into())
    );
}
