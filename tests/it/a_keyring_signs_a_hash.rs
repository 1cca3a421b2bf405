//! A keyring's way from its policy to a signature that OpenSSL verifies, by the processes and commands that people have. What is refused on it is in the files of its threats (`t3_9_…`).

use std::path::Path;

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_keyring::{Request, Statement as _, TransactionProof};
use sceau_tests::Program;
use sceau_tests::keyrings::{Keyrings, PROVIDER_NAME, pem_of, refused, said};
use serde_json::Value;

const HOLDER: &str = "Marie Curie";

fn openssl(words: &[&str], files: &[(&str, &Path)], last: &[&Path]) -> sceau_tests::Finished {
    let mut program = Program::other("openssl").args(words);
    for (option, file) in files {
        program = program.arg(option).arg(file);
    }
    program.args(last).run()
}

async fn about(keyrings: &Keyrings) -> KeyringsAbout {
    let client = sceau_element_api::Client::new(keyrings.socket());
    client.keyrings_about().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_signs_a_hash() {
    let keyrings = Keyrings::start("keyring");
    let scratch = &keyrings.scratch;
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = scratch.join("terminal");
    let activated = keyrings.activate(&keyring, &folder).success();
    assert!(activated.stderr.contains(HOLDER) && activated.stderr.contains("was not activated before"));
    assert_eq!(said(&activated, "/phase"), "active");

    let lease = scratch.write("lease.pdf", b"the lease of 12 March");
    let request = keyrings.request("lease", &keyring, &lease);
    let signed = keyrings.sign(&folder, &request, "pin").success();
    for shown in [PROVIDER_NAME, "Le bail du 12 mars", "1 250 €", "lease.pdf"] {
        assert!(signed.stderr.contains(shown), "{shown} is not shown:\n{}", signed.stderr);
    }

    // OpenSSL verifies the signature under the holder's certificate, and that under the embedded authority.
    let about = about(&keyrings).await;
    let ca = scratch.write("ca.pem", pem_of(&about.authority.as_ref().unwrap().encode()));
    let (pem, signature) = (request.with_extension("pem"), request.with_extension("signature"));
    openssl(&["verify"], &[("-CAfile", &ca)], &[&pem]).success();
    let subject = openssl(&["x509", "-noout", "-subject"], &[("-in", &pem)], &[]).success().text();
    assert!(subject.contains(HOLDER), "{subject}");
    let key = openssl(&["x509", "-pubkey", "-noout"], &[("-in", &pem)], &[]).success().stdout;
    let key = scratch.write("holder.pub", key);
    let verified = [("-verify", key.as_path()), ("-signature", signature.as_path())];
    openssl(&["dgst", "-sha256"], &verified, &[&lease]).success();
    let other = scratch.write("other.pdf", b"another lease");
    assert_ne!(openssl(&["dgst", "-sha256"], &verified, &[&other]).code, Some(0));

    // The element's word on it, and the log's.
    let jws = std::fs::read_to_string(&request).unwrap();
    let word = PublicJwk::parse(about.word.as_bytes()).unwrap();
    let proof = std::fs::read_to_string(request.with_extension("proof")).unwrap();
    let proof = TransactionProof::verify_by(&proof, &word).unwrap();
    assert_eq!(proof.request, Request::hash_of(&jws));
    assert_eq!(proof.keyring.to_string(), keyring.id);
    let record = record(&keyrings, &said(&signed, "/index")).await;
    assert_eq!(record["action"], "keyring.sign");
    assert_eq!(record["outcome"], "granted");
    assert_eq!(record["detail"]["request"], Request::hash_of(&jws).to_string());

    // Once, and no more.
    let again = request.with_file_name("again.request");
    std::fs::copy(&request, &again).unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &again, "pin")), "request_spent");
    // The next one goes: the terminal's secret was turned.
    let next = keyrings.request("next", &keyring, &other);
    keyrings.sign(&folder, &next, "pin").success();
}

/// The record of this entry, as `sceau trace verify` finds it.
async fn record(keyrings: &Keyrings, index: &str) -> Value {
    let client = sceau_element_api::Client::new(keyrings.socket());
    let evidence = client.evidence(index.parse().unwrap()).await.unwrap();
    let evidence = keyrings.scratch.write("sign.evidence", evidence);
    let log_key = client.hello().await.unwrap().log_key;
    let verified = Program::sceau("trace").args(["verify", "--json", "--log-key", &log_key]).arg(evidence);
    let verified: Value = serde_json::from_str(&verified.run().success().text()).unwrap();
    verified["record"].clone()
}
