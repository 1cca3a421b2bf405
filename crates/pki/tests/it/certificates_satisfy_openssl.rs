//! What the embedded authority issues passes `openssl verify` and reads as intended.

use std::{fs, path::Path};

use sceau_pki::{
    Authority, AuthorityProfile, Certificate, CertificateRole, ClientProfile, Error, Issued, KeyAlgorithm,
    Name, Oid, PrivateKey, ServerProfile,
};

use crate::outside::{DAY, NOW, run, text, try_run};

fn authority() -> Authority {
    Authority::create(&AuthorityProfile::of("Métropole d'Essai"), NOW).unwrap()
}

fn write(folder: &Path, authority: &Authority, issued: &Issued) {
    fs::write(folder.join("ca.pem"), authority.certificate().to_pem()).unwrap();
    fs::write(folder.join("leaf.pem"), issued.certificate().to_pem()).unwrap();
    fs::write(folder.join("key.pem"), issued.key().to_pem().as_bytes()).unwrap();
}

fn verify(folder: &Path, purpose: &str, at: u64, more: &[&str]) -> std::process::Output {
    let at = (at / 1000).to_string();
    let fixed = ["verify", "-x509_strict", "-CAfile", "ca.pem", "-purpose", purpose, "-attime", &at];
    try_run(folder, "openssl", &[&fixed[..], more, &["leaf.pem"]].concat())
}

#[test]
fn a_server_certificate_is_for_its_hosts_and_for_servers_only() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Rsa3072] {
        let folder = tempfile::tempdir().unwrap();
        let authority =
            Authority::create(&AuthorityProfile { algorithm, ..AuthorityProfile::of("Essai") }, NOW).unwrap();
        let profile = ServerProfile {
            algorithm,
            ..ServerProfile::for_hosts(["cles.localhost", "localhost", "127.0.0.1", "::1"])
        };
        let issued = authority.issue_server(&profile, NOW).unwrap();
        write(folder.path(), &authority, &issued);
        let good = verify(folder.path(), "sslserver", NOW, &["-verify_hostname", "cles.localhost"]);
        assert!(good.status.success(), "{}", text(&good.stderr));
        assert!(verify(folder.path(), "sslserver", NOW, &["-verify_ip", "::1"]).status.success());
        assert!(
            !verify(folder.path(), "sslserver", NOW, &["-verify_hostname", "other.localhost"])
                .status
                .success()
        );
        assert!(!verify(folder.path(), "sslclient", NOW, &[]).status.success());
        assert!(!verify(folder.path(), "sslserver", NOW + 398 * DAY, &[]).status.success());
    }
}

#[test]
fn a_client_certificate_says_its_role_and_is_for_clients_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    let profile = ClientProfile {
        organisation: Some("Métropole d'Essai".into()),
        ..ClientProfile::new("Camille Durand", CertificateRole::CaseOfficer)
    };
    let issued = authority.issue_client(&profile, NOW).unwrap();
    write(folder.path(), &authority, &issued);
    let good = verify(folder.path(), "sslclient", NOW, &[]);
    assert!(good.status.success(), "{}", text(&good.stderr));
    assert!(!verify(folder.path(), "sslserver", NOW, &[]).status.success());
    let printed = run(
        folder.path(),
        "openssl",
        &[
            "x509",
            "-in",
            "leaf.pem",
            "-noout",
            "-subject",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
            "-fingerprint",
            "-sha256",
        ],
    );
    assert!(printed.contains("CN=Camille Durand,OU=case-officer,O=Métropole d'Essai"), "{printed}");
    let fingerprint = printed.lines().find_map(|line| line.split_once("ingerprint=")).unwrap().1;
    assert_eq!(fingerprint.parse::<sceau_pki::Fingerprint>().unwrap(), issued.fingerprint());
}

#[test]
fn extensions_are_those_of_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    let authority = authority();
    write(
        folder.path(),
        &authority,
        &authority.issue_server(&ServerProfile::for_hosts(["localhost"]), NOW).unwrap(),
    );
    let print = |file| run(folder.path(), "openssl", &["x509", "-in", file, "-noout", "-text"]);
    let (ca, leaf) = (print("ca.pem"), print("leaf.pem"));
    for wanted in [
        "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign",
        "X509v3 Subject Key Identifier",
        "ecdsa-with-SHA256",
    ] {
        assert!(ca.contains(wanted), "{wanted} in {ca}");
    }
    for wanted in [
        "CA:FALSE",
        "Digital Signature",
        "TLS Web Server Authentication",
        "DNS:localhost",
        "X509v3 Authority Key Identifier",
        "Not Before: Nov 20 11:55:00 2026 GMT",
        "Not After : Dec 22 12:00:00 2027 GMT",
    ] {
        assert!(leaf.contains(wanted), "{wanted} in {leaf}");
    }
}

