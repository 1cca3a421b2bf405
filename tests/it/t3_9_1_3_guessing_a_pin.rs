//! Threat 3.9.1.3, guessing a PIN: three wrong ones block a keyring, whatever is restarted between them.

use sceau_tests::keyrings::{Keyrings, refused};

const HOLDER: &str = "Marie Curie";

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
