//! `sceau cert ca`: a chain with every extension of IGC Santé's, its private ones too, field by field as OpenSSL reads it.

use serde_json::json;

use crate::authorities::openssl;
use crate::support::Desk;

const ROOT: &str =
    "CN=TEST AC RACINE IGC-SANTE ELEMENTAIRE,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR";
const ISSUER: &str =
    "CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR";
const HOLDER: &str = "CN=sas-agregateur-recette,OU=499700234190004,O=EDITEUR,ST=Paris (75),C=FR";
const ISSUE: [&str; 8] =
    ["cert", "ca", "issue", "--issuer", "aci", "--request", "sas/MonLogiciel_test.csr", "-o"];

/// Root, authority and leaf, as they are published and issued there.
fn chain(desk: &Desk) {
    desk.run(&["cert", "ca", "root", "--folder", "root", "--name", ROOT, "--days", "7305"]).ok();
    let below = ["cert", "ca", "intermediate", "--issuer", "root", "--folder", "aci", "--name", ISSUER];
    let published = [
        "--list-url",
        "http://igc-sante.esante.gouv.fr/CRL/ACR-EL.crl",
        "--list-url",
        "ldap://annuaire-igc.esante.gouv.fr/cn=ACR-EL",
        "--policy",
        "2.5.29.32.0",
    ];
    desk.run(&[&below[..], &published].concat()).ok();
    desk.run(&["cert", "csr", "--profile", "sas", "--editor", "MonLogiciel", "--env", "test"]).ok();
    let leaf = [
        "leaf.crt",
        "--name",
        HOLDER,
        "--list-url",
        "http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG.crl",
        "--list-url",
        "ldap://annuaire-igc.esante.gouv.fr/cn=ACI-EL-ORG",
        "--delta-url",
        "ldap://annuaire-igc.esante.gouv.fr/cn=ACI-EL-ORG-delta",
        "--ocsp-url",
        "http://ocsp.esante.gouv.fr",
        "--issuer-url",
        "http://igc-sante.esante.gouv.fr/AC/ACI-EL-ORG.cer",
        "--policy",
        "1.2.250.1.71.1.2.3",
        "--key-days",
        "730",
        "--extension",
        "1.2.250.1.71.1.2.2=0c08415554485f434c49",
        "--extension",
        "1.2.250.1.71.1.2.5=utf8:ORGANISATION",
        "--extension",
        "1.2.250.1.71.1.2.7=3006020101020102",
    ];
    desk.run(&[&ISSUE[..], &leaf].concat()).ok();
    for (from, to) in [("root/authority.cer", "root"), ("aci/authority.cer", "aci"), ("leaf.crt", "leaf")] {
        openssl(desk, &format!("x509 -inform DER -in {from} -out {to}.pem"));
    }
}

/// Of `openssl x509 -text`, each extension with what stands below it, one line.
fn extensions(desk: &Desk, name: &str) -> Vec<(String, String)> {
    let text = openssl(desk, &format!("x509 -in {name}.pem -noout -text"));
    let (_, rest) = text.split_once("X509v3 extensions:\n").unwrap();
    let mut all: Vec<(String, String)> = Vec::new();
    for line in rest.lines().take_while(|line| line.starts_with("            ")) {
        match line.strip_prefix("                ") {
            None => all.push((line.trim().trim_end_matches(':').to_owned(), String::new())),
            Some(below) => {
                let said = &mut all.last_mut().unwrap().1;
                said.push_str(below.trim());
                said.push(' ');
            }
        }
    }
    all
}

