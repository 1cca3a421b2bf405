//! Holders' certificates by an authority outside (EST, RFC 7030): nothing is signed before there is one, the host carries, and the element takes none that is not the holder's.

use std::path::Path;

use sceau_tests::keyrings::{Answers, EstAuthority, Keyrings, refused, said};
use sceau_tests::{Finished, Program};
use serde_json::json;

fn openssl(words: &[&str], files: &[(&str, &Path)], last: &[&Path]) -> Finished {
    let program = Program::other("openssl").args(words);
    let program = files.iter().fold(program, |program, (option, file)| program.arg(option).arg(file));
    program.args(last).run()
}

/// Signs a document with the keyring, and holds it to the authority by OpenSSL alone.
fn signs(keyrings: &Keyrings, folder: &Path, request: &Path, document: &Path, anchor: &Path) {
    keyrings.sign(folder, request, "pin").success();
    let (pem, signature) = (request.with_extension("pem"), request.with_extension("signature"));
    let text = std::fs::read_to_string(&pem).unwrap();
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2, "the holder's, and the one above it: {text}");
    openssl(&["verify", "-purpose", "any"], &[("-CAfile", anchor), ("-untrusted", &pem)], &[&pem]).success();
    let subject = openssl(&["x509", "-noout", "-subject", "-issuer"], &[("-in", &pem)], &[]).success().text();
    assert!(subject.contains("CN = Marie Curie") && subject.contains("CN = issuing"), "{subject}");
    let key = openssl(&["x509", "-pubkey", "-noout"], &[("-in", &pem)], &[]).success().stdout;
    let key = keyrings.scratch.write("holder.pub", key);
    let verified = [("-verify", key.as_path()), ("-signature", signature.as_path())];
    openssl(&["dgst", "-sha256"], &verified, &[document]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_outside_certifies_a_keyring() {
    let mut authority = EstAuthority::start("est", Answers::Later);
    let policy = json!({"authority": authority.policy()});
    let keyrings = Keyrings::start_as("keyring-est", policy, &authority.by_password());
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    let activated = keyrings.activate(&keyring, &folder).success();
    assert_eq!(said(&activated, "/phase"), "certifying");

    // It was asked, and somebody there decides: nothing is signed meanwhile.
    let asked = authority.answered(202);
    assert_eq!((&asked["by"], &asked["kind"]), (&json!("password"), &json!("application/pkcs10")));
    let lease = keyrings.scratch.write("lease.pdf", b"the lease of 12 March");
    let request = keyrings.request("lease", &keyring, &lease);
    let waits = keyrings.sign(&folder, &request, "pin");
    assert_eq!(refused(&waits), "keyring_phase");
    assert!(waits.stderr.contains("waits for its certificate"), "{}", waits.stderr);
    let left = keyrings.leave("sp", &keyring.id, &lease);
    assert_eq!(refused(&left), "keyring_phase");

    authority.answers(Answers::Issues);
    authority.answered(200);
    keyrings.is_active(&folder).await;
    let state = keyrings.of("ra", &["state"], &keyring).success();
    assert!(state.stderr.contains("took a keyring's certificate"), "{}", state.stderr);
    signs(&keyrings, &folder, &request, &lease, &authority.anchor());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_away_or_wrong_certifies_nobody() {
    let mut authority = EstAuthority::start("est-away", Answers::AnotherKey);
    let policy = json!({"authority": authority.policy()});
    let mut keyrings = Keyrings::start_as("keyring-est-away", policy, &authority.by_certificate());
    authority.stop();
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    keyrings.host_says("est_away").await;
    assert_eq!(keyrings.phase(&folder), "certifying");

    // It is back, and issues a certificate of another key: the element takes none.
    authority.resume();
    assert_eq!(authority.answered(200)["by"], "certificate");
    keyrings.host_says("est_certificate_invalid").await;
    keyrings.host_says("no certificate of the answer is about the holder's key").await;
    assert_eq!(keyrings.phase(&folder), "certifying");
    let lease = keyrings.scratch.write("lease.pdf", b"the lease of 12 March");
    let request = keyrings.request("lease", &keyring, &lease);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_phase");

    // Its operator mends it. Whoever waits does so over a restart of element and host, which asks at once.
    authority.answers(Answers::Issues);
    keyrings.start_element();
    keyrings.is_active(&folder).await;
    signs(&keyrings, &folder, &request, &lease, &authority.anchor());
}
