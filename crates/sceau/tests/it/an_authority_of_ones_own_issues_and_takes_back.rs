//! `sceau cert ca`: a chain shaped like a health authority's, judged by OpenSSL, and what is taken back.

use crate::authorities::openssl;
use crate::support::Desk;

const ROOT: &str = "CN=TEST AC RACINE,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR";
const ISSUER: &str = "CN=TEST AC ORGANISATIONS,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR";
const HOLDER: &str = "CN=sas-agregateur-test-MonLogiciel,OU=318751275100020,O=EDITEUR,ST=Paris (75),C=FR";

/// Root, authority below it, and a certificate for the platform's own request, with all that health authorities write.
fn chain(desk: &Desk) {
    let rsa = ["--key-kind", "rsa-2048"];
    desk.run(
        &[&["cert", "ca", "root", "--folder", "root", "--name", ROOT, "--days", "7305"], &rsa[..]].concat(),
    )
    .ok();
    let below = ["cert", "ca", "intermediate", "--issuer", "root", "--folder", "aci", "--name", ISSUER];
    let published = [
        "--list-url",
        "http://127.0.0.1/CRL/ACR.crl",
        "--list-url",
        "ldap://127.0.0.1/cn=ACR",
        "--policy",
        "2.5.29.32.0",
    ];
    desk.run(&[&below[..], &published, &rsa].concat()).ok();
    desk.run(&["cert", "csr", "--profile", "sas", "--editor", "MonLogiciel", "--env", "test"]).ok();
    issue(desk, "sas/MonLogiciel_TEST.crt");
    for name in ["root", "aci"] {
        openssl(desk, &format!("x509 -inform DER -in {name}/authority.cer -out {name}.pem"));
        let out = format!("{name}.crl");
        desk.run(&["cert", "ca", "list", "--issuer", name, "-o", &out]).ok();
    }
    desk.run(&["cert", "convert", "root.crl", "aci.crl", "-o", "both.crl.pem"]).ok();
}

fn issue(desk: &Desk, out: &str) {
    let words = [
        "cert",
        "ca",
        "issue",
        "--issuer",
        "aci",
        "--request",
        "sas/MonLogiciel_test.csr",
        "--name",
        HOLDER,
        "-o",
        out,
        "--list-url",
        "http://127.0.0.1/CRL/ACI.crl",
        "--list-url",
        "ldap://127.0.0.1/cn=ACI",
        "--delta-url",
        "ldap://127.0.0.1/cn=delta",
        "--ocsp-url",
        "http://127.0.0.1/ocsp",
        "--issuer-url",
        "http://127.0.0.1/AC/ACI.cer",
        "--policy",
        "1.2.250.1.71.1.2.3",
        "--key-days",
        "730",
    ];
    desk.run(&words).ok();
}

#[test]
fn its_chain_has_the_shape_of_a_health_authoritys() {
    let desk = Desk::new();
    chain(&desk);
    openssl(&desk, "x509 -inform DER -in sas/MonLogiciel_TEST.crt -out leaf.pem");
    let verify = "verify -x509_strict -CAfile root.pem -untrusted aci.pem -CRLfile both.crl.pem -crl_check_all -purpose sslclient leaf.pem";
    assert!(openssl(&desk, verify).contains("leaf.pem: OK"));
    let leaf = openssl(&desk, "x509 -in leaf.pem -noout -text -nameopt RFC2253");
    for wanted in [
        HOLDER,
        ISSUER,
        "TLS Web Client Authentication",
        "Digital Signature",
        "CA:FALSE",
        "X509v3 CRL Distribution Points",
        "URI:http://127.0.0.1/CRL/ACI.crl",
        "URI:ldap://127.0.0.1/cn=ACI",
        "X509v3 Freshest CRL",
        "URI:ldap://127.0.0.1/cn=delta",
        "OCSP - URI:http://127.0.0.1/ocsp",
        "CA Issuers - URI:http://127.0.0.1/AC/ACI.cer",
        "Policy: 1.2.250.1.71.1.2.3",
        "X509v3 Private Key Usage Period",
        "Not Before: ",
        "(2048 bit)",
    ] {
        assert!(leaf.contains(wanted), "{wanted} in {leaf}");
    }
    let issuer = openssl(&desk, "x509 -in aci.pem -noout -text -nameopt RFC2253");
    for wanted in [
        ROOT,
        "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign",
        "X509v3 Any Policy",
        "URI:http://127.0.0.1/CRL/ACR.crl",
    ] {
        assert!(issuer.contains(wanted), "{wanted} in {issuer}");
    }
    // What is written is what is read.
    let shown = desk.run(&["cert", "inspect", "--json", "leaf.pem"]).ok().json();
    assert_eq!(
        shown["revocation_lists"],
        serde_json::json!(["http://127.0.0.1/CRL/ACI.crl", "ldap://127.0.0.1/cn=ACI"])
    );
    assert_eq!(shown["freshest_lists"], serde_json::json!(["ldap://127.0.0.1/cn=delta"]));
    assert_eq!(shown["ocsp"], serde_json::json!(["http://127.0.0.1/ocsp"]));
    let period = &shown["private_key_usage"];
    let days = (period["not_after"].as_u64().unwrap() - period["not_before"].as_u64().unwrap()) / 86_400_000;
    assert_eq!((days, &shown["others"]), (730, &serde_json::json!([])));
    // And it goes the platform's way.
    std::fs::copy(desk.path("aci/authority.cer"), desk.path("sas/ACI-EL-ORG-TEST.cer")).unwrap();
    std::fs::copy(desk.path("root/authority.cer"), desk.path("sas/ACR-EL-TEST.cer")).unwrap();
    let own = ["--profile", "sas", "--editor", "MonLogiciel", "--env", "test"];
    desk.run(&[&["cert", "bundle"], &own[..]].concat()).ok();
    desk.run(
        &[&["cert", "verify", "--list", "both.crl.pem"], &own[..], &["sas/MonLogiciel_TEST.crt"]].concat(),
    )
    .ok();
}

