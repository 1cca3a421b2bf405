//! Requests for certificates, read by OpenSSL; and OpenSSL's, read here.

use std::fs;

use sceau_pki::{CertificateRequest, Error, KeyAlgorithm, Material, Name, Oid, PrivateKey};

use crate::outside::{run, try_run};

fn named(common_name: &str) -> Name {
    Name::default().with(Oid::COMMON_NAME, common_name)
}

#[test]
fn openssl_verifies_them_for_each_kind_of_key() {
    for (kind, said) in [
        (KeyAlgorithm::Rsa2048, "(2048 bit)"),
        (KeyAlgorithm::Rsa3072, "(3072 bit)"),
        (KeyAlgorithm::EcdsaP256, "prime256v1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate(kind).unwrap();
        let subject = Name::default()
            .with(Oid::COUNTRY, "FR")
            .with(Oid::ORGANIZATION, "Éditeur, SARL")
            .with(Oid::ORGANIZATIONAL_UNIT, "318751275100020")
            .with(Oid::ORGANIZATIONAL_UNIT, "autre")
            .with(Oid::COMMON_NAME, "api.example.org");
        let hosts = ["api.example.org".to_owned(), "192.0.2.7".to_owned()];
        let request = CertificateRequest::make(&subject, &hosts, &key).unwrap();
        fs::write(folder.path().join("a.csr"), request.to_pem()).unwrap();
        let words = "req -in a.csr -verify -noout -text -nameopt RFC2253,-esc_msb,utf8";
        let printed = run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
        for wanted in [
            "CN=api.example.org,OU=autre,OU=318751275100020,O=Éditeur\\, SARL,C=FR",
            "DNS:api.example.org, IP Address:192.0.2.7",
            said,
        ] {
            assert!(printed.contains(wanted), "{wanted} in {printed}");
        }
        assert_eq!(request.hosts(), hosts);
    }
}

#[test]
fn a_platforms_request_is_to_the_byte_what_its_own_command_makes() {
    let folder = tempfile::tempdir().unwrap();
    let key = PrivateKey::generate(KeyAlgorithm::Rsa2048).unwrap();
    fs::write(folder.path().join("a.key"), key.to_pem().as_bytes()).unwrap();
    let words =
        "req -new -key a.key -sha256 -subj /CN=sas-agregateur-test-MonLogiciel -outform DER -out a.csr";
    run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    let ours = CertificateRequest::make(&named("sas-agregateur-test-MonLogiciel"), &[], &key).unwrap();
    assert_eq!(ours.der(), fs::read(folder.path().join("a.csr")).unwrap());
}

#[test]
fn one_that_was_altered_is_refused() {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::make(&named("sas-agregateur-test-a"), &[], &key).unwrap();
    let at = request.der().windows(5).position(|window| window == b"-test").unwrap();
    let mut altered = request.der().to_vec();
    altered[at..at + 5].copy_from_slice(b"-prod");
    assert!(matches!(CertificateRequest::from_der(&altered, "x"), Err(Error::RequestNotSigned { .. })));
    assert!(matches!(Material::read(&altered, "x"), Err(Error::RequestNotSigned { .. })));
    for bytes in [&b""[..], b"0\x00", &request.der()[..40]] {
        assert!(matches!(CertificateRequest::from_der(bytes, "x"), Err(Error::NotARequest { .. })));
    }
    let long = "x".repeat(65);
    for bad in [named(""), named(&long), named("a\nb"), Name::default()] {
        assert!(matches!(CertificateRequest::make(&bad, &[], &key), Err(Error::BadSubject)), "{bad}");
    }
}

#[test]
fn keys_of_openssl_are_read_in_each_form_but_under_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |words: &str| run(folder.path(), "openssl", &words.split_whitespace().collect::<Vec<_>>());
    openssl("genrsa -out pkcs8.pem 2048");
    openssl("rsa -in pkcs8.pem -traditional -out pkcs1.pem");
    openssl("rsa -in pkcs8.pem -traditional -outform DER -out pkcs1.der");
    openssl("pkcs8 -topk8 -in pkcs8.pem -nocrypt -outform DER -out pkcs8.der");
    openssl("pkcs8 -topk8 -in pkcs8.pem -passout pass:secret -out locked.pem");
    let read = |name: &str| Material::read(&fs::read(folder.path().join(name)).unwrap(), name);
    let public = |name: &str| match read(name).unwrap().as_slice() {
        [Material::Key(key)] => key.public_key_info().unwrap(),
        other => panic!("{other:?}"),
    };
    for other in ["pkcs1.pem", "pkcs1.der", "pkcs8.der"] {
        assert_eq!(public(other), public("pkcs8.pem"), "{other}");
    }
    assert!(matches!(read("locked.pem"), Err(Error::KeyUnderPassword { .. })));
    // What was made of a PKCS#1 key is one that OpenSSL takes.
    let Material::Key(key) = read("pkcs1.der").unwrap().swap_remove(0) else { panic!() };
    fs::write(folder.path().join("ours.pem"), key.to_pem().as_bytes()).unwrap();
    assert!(
        try_run(folder.path(), "openssl", &["pkey", "-in", "ours.pem", "-check", "-noout"]).status.success()
    );
}
