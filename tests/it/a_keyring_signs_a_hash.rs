//! A keyring's way from its policy to a signature that OpenSSL verifies, by the processes and commands that people have; and what is refused on it.

use std::path::Path;

use sceau_crypto::jose::PublicJwk;
use sceau_element_api::keyring::KeyringsAbout;
use sceau_keyring::{Request, Statement as _, TransactionProof};
use sceau_tests::keyrings::{Keyrings, PIN, PROVIDER_NAME, pem_of, refused, said};
use sceau_tests::{Needle, Program, search};
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
    nothing_secret_lies_around(&keyrings);
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

/// PIN and code are in no file of element, host and terminal, nor in their logs; and the search finds them where the people of this test were given them.
fn nothing_secret_lies_around(keyrings: &Keyrings) {
    let code = std::fs::read_to_string(keyrings.scratch.join("k.code")).unwrap();
    let secrets =
        [Needle::text("PIN", PIN), Needle::text("code", &code), Needle::text("code", &code.replace('-', ""))];
    let (mut looked, mut canaries, mut folders) = (0, 0, vec![keyrings.scratch.path().to_owned()]);
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
            } else if file.is_file() {
                let found = search(&file.display().to_string(), &std::fs::read(&file).unwrap(), &secrets);
                let given = ["k.code", "k.package", "pin"].iter().any(|name| file.ends_with(name));
                assert!(given || found.is_empty(), "{found:?}");
                canaries += usize::from(given && !found.is_empty());
                looked += 1;
            }
        }
    }
    assert!(looked > 20 && canaries == 3, "{looked} files were looked at, {canaries} canaries found");
}

#[tokio::test(flavor = "multi_thread")]
async fn three_wrong_pins_block_a_keyring_and_a_restart_forgets_none() {
    let mut keyrings = Keyrings::start("keyring-pins");
    keyrings.scratch.write("wrong", "111222333444");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    for _ in 0..2 {
        assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
    }
    keyrings.start_element();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "wrong")), "pin_invalid");
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_blocked");
    keyrings.start_element();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "keyring_blocked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_terminal_is_none() {
    let keyrings = Keyrings::start("keyring-copy");
    let keyring = keyrings.hand_over("k", HOLDER);
    let (folder, copy) = (keyrings.scratch.join("terminal"), keyrings.scratch.join("copy"));
    keyrings.activate(&keyring, &folder).success();
    Program::other("cp").arg("-a").arg(&folder).arg(&copy).run().success();
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    // Elsewhere it refuses itself.
    assert_eq!(refused(&keyrings.sign(&copy, &request, "pin")), "terminal_changed");
    keyrings.sign(&folder, &request, "pin").success();
    // In its place, by somebody who has the PIN too: the last use made it stale, and that shows.
    std::fs::copy(copy.join("secret.json"), folder.join("secret.json")).unwrap();
    let request = keyrings.request("two", &keyring, &document);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "secret_stale");
    // Nobody else activates it again.
    let other = keyrings.scratch.join("other");
    assert_eq!(refused(&keyrings.activate(&keyring, &other)), "keyring_phase");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_was_named_is_heard() {
    let keyrings = Keyrings::start("keyring-actors");
    // A policy in another's word, and one that is too weak.
    assert_eq!(refused(&keyrings.publish("stranger", &keyrings.policy("7"))), "role_other");
    assert_eq!(refused(&keyrings.publish("officer", &keyrings.policy("5"))), "document_malformed");
    // A stranger fabricates nothing.
    let mut words = vec!["fabricate".to_owned()];
    for (option, value) in
        [("policy", "9a1d7c52-0b0e-4c0f-8a52-51b8f0f1c001"), ("package", "a"), ("invitation", "b")]
    {
        words.extend([format!("--{option}"), value.to_owned()]);
    }
    words.extend(["--code".to_owned(), "c".to_owned()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let element = keyrings.scratch.join("element.json");
    let stranger =
        keyrings.act("stranger", &words).arg("--element").arg(element).within(keyrings.scratch.path()).run();
    assert_eq!(refused(&stranger), "actor_unknown");

    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    // Another code does not activate; the right one does.
    let code = std::fs::read(keyrings.scratch.join("k.code")).unwrap();
    keyrings.scratch.write("k.code", "0000-0000-0000-0000-0000");
    assert_eq!(refused(&keyrings.activate(&keyring, &keyrings.scratch.join("wrong"))), "factor_invalid");
    keyrings.scratch.write("k.code", code);
    keyrings.activate(&keyring, &folder).success();
    // A request whose hash was turned on its way is not the provider's any more.
    let document = keyrings.scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    let jws = std::fs::read_to_string(&request).unwrap();
    let mut parts: Vec<&str> = jws.split('.').collect();
    let payload = sceau_element_api::Base64Url::decode(parts[1]).unwrap();
    let mut said: Value = serde_json::from_slice(&payload).unwrap();
    said["items"][0]["hash"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
    let turned = sceau_element_api::Base64Url::from(said.to_string().into_bytes()).encode();
    parts[1] = &turned;
    std::fs::write(&request, parts.join(".")).unwrap();
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "proof_invalid");
}
