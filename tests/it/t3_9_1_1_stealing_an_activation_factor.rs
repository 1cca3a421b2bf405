//! Threat 3.9.1.1, stealing an activation factor: where the policy asks for two, the second goes by another channel than the code; who stole one activates nothing, and three wrong
//! ones block. Between element and authority neither is read (`t3_9_3_3_impersonating_the_server`).

use sceau_tests::keyrings::{Keyrings, POLICY, refused, said};
use serde_json::json;

const HOLDER: &str = "Marie Curie";

#[tokio::test(flavor = "multi_thread")]
async fn two_factors_activate_a_keyring() {
    let keyrings = Keyrings::start_with("keyring-two", json!({"second_factor": "required"}));
    let scratch = &keyrings.scratch;
    // Where it is not said where the second factor goes nothing is made, and nothing stands in the way of the same command with it.
    let files = ["package", "invitation", "code"];
    let made = keyrings
        .act("ra", &["fabricate", "--policy", POLICY])
        .arg("--element")
        .arg(scratch.join("element.json"))
        .args(files.iter().flat_map(|name| {
            [format!("--{name}").into(), scratch.join(&format!("same.{name}")).into_os_string()]
        }))
        .run();
    assert_eq!(refused(&made), "second_factor");
    assert!(files.iter().all(|name| !scratch.join(&format!("same.{name}")).exists()));
    let all = format!("/v1/keyrings/policies/{POLICY}/keyrings");
    let (_, listed) = keyrings.ask_host(Some("ra"), ("get", &all), None).await;
    assert_eq!(listed["keyrings"], json!([]));
    let (_, delivered) = keyrings.hand_over_by("same", HOLDER, &["hand", "hand"]);
    assert_eq!(refused(&delivered), "document_malformed");
    let (keyring, delivered) = keyrings.hand_over_by("k", HOLDER, &["hand", "sms"]);
    delivered.success();

    let (second, folder) =
        (std::fs::read_to_string(scratch.join("k.second")).unwrap(), scratch.join("terminal"));
    for _ in 0..2 {
        scratch.write("k.second", "0000-0000-0000-0000");
        assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "factor_invalid");
    }
    scratch.write("k.second", second.to_lowercase());
    let activated = keyrings.activate(&keyring, &folder).success();
    assert_eq!(said(&activated, "/phase"), "active");
    let document = scratch.write("document", b"x");
    let request = keyrings.request("one", &keyring, &document);
    keyrings.sign(&folder, &request, "pin").success();
}

#[tokio::test(flavor = "multi_thread")]
async fn three_wrong_second_factors_block_a_keyring_and_a_restart_forgets_none() {
    let mut keyrings = Keyrings::start_with("keyring-guess", json!({"second_factor": "required"}));
    let (keyring, delivered) = keyrings.hand_over_by("k", HOLDER, &["hand", "sms"]);
    delivered.success();
    let folder = keyrings.scratch.join("terminal");
    let second = std::fs::read_to_string(keyrings.scratch.join("k.second")).unwrap();
    let code = std::fs::read_to_string(keyrings.scratch.join("k.code")).unwrap();
    keyrings.scratch.write("k.second", "0000-0000-0000-0000");
    // Without the code nothing is counted.
    keyrings.scratch.write("k.code", "0000-0000-0000-0000-0000");
    for _ in 0..4 {
        assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "factor_invalid");
    }
    keyrings.scratch.write("k.code", code);
    for _ in 0..3 {
        assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "factor_invalid");
    }
    keyrings.scratch.write("k.second", second);
    assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "keyring_blocked");
    keyrings.start_element();
    assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "keyring_blocked");
    let seen = keyrings.of("ra", &["state"], &keyring).success();
    assert!(seen.stderr.contains("blocked by wrong second factors"), "{}", seen.stderr);
}