#[test]
fn each_field_is_one_of_the_health_authoritys() {
    let desk = Desk::new();
    chain(&desk);
    let verify = "verify -x509_strict -CAfile root.pem -untrusted aci.pem -purpose sslclient leaf.pem";
    assert!(openssl(&desk, verify).contains("leaf.pem: OK"));
    for (name, bits, subject) in [("root", "4096", ROOT), ("aci", "4096", ISSUER), ("leaf", "2048", HOLDER)] {
        let text = openssl(&desk, &format!("x509 -in {name}.pem -noout -text -nameopt RFC2253"));
        for wanted in [&format!("({bits} bit)"), "Signature Algorithm: sha256WithRSAEncryption", subject] {
            assert!(text.contains(wanted), "{name}, {wanted}: {text}");
        }
    }
    // Two organizational units in their order, and the country as the standard wants it.
    let tree = openssl(&desk, "asn1parse -in aci.pem");
    for (at, wanted) in
        [("countryName", "PRINTABLESTRING   :FR"), ("commonName", "UTF8STRING        :TEST AC")]
    {
        let after = tree.lines().skip_while(|line| !line.contains(at)).nth(1).unwrap();
        assert!(after.contains(wanted), "{after}");
    }
    let names: Vec<_> = extensions(&desk, "aci").into_iter().map(|(name, _)| name).collect();
    for wanted in [
        "X509v3 Basic Constraints: critical",
        "X509v3 Key Usage: critical",
        "X509v3 Certificate Policies",
        "X509v3 CRL Distribution Points",
    ] {
        assert!(names.iter().any(|name| name == wanted), "{wanted}: {names:?}");
    }
    assert!(
        !names.iter().any(|name| name.contains("Authority Information Access")),
        "OCSP does not cover it"
    );
    let found = extensions(&desk, "leaf");
    for (name, said) in [
        ("X509v3 Basic Constraints: critical", "CA:FALSE"),
        ("X509v3 Key Usage: critical", "Digital Signature"),
        ("X509v3 Extended Key Usage", "TLS Web Client Authentication"),
        ("X509v3 CRL Distribution Points", "URI:http://igc-sante.esante.gouv.fr/CRL/ACI-EL-ORG.crl"),
        ("X509v3 CRL Distribution Points", "URI:ldap://annuaire-igc.esante.gouv.fr/cn=ACI-EL-ORG "),
        ("X509v3 Freshest CRL", "URI:ldap://annuaire-igc.esante.gouv.fr/cn=ACI-EL-ORG-delta"),
        ("Authority Information Access", "OCSP - URI:http://ocsp.esante.gouv.fr"),
        (
            "Authority Information Access",
            "CA Issuers - URI:http://igc-sante.esante.gouv.fr/AC/ACI-EL-ORG.cer",
        ),
        ("X509v3 Certificate Policies", "Policy: 1.2.250.1.71.1.2.3"),
        ("X509v3 Private Key Usage Period", "Not Before: "),
        ("1.2.250.1.71.1.2.2", "AUTH_CLI"),
        ("1.2.250.1.71.1.2.5", "ORGANISATION"),
        ("1.2.250.1.71.1.2.7", ""),
        ("X509v3 Subject Key Identifier", ""),
        ("X509v3 Authority Key Identifier", ""),
    ] {
        assert!(found.iter().any(|(at, is)| at == name && is.contains(said)), "{name}, {said}: {found:?}");
    }
    assert_eq!(found.len(), 13, "and nothing else: {found:?}");
    // What a private one holds, octet by octet.
    let tree = openssl(&desk, "asn1parse -in leaf.pem");
    let value = |oid: &str| tree.lines().skip_while(|line| !line.ends_with(oid)).nth(1).unwrap().to_owned();
    for (oid, dump) in [
        (":1.2.250.1.71.1.2.2", "[HEX DUMP]:0C08415554485F434C49"),
        (":1.2.250.1.71.1.2.5", "[HEX DUMP]:0C0C4F5247414E49534154494F4E"),
        (":1.2.250.1.71.1.2.7", "[HEX DUMP]:3006020101020102"),
    ] {
        assert!(value(oid).ends_with(dump), "{oid}: {}", value(oid));
    }
    let shown = desk.run(&["cert", "inspect", "--json", "leaf.pem"]).ok().json();
    assert_eq!(shown["others"].as_array().unwrap().len(), 3, "{shown}");
    assert!(shown["others"].to_string().contains("1.2.250.1.71.1.2.7"), "{shown}");
    assert_ne!(shown["ocsp"], json!([]));
}

#[test]
fn what_is_critical_is_refused_by_who_does_not_know_it() {
    let desk = Desk::new();
    chain(&desk);
    let critical = ["critical.crt", "--name", HOLDER, "--extension", "1.2.250.1.71.1.2.9=0500,critical"];
    desk.run(&[&ISSUE[..], &critical].concat()).ok();
    openssl(&desk, "x509 -inform DER -in critical.crt -out critical.pem");
    let found = extensions(&desk, "critical");
    assert!(found.iter().any(|(name, _)| name == "1.2.250.1.71.1.2.9: critical"), "{found:?}");
    let verify = ["cert", "verify", "--anchors", "root.pem", "--intermediates", "aci.pem"];
    desk.run(&[&verify[..], &["critical.pem"]].concat()).failed(5, "critical");
    desk.run(&[&verify[..], &["leaf.pem"]].concat()).ok();
}

#[test]
fn what_is_no_extension_or_stands_there_already_is_refused() {
    let desk = Desk::new();
    chain(&desk);
    for (extension, said) in [
        ("2.5.29.19=30030101ff", "2.5.29.19 would stand in the certificate twice"),
        ("2.5.29.15=03020106", "2.5.29.15 would stand in the certificate twice"),
        ("1.2.3=05", "is no extension"),
        ("1.2.3=0500ff", "is no extension"),
        ("1.2=utf8", "is no extension"),
    ] {
        desk.run(&[&ISSUE[..], &["x.crt", "--extension", extension]].concat()).failed(2, said);
    }
    let twice = ["x.crt", "--extension", "1.2.3=0500", "--extension", "1.2.3=0101ff"];
    desk.run(&[&ISSUE[..], &twice].concat()).failed(2, "1.2.3 would stand");
    assert!(!desk.path("x.crt").exists());
}
