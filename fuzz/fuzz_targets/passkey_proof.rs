//! What authenticators answer: nothing that was not signed verifies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_element_api::proof::{Assertion, CoseKey, Expected, verify_assertion, verify_registration};

fuzz_target!(|input: (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (cose_key, authenticator_data, client_data_json, signature) = input;
    let expected = Expected {
        challenge: &[7; 32],
        rp_id: "sceau.localhost",
        origins: &["https://sceau.localhost"],
        user_verification: false,
    };
    if let Ok(key) = CoseKey::parse(&cose_key) {
        let assertion = Assertion {
            credential_id: b"id",
            authenticator_data: &authenticator_data,
            client_data_json: &client_data_json,
            signature: &signature,
        };
        let _refused = verify_assertion(&assertion, &key, &expected);
    }
    let _refused = verify_registration(&client_data_json, &authenticator_data, &expected);
});