#[test]
fn what_is_taken_back_is_on_the_next_list_and_on_each_after() {
    let desk = Desk::new();
    chain(&desk);
    let revoke =
        ["cert", "ca", "revoke", "--issuer", "aci", "--reason", "key-compromise", "sas/MonLogiciel_TEST.crt"];
    desk.run(&revoke).ok();
    assert_eq!(desk.run(&revoke).failed(2, "taken back already").code, 2);
    for number in ["02", "03"] {
        desk.run(&["cert", "ca", "list", "--issuer", "aci", "-o", "aci.crl"]).ok();
        let list = openssl(&desk, "crl -inform DER -in aci.crl -noout -text -CAfile aci.pem");
        for wanted in
            ["verify OK", "Key Compromise", "X509v3 Authority Key Identifier", "sha256WithRSAEncryption"]
        {
            assert!(list.contains(wanted), "{wanted} in {list}");
        }
        let shown = desk.run(&["cert", "inspect", "--json", "aci.crl"]).ok().json();
        assert_eq!((&shown["number"], &shown["entries"]), (&number.into(), &1.into()));
    }
    desk.run(&["cert", "convert", "root.crl", "aci.crl", "-o", "new.crl.pem"]).ok();
    let verify =
        ["cert", "verify", "--anchors", "root.pem", "--intermediates", "aci.pem", "--list", "new.crl.pem"];
    desk.run(&[&verify[..], &["sas/MonLogiciel_TEST.crt"]].concat()).failed(5, "was revoked");
    issue(&desk, "again.crt");
    desk.run(&[&verify[..], &["again.crt"]].concat()).ok();
    desk.run(&["cert", "ca", "revoke", "--issuer", "root", "again.crt"]).failed(3, "only its issuer");
}

#[test]
fn what_it_must_not_issue_it_does_not() {
    let desk = Desk::new();
    chain(&desk);
    let below = ["cert", "ca", "intermediate", "--issuer", "aci", "--folder", "x", "--name", "CN=x"];
    desk.run(&below).failed(2, "path length");
    let again = ["cert", "ca", "root", "--folder", "root", "--name", "CN=x"];
    desk.run(&again).failed(2, "not overwritten");
    let issue =
        ["cert", "ca", "issue", "--issuer", "aci", "--request", "sas/MonLogiciel_test.csr", "-o", "x.crt"];
    desk.run(&[&issue[..], &["--server"]].concat()).failed(2, "at least one DNS name");
    desk.run(&[&issue[..], &["--days", "4000"]].concat()).failed(2, "4000 days");
    desk.run(&[&issue[..], &["--list-url", "file:///etc/passwd"]].concat()).failed(2, "http://");
    desk.run(&["cert", "ca", "list", "--issuer", "sas", "-o", "x.crl"]).failed(2, "no authority's folder");
    std::fs::set_permissions(
        desk.path("aci/authority.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    desk.run(&issue).failed(2, "authority.key");
    assert!(!desk.path("x.crt").exists());
}

#[test]
fn its_key_is_never_under_version_control() {
    let desk = Desk::new();
    let mut git = std::process::Command::new("git");
    assert!(git.args(["init", "-q", "project"]).current_dir(desk.path("")).status().unwrap().success());
    let root = ["cert", "ca", "root", "--name", ROOT, "--key-kind", "rsa-2048", "--folder"];
    desk.run(&[&root[..], &["root"]].concat()).ok();
    let before = desk.read("root/authority.json");
    let below = ["cert", "ca", "intermediate", "--issuer", "root", "--name", ISSUER, "--folder"];
    for words in [&root[..], &below[..]] {
        for folder in ["project", "project/deep/ca"] {
            let refused = desk.run(&[words, &[folder]].concat()).failed(2, "version control");
            assert!(refused.stderr.contains("project"), "{}", refused.stderr);
            assert!(!desk.path("project/deep").exists() && !desk.path("project/authority.key").exists());
        }
    }
    assert_eq!(desk.read("root/authority.json"), before, "nothing was issued for it");
    // A link leads there too.
    std::os::unix::fs::symlink(desk.path("project"), desk.path("link")).unwrap();
    desk.run(&[&root[..], &["link/ca"]].concat()).failed(2, "version control");
}
