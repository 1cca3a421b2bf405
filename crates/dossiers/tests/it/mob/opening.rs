//! What Node opens with its own crypto, and what MOB's page does with a download.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use sceau_crypto::mob::MobPrivateKey;
use serde_json::{Value, json};

use super::Caller;

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/judges/mob.mjs");

/// What Node opens with the private key, from the fields of the subscription and ciphertext.
pub fn node_opens(private: &MobPrivateKey, view: &Value, sealed: &[u8]) -> Vec<u8> {
    let input = json!({
        "privateKey": String::from_utf8(private.to_pem().expose().to_vec()).unwrap(),
        "encryptedAESKey": view["encryptedAESKey"], "encryptedIV": view["encryptedIV"], "files": [STANDARD.encode(sealed)],
    });
    let mut node = Command::new("node")
        .args([JUDGE, "open"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success());
    let opened: Value = serde_json::from_slice(&output.stdout).unwrap();
    STANDARD.decode(opened["files"][0].as_str().unwrap()).unwrap()
}

/// The ciphertext, as MOB's page undoes its encoding.
pub async fn download(hr: &Caller, id: &str, name: &str) -> Vec<u8> {
    let path = format!("/v1/subscriptions/{id}/attachments/{name}");
    let answer = hr.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("one byte for each code point")).collect()
}