#[test]
fn a_constrained_authority_speaks_for_its_hosts_only() {
    let folder = tempfile::tempdir().unwrap();
    let profile =
        AuthorityProfile { permitted_hosts: vec!["localhost".into()], ..AuthorityProfile::of("Essai") };
    let constrained = Authority::create(&profile, NOW).unwrap();
    let issued = constrained.issue_server(&ServerProfile::for_hosts(["cles.localhost"]), NOW).unwrap();
    write(folder.path(), &constrained, &issued);
    assert!(verify(folder.path(), "sslserver", NOW, &[]).status.success());

    // It refuses to issue for others, also after it was loaded again …
    let key = PrivateKey::from_pkcs8(constrained.key_pkcs8()).unwrap();
    let loaded = Authority::load(&constrained.certificate().to_pem(), key).unwrap();
    for host in ["example.org", "notlocalhost", "127.0.0.1"] {
        let refused = loaded.issue_server(&ServerProfile::for_hosts([host]), NOW).unwrap_err();
        assert_eq!(refused.code(), "pki_host_not_permitted", "{host}");
    }
    // … and what a thief of its key would issue is refused by others.
    for (host, why) in
        [("example.org", "permitted subtree violation"), ("127.0.0.1", "excluded subtree violation")]
    {
        let key = if host.parse::<std::net::IpAddr>().is_ok() { "IP" } else { "DNS" };
        fs::write(
            folder.path().join("ext.cnf"),
            format!("subjectAltName={key}:{host}\nextendedKeyUsage=serverAuth\n"),
        )
        .unwrap();
        fs::write(folder.path().join("cakey.pem"), constrained.key().to_pem().as_bytes()).unwrap();
        run(
            folder.path(),
            "openssl",
            &["req", "-new", "-key", "key.pem", "-subj", "/CN=x", "-out", "leaf.csr"],
        );
        let sign =
            "x509 -req -in leaf.csr -CA ca.pem -CAkey cakey.pem -out leaf.pem -days 36500 -extfile ext.cnf";
        run(folder.path(), "openssl", &sign.split(' ').collect::<Vec<_>>());
        // The thief's certificate is of today, whenever that is.
        let judge = "verify -x509_strict -CAfile ca.pem -purpose sslserver -no_check_time leaf.pem";
        let refused = try_run(folder.path(), "openssl", &judge.split(' ').collect::<Vec<_>>());
        assert!(text(&refused.stderr).contains(why), "{}", text(&refused.stderr));
    }
}

#[test]
fn an_authority_of_the_organisations_own_takes_the_embedded_ones_place() {
    let folder = tempfile::tempdir().unwrap();
    let make = "req -x509 -newkey rsa:2048 -nodes -keyout cakey.pem -out ca.pem -days 36500 -utf8 \
                -subj /C=FR/O=ASIP-SANTE/OU=0002\\ 187512751/OU=IGC-SANTE/CN=AC\\ ESSAI \
                -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign";
    let arguments: Vec<_> =
        make.replace("\\ ", "\u{1}").split_whitespace().map(|w| w.replace('\u{1}', " ")).collect();
    run(folder.path(), "openssl", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let read = |file| fs::read_to_string(folder.path().join(file)).unwrap();
    let own = Authority::load(&read("ca.pem"), PrivateKey::from_pem(&read("cakey.pem")).unwrap()).unwrap();
    let expected = Name::default()
        .with(Oid::COUNTRY, "FR")
        .with(Oid::ORGANIZATION, "ASIP-SANTE")
        .with(Oid::ORGANIZATIONAL_UNIT, "0002 187512751")
        .with(Oid::ORGANIZATIONAL_UNIT, "IGC-SANTE")
        .with(Oid::COMMON_NAME, "AC ESSAI");
    assert_eq!(*own.certificate().subject(), expected);
    // OpenSSL's own certificate is of the real present, so issue within it.
    let now = own.certificate().not_before() + DAY;
    let issued =
        own.issue_client(&ClientProfile::new("Camille", CertificateRole::Administrator), now).unwrap();
    fs::write(folder.path().join("leaf.pem"), issued.certificate().to_pem()).unwrap();
    let good = verify(folder.path(), "sslclient", now, &[]);
    assert!(good.status.success(), "{}", text(&good.stderr));
}

#[test]
fn what_cannot_be_issued_is_refused_by_name() {
    let authority = authority();
    let server = |hosts: &[&str], days| ServerProfile { days, ..ServerProfile::for_hosts(hosts.to_vec()) };
    let code = |result: Result<Issued, Error>| result.unwrap_err().code();
    assert_eq!(code(authority.issue_server(&server(&[], 30), NOW)), "pki_no_host");
    assert_eq!(code(authority.issue_server(&server(&["a b"], 30), NOW)), "pki_bad_host");
    assert_eq!(code(authority.issue_server(&server(&["localhost"], 398), NOW)), "pki_bad_validity");
    assert_eq!(code(authority.issue_server(&server(&["localhost"], 0), NOW)), "pki_bad_validity");
    for name in ["", "  ", "a\nb", &"x".repeat(65)] {
        let profile = ClientProfile::new(name, CertificateRole::CaseOfficer);
        assert_eq!(code(authority.issue_client(&profile, NOW)), "pki_bad_subject", "{name:?}");
    }
    let late = authority.certificate().not_after() + 1000;
    assert_eq!(code(authority.issue_server(&server(&["localhost"], 30), late)), "pki_authority_not_valid");
    let last_day = authority.certificate().not_after() - DAY;
    let issued = authority.issue_server(&server(&["localhost"], 30), last_day).unwrap();
    assert_eq!(issued.certificate().not_after(), authority.certificate().not_after());
}

#[test]
fn an_authority_is_loaded_with_its_own_key_only() {
    let authority = authority();
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    assert_eq!(
        Authority::load(&authority.certificate().to_pem(), other).unwrap_err().code(),
        "pki_key_mismatch"
    );
    let leaf = authority.issue_server(&ServerProfile::for_hosts(["localhost"]), NOW).unwrap();
    let key = PrivateKey::from_pem(&leaf.key().to_pem()).unwrap();
    assert_eq!(Authority::load(&leaf.chain_pem(), key).unwrap_err().code(), "pki_not_an_authority");
    assert_eq!(Certificate::all_from_pem("nothing", "x").unwrap_err().code(), "pki_not_a_certificate");
}
