//! Holders' keys are made in the token that has the element's keys, and sign there: from the policy to a signature that OpenSSL verifies, over an element that is killed, and where
//! keys were made in memory before.

use std::path::{Path, PathBuf};

use sceau_tests::Program;
use sceau_tests::keyrings::{HandedKeyring, Keyrings, pem_of};
use serde_json::json;

fn openssl(words: &[&str], files: &[(&str, &Path)], last: &[&Path]) -> sceau_tests::Finished {
    let mut program = Program::other("openssl").args(words);
    for (option, file) in files {
        program = program.arg(option).arg(file);
    }
    program.args(last).run()
}

/// Signs a document, has OpenSSL judge signature and certificate; the certificate.
async fn signs(
    keyrings: &Keyrings,
    (name, by): (&str, &str),
    keyring: &HandedKeyring,
    folder: &Path,
) -> PathBuf {
    let scratch = &keyrings.scratch;
    let lease = scratch.write(&format!("{name}.pdf"), format!("the lease of {name}"));
    let request = keyrings.request_by(name, keyring, &lease, by);
    keyrings.sign(folder, &request, "pin").success();
    let about = sceau_element_api::Client::new(keyrings.socket()).keyrings_about().await.unwrap();
    let ca = scratch.write("ca.pem", pem_of(&about.authority.unwrap().encode()));
    let (pem, signature) = (request.with_extension("pem"), request.with_extension("signature"));
    openssl(&["verify"], &[("-CAfile", &ca)], &[&pem]).success();
    let key = openssl(&["x509", "-pubkey", "-noout"], &[("-in", &pem)], &[]).success().stdout;
    let key = scratch.write("holder.pub", key);
    let verified = [("-verify", key.as_path()), ("-signature", signature.as_path())];
    openssl(&["dgst", "-sha256"], &verified, &[&lease]).success();
    let other = scratch.write("other.pdf", b"another lease");
    assert_ne!(openssl(&["dgst", "-sha256"], &verified, &[&other]).code, Some(0));
    pem
}

async fn signs_in_the_token(algorithm: &str) {
    let mut keyrings = Keyrings::start_in_token("keyring-token", json!({"algorithm": algorithm}));
    assert_eq!(keyrings.element().said("/holders_keys"), "in_token");
    let before = keyrings.stored_in_token();
    assert!(before.contains("element/keyring-master-wrap/1"), "{before}");
    let (keyring, folder) = keyrings.activated("k", "Marie Curie");
    signs(&keyrings, ("first", algorithm), &keyring, &folder).await;
    assert_eq!(keyrings.stored_in_token(), before, "nothing of a holder is in the token's storage");
    // SIGKILL: what was in the token for a call was nowhere else.
    keyrings.stop();
    assert_eq!(keyrings.stored_in_token(), before);
    keyrings.start_element();
    signs(&keyrings, ("second", algorithm), &keyring, &folder).await;
    assert_eq!(keyrings.stored_in_token(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_signs_by_p256_in_a_token() {
    signs_in_the_token("ES256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_signs_by_rsa_in_a_token() {
    signs_in_the_token("RS256").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_made_in_memory_sign_on_after_a_move_into_a_token() {
    let mut keyrings = Keyrings::start("keyring-moved");
    assert_eq!(keyrings.element().said("/holders_keys"), "in_memory");
    let (old, old_folder) = keyrings.activated("old", "Marie Curie");
    let certificate = signs(&keyrings, ("before", "ES256"), &old, &old_folder).await;
    let certificate = std::fs::read(certificate).unwrap();
    keyrings.move_into_token();
    assert_eq!(keyrings.element().said("/holders_keys"), "in_token");
    let same = signs(&keyrings, ("after", "ES256"), &old, &old_folder).await;
    assert_eq!(std::fs::read(same).unwrap(), certificate);
    let (new, new_folder) = keyrings.activated("new", "Irène Joliot-Curie");
    signs(&keyrings, ("new", "ES256"), &new, &new_folder).await;
}
