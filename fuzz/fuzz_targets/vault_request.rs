//! What clients of a Vault send to the key manager: any body is done or refused, what was encrypted is what is decrypted, and nothing that no key
//! made is taken.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sceau_crypto::transit::TransitKind;
use sceau_keymanager::Policy;
use sceau_keymanager::parsers::{VaultKey, vault_requests};
use serde_json::{Value, json};

const ACTS: [&str; 6] = ["encrypt", "decrypt", "rewrap", "sign", "verify", "hmac"];

static KEYS: LazyLock<Vec<VaultKey>> = LazyLock::new(|| {
    [TransitKind::Aes256Gcm96, TransitKind::ChaCha20Poly1305, TransitKind::Ed25519, TransitKind::Hmac]
        .map(|kind| VaultKey::make(kind).expect("a key"))
        .into()
});

fuzz_target!(|body: &[u8]| {
    vault_requests(body);
    let _ = std::str::from_utf8(body).map(Policy::parse);
    for key in &*KEYS {
        for act in ACTS {
            match key.asked(act, body) {
                Some(Ok((_, data))) => {
                    let results = data["batch_results"].as_array().cloned().unwrap_or_else(|| vec![data]);
                    for result in results {
                        assert_ne!(
                            result["valid"],
                            Value::Bool(true),
                            "nothing of a key of ours is in a body"
                        );
                        assert!(act != "decrypt" || result["plaintext"].is_null());
                        back_again(key, act, &result, body);
                    }
                }
                Some(Err(status)) => assert!((400..500).contains(&status), "{status}"),
                None => {}
            }
        }
    }
});

/// What comes of encrypting is decrypted to what it was, where the body says that it was one item.
fn back_again(key: &VaultKey, act: &str, result: &Value, body: &[u8]) {
    let asked: Value = serde_json::from_slice(body).expect("it was done");
    if act != "encrypt" || !asked["batch_input"].is_null() {
        return;
    }
    let sealed =
        json!({"ciphertext": result["ciphertext"], "associated_data": asked["associated_data"]}).to_string();
    let (_, opened) = key.asked("decrypt", sealed.as_bytes()).expect("an object").expect("its own");
    assert_eq!(opened["plaintext"], asked["plaintext"]);
}
