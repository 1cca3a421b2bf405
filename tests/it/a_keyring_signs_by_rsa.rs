//! A holder's key on RSA, for readers that take no other: certified, and verified by OpenSSL.

use std::path::Path;

use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, pem_of, refused, said};
use serde_json::json;

fn openssl(words: &[&str], files: &[(&str, &Path)], last: &[&Path]) -> sceau_tests::Finished {
    let mut program = Program::other("openssl").args(words);
    for (option, file) in files {
        program = program.arg(option).arg(file);
    }
    program.args(last).run()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_signs_by_rsa() {
    let subject = ["common_name", "given_name", "surname", "country"];
    let keyrings = Keyrings::start_with("keyring-rsa", json!({"algorithm": "RS256", "subject": subject}));
    let scratch = &keyrings.scratch;
    let identity = ["--given-name", "Marie", "--surname", "Curie", "--country", "FR"];
    let (keyring, delivered) = keyrings.hand_over_as("k", "Marie Curie", &["hand"], &identity);
    delivered.success();
    let folder = scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();

    let lease = scratch.write("lease.pdf", b"the lease of 12 March");
    let other = keyrings.request("other", &keyring, &lease);
    assert_eq!(refused(&keyrings.sign(&folder, &other, "pin")), "request_invalid");
    let request = keyrings.request_by("lease", &keyring, &lease, "RS256");
    keyrings.sign(&folder, &request, "pin").success();

    let client = sceau_element_api::Client::new(keyrings.socket());
    let about = client.keyrings_about().await.unwrap();
    let ca = scratch.write("ca.pem", pem_of(&about.authority.unwrap().encode()));
    let (pem, signature) = (request.with_extension("pem"), request.with_extension("signature"));
    openssl(&["verify"], &[("-CAfile", &ca)], &[&pem]).success();
    let text = openssl(&["x509", "-noout", "-text"], &[("-in", &pem)], &[]).success().text();
    for words in ["3072 bit", "C = FR", "SN = Curie", "GN = Marie", "CN = Marie Curie"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let key = openssl(&["x509", "-pubkey", "-noout"], &[("-in", &pem)], &[]).success().stdout;
    let key = scratch.write("holder.pub", key);
    let verified = [("-verify", key.as_path()), ("-signature", signature.as_path())];
    openssl(&["dgst", "-sha256"], &verified, &[&lease]).success();
    let another = scratch.write("another.pdf", b"another lease");
    assert_ne!(openssl(&["dgst", "-sha256"], &verified, &[&another]).code, Some(0));
    let verified = keyrings.verify(&request, &request, &[("--signature", &signature)]).success();
    assert_eq!(said(&verified, "/signatures_checked"), "true");
}
