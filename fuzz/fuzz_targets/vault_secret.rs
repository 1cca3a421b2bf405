//! What clients write among the key-value pairs of the key manager, as into a Vault: kept as it was sent, within its limits, and never over a version
//! that the client did not mean.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sceau_keymanager::parsers::vault_secret;
use serde_json::Value;

/// A number that is no whole one is the nearest that a machine holds, and may be read again as its neighbour.
fn is_whole(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(all) => all.iter().all(is_whole),
        Value::Object(all) => all.values().all(is_whole),
        _ => true,
    }
}

fuzz_target!(|input: (&str, &[u8])| {
    let (path, body) = input;
    match vault_secret(path, body) {
        Some(Ok((data, cas))) => {
            assert!(
                path.len() <= 200 && !path.split('/').any(|name| name.is_empty() || name.starts_with('.'))
            );
            let asked: Value = serde_json::from_slice(body).expect("it was taken");
            assert!(data.is_object() && data.to_string().len() <= 512 * 1024);
            assert!(!is_whole(&data) || data == asked["data"]);
            assert_eq!(cas.is_none(), asked["options"]["cas"].is_null());
        }
        Some(Err(status)) => assert_eq!(status, 400),
        None => {}
    }
});
