//! A keyring whose policy asks for the fingerprint: the device looks at it by itself, and a command line has no such device. What browsers do is in web/extension/test, and what shells
//! of phones do in tests/judges/terminal_sdk.py.

use sceau_tests::keyrings::{Keyrings, refused, said};
use serde_json::json;

#[test]
fn a_terminal_that_knows_nobody_is_none_of_it() {
    let keyrings = Keyrings::start_with("keyring-fingerprint", json!({"biometric": "fingerprint"}));
    let keyring = keyrings.hand_over("k", "Marie Curie");
    let folder = keyrings.scratch.join("terminal");
    for _ in 0..2 {
        assert_eq!(refused(&keyrings.activate(&keyring, &folder)), "fingerprint_missing");
    }
    // Nothing was chosen for it, and another terminal may still be the first.
    let state = keyrings.of("ra", &["state"], &keyring).success();
    assert_eq!(said(&state, "/phase"), "delivered");
}
