//! What authorities answer by EST, as OpenSSL makes it: certificates alone, in a message that signs nothing.

use sceau_pki::{Authority, AuthorityProfile, NotCertsOnly, certs_only};

use crate::outside::{NOW, run};

fn folder(authorities: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let all: String = (0..authorities)
        .map(|place| {
            let authority =
                Authority::create(&AuthorityProfile::of(&format!("Authority {place}")), NOW).unwrap();
            std::fs::write(folder.path().join("ca.key"), authority.key().to_pem().as_bytes()).unwrap();
            std::fs::write(folder.path().join("ca.pem"), authority.certificate().to_pem()).unwrap();
            authority.certificate().to_pem()
        })
        .collect();
    std::fs::write(folder.path().join("all.pem"), all).unwrap();
    folder
}

fn made(folder: &tempfile::TempDir, words: &str) -> Vec<u8> {
    let words: Vec<_> = words.split_whitespace().chain(["-outform", "DER", "-out", "made"]).collect();
    run(folder.path(), "openssl", &words);
    std::fs::read(folder.path().join("made")).unwrap()
}

#[test]
fn certificates_come_in_their_order() {
    let folder = folder(2);
    let der = made(&folder, "crl2pkcs7 -nocrl -certfile all.pem");
    let read = certs_only(&der).unwrap();
    let subjects: Vec<_> = read.iter().map(|one| one.subject().to_string()).collect();
    assert!(subjects[0].contains("Authority 0") && subjects[1].contains("Authority 1"), "{subjects:?}");
    // All of it, and nothing behind it.
    for cut in 0..der.len() {
        assert!(certs_only(&der[..cut]).is_err(), "{cut}");
    }
    assert_eq!(certs_only(&[&der[..], &[0]].concat()), Err(NotCertsOnly::Malformed));
}

#[test]
fn what_signs_or_is_empty_or_too_much_is_refused() {
    let folder = folder(13);
    assert_eq!(certs_only(&made(&folder, "crl2pkcs7 -nocrl -certfile all.pem")), Err(NotCertsOnly::TooLong));
    assert_eq!(certs_only(&[0; 65 * 1024]), Err(NotCertsOnly::TooLong));
    assert_eq!(certs_only(&made(&folder, "crl2pkcs7 -nocrl")), Err(NotCertsOnly::Empty));
    std::fs::write(folder.path().join("words"), "x").unwrap();
    let signed = made(&folder, "cms -sign -in words -signer ca.pem -inkey ca.key -nodetach -md sha256");
    assert_eq!(certs_only(&signed), Err(NotCertsOnly::Malformed));
    let detached = made(&folder, "cms -sign -in words -signer ca.pem -inkey ca.key -md sha256");
    assert_eq!(certs_only(&detached), Err(NotCertsOnly::Malformed));
}
