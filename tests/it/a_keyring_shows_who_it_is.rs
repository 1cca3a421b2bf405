//! A service provider asks who a holder is, and verifies the answer without asking anybody.

use std::path::Path;

use sceau_tests::keyrings::{Keyrings, PROVIDER_NAME, refused, said};
use serde_json::json;

const HOLDER: &str = "Marie Curie";

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_shows_who_it_is() {
    let keyrings = Keyrings::start_with("keyring-who", json!({"discloses": "identity"}));
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();

    let request = keyrings.request_identity("login", &keyring, "session-17");
    let shown = keyrings.authenticate(&folder, &request, "pin").success();
    for words in [PROVIDER_NAME, "asks who you are", "Ouvrir votre espace", "Nothing is signed", "your name"]
    {
        assert!(shown.stderr.contains(words), "{words} is not shown:\n{}", shown.stderr);
    }

    // The provider, and whoever has the request, with no network.
    let verified = keyrings.verify(&request, &request, &[]).success();
    for (pointer, value) in [
        ("/kind", "authenticate"),
        ("/keyring", keyring.id.as_str()),
        ("/identity/common_name", HOLDER),
        ("/nonce", "session-17"),
        ("/description", "Ouvrir votre espace"),
        ("/index", said(&shown, "/index").as_str()),
        ("/log_checked", "false"),
    ] {
        assert_eq!(said(&verified, pointer), value, "{pointer}");
    }
    // And the log has it.
    let client = sceau_element_api::Client::new(keyrings.socket());
    let index: u64 = said(&shown, "/index").parse().unwrap();
    let log_key = client.hello().await.unwrap().log_key;
    let evidence = |name: &str, text: String| keyrings.scratch.write(name, text);
    let right = evidence("right.evidence", client.evidence(index).await.unwrap());
    let wrong = evidence("wrong.evidence", client.evidence(index - 1).await.unwrap());
    let in_log = |evidence: &Path| {
        keyrings.verify(&request, &request, &[("--log-key", Path::new(&log_key)), ("--evidence", evidence)])
    };
    assert_eq!(said(&in_log(&right).success(), "/log_checked"), "true");
    assert_eq!(refused(&in_log(&wrong)), "unproven");

    // It is of no other request, and once; and what asks who one is is not signed.
    let other = keyrings.request_identity("other", &keyring, "session-18");
    assert_eq!(refused(&keyrings.verify(&request, &other, &[])), "unproven");
    assert_eq!(refused(&keyrings.sign(&folder, &other, "pin")), "request_kind");
    let again = request.with_file_name("again.request");
    std::fs::copy(&request, &again).unwrap();
    assert_eq!(refused(&keyrings.authenticate(&folder, &again, "pin")), "request_spent");
    // Another element's word is none.
    let element = std::fs::read_to_string(keyrings.scratch.join("element.json")).unwrap();
    let mut element: serde_json::Value = serde_json::from_str(&element).unwrap();
    let stranger = sceau_crypto::jose::PublicJwk::of_spki(
        &sceau_pki::PrivateKey::generate(Default::default()).unwrap().public_key_info().unwrap(),
    )
    .unwrap();
    element["word"] = stranger.to_json().into();
    keyrings.scratch.write("element.json", element.to_string());
    assert_eq!(refused(&keyrings.verify(&request, &request, &[])), "unproven");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signatures_proof_is_verified_with_its_signatures() {
    let keyrings = Keyrings::start("keyring-proof");
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.activate(&keyring, &folder).success();
    let lease = keyrings.scratch.write("lease.pdf", b"the lease of 12 March");
    let request = keyrings.request("lease", &keyring, &lease);
    keyrings.sign(&folder, &request, "pin").success();
    let signature = request.with_extension("signature");
    let verified = keyrings.verify(&request, &request, &[("--signature", &signature)]).success();
    assert_eq!(said(&verified, "/kind"), "sign");
    assert_eq!(said(&verified, "/items/0/label"), "lease.pdf");
    assert_eq!(said(&verified, "/signatures_checked"), "true");
    let mut turned = std::fs::read(&signature).unwrap();
    *turned.last_mut().unwrap() ^= 1;
    let turned = keyrings.scratch.write("turned", turned);
    assert_eq!(refused(&keyrings.verify(&request, &request, &[("--signature", &turned)])), "unproven");
    // Who asks for a signature is not told who it is by the way.
    let asked = keyrings.request("next", &keyring, &lease);
    assert_eq!(refused(&keyrings.authenticate(&folder, &asked, "pin")), "request_kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_only_authenticates_signs_nothing() {
    let policy = json!({
        "use": "authenticate", "pin": {"least": 4, "most": 12}, "authority": "none", "algorithm": null,
    });
    let keyrings = Keyrings::start_with("keyring-only", policy);
    let keyring = keyrings.hand_over("k", HOLDER);
    let folder = keyrings.scratch.join("terminal");
    keyrings.scratch.write("pin", "4071");
    let activated = keyrings.activate(&keyring, &folder).success();
    assert!(activated.stderr.contains("to show who it is") && activated.stderr.contains("4 to 12 digits"));
    let request = keyrings.request_identity("login", &keyring, "session-17");
    keyrings.authenticate(&folder, &request, "pin").success();
    let verified = keyrings.verify(&request, &request, &[]).success();
    assert_eq!(
        (said(&verified, "/kind"), said(&verified, "/identity")),
        ("authenticate".into(), "null".into())
    );
    let lease = keyrings.scratch.write("lease.pdf", b"the lease");
    let request = keyrings.request("lease", &keyring, &lease);
    assert_eq!(refused(&keyrings.sign(&folder, &request, "pin")), "request_invalid");
}
