//! The PKCS#12 file opens in NSS (Firefox, Chromium on Linux) and OpenSSL, with its password only.

use std::fs;

use sceau_pki::{Authority, AuthorityProfile, CertificateRole, ClientProfile, new_pkcs12_password};

use crate::outside::{NOW, run, text, try_run};

#[test]
fn nss_and_openssl_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create(&AuthorityProfile::of("Métropole d'Essai"), NOW).unwrap();
    let issued = authority
        .issue_client(&ClientProfile::new("Zoé Lefèvre", CertificateRole::CaseOfficer), NOW)
        .unwrap();
    let password = new_pkcs12_password().unwrap();
    fs::write(folder.path().join("zoe.p12"), issued.to_pkcs12(&password).unwrap()).unwrap();

    let listed = run(folder.path(), "pk12util", &["-l", "zoe.p12", "-W", &password]);
    assert!(listed.contains("Key(shrouded)"), "{listed}");
    assert!(listed.contains("OU=case-officer"), "{listed}");
    assert_eq!(listed.matches("Certificate(has private key)").count(), 1, "{listed}");
    assert_ne!(try_run(folder.path(), "pk12util", &["-l", "zoe.p12", "-W", "wrong"]).status.code(), Some(0));

    // Imported into a database as a browser does, the key is there and the chain is complete.
    fs::create_dir(folder.path().join("db")).unwrap();
    run(folder.path(), "certutil", &["-N", "-d", "sql:db", "--empty-password"]);
    run(folder.path(), "pk12util", &["-i", "zoe.p12", "-d", "sql:db", "-W", &password, "-K", ""]);
    let keys = run(folder.path(), "certutil", &["-K", "-d", "sql:db"]);
    assert_eq!(keys.matches("< 0>").count(), 1, "{keys}");
    let certificates = run(folder.path(), "certutil", &["-L", "-d", "sql:db"]);
    assert!(certificates.contains("u,u,u"), "{certificates}");
    assert!(certificates.contains("Sceau CA"), "{certificates}");

    let pass = format!("pass:{}", *password);
    let opened =
        run(folder.path(), "openssl", &["pkcs12", "-in", "zoe.p12", "-passin", &pass, "-nodes", "-info"]);
    assert!(opened.contains(issued.certificate().to_pem().trim()), "{opened}");
    assert!(opened.contains(authority.certificate().to_pem().trim()), "{opened}");
    assert!(opened.contains(issued.key().to_pem().trim()), "{opened}");
    let shown =
        try_run(folder.path(), "openssl", &["pkcs12", "-in", "zoe.p12", "-passin", &pass, "-noout", "-info"]);
    let shown = text(&shown.stderr);
    assert!(shown.contains("MAC: sha256") && shown.contains("AES-256-CBC"), "{shown}");
    assert!(
        !try_run(folder.path(), "openssl", &["pkcs12", "-in", "zoe.p12", "-passin", "pass:x"])
            .status
            .success()
    );
}

#[test]
fn passwords_are_long_and_typeable() {
    let (one, other) = (new_pkcs12_password().unwrap(), new_pkcs12_password().unwrap());
    assert_ne!(one, other);
    assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [4; 5]);
    assert!(
        one.chars().all(|c| c == '-' || (c.is_ascii_alphanumeric() && !"01loIO".contains(c))),
        "{}",
        *one
    );

    let authority = Authority::create(&AuthorityProfile::of("Essai"), NOW).unwrap();
    let issued =
        authority.issue_client(&ClientProfile::new("Zoé", CertificateRole::CaseOfficer), NOW).unwrap();
    for refused in ["short", "", "eleven-char", "motdepasse-zoé", "with space and more", &"x".repeat(65)] {
        assert_eq!(issued.to_pkcs12(refused).unwrap_err().code(), "pki_bad_password", "{refused}");
    }
}
