//! A key is published, a mobility service subscribes, a file is sealed; Node opens what the funder fetches, with its own crypto.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::ACCEPT;
use sceau_crypto::mob::{MobPrivateKey, VerifiedManifest};
use serde_json::{Value, json};

use super::{Caller, Mob, one_file, pdf};

const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/judges/mob.mjs");

/// What Node opens with the private key, from the fields of the subscription and ciphertext.
fn node_opens(private: &MobPrivateKey, view: &Value, sealed: &[u8]) -> Vec<u8> {
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

async fn download(hr: &Caller, id: &str, name: &str) -> Vec<u8> {
    let path = format!("/v1/subscriptions/{id}/attachments/{name}");
    let answer = hr.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("one byte for each code point")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn node_opens_what_a_funder_fetches() {
    let mob = Mob::start().await;
    let private = mob.publish_key(0, 1).await;
    let (maas, hr) = (mob.maas().await, mob.hr(0).await);
    let id = maas.subscribe(mob.incentives[0]).await;
    let path = format!("/v1/subscriptions/{id}");
    assert_eq!(hr.get(&path).await.0, 403, "a draft is nobody's to read yet");
    let content = pdf(2_500_000);
    let (status, answer) = maas.attach(&id, one_file("rib.pdf", content.clone())).await;
    assert_eq!((status, &answer), (201, &json!({ "id": id })));
    assert_eq!(maas.verify(&id).await, (200, json!({"id": id, "status": "A_TRAITER"})));

    let (status, view) = hr.get(&path).await;
    assert_eq!(status, 200, "{view}");
    assert_eq!(view["status"], "A_TRAITER");
    assert_eq!(view["lastName"], "Durand");
    assert_eq!(view["birthdate"], "1990-12-12T00:00:00.000Z");
    assert_eq!(view["specificFields"], json!({"km": 60}));
    assert_eq!(view["encryptionKeyVersion"], 1);
    assert_eq!(view["attachments"][0]["originalName"], "rib.pdf");
    assert_eq!(view["attachments"][0]["proofType"], "justificatif");
    assert_eq!(view["privateKeyAccess"]["loginURL"], "https://kv:8200/v1/auth/cert/login");

    let sealed = download(&hr, &id, "rib.pdf").await;
    assert!(sealed.len() % 16 == 0 && !sealed.windows(9).any(|window| window == b"%PDF-1.7\n"));
    assert!(node_opens(&private, &view, &sealed) == content, "what Node opens is what was sent");
    let raw = hr.request(Method::GET, &format!("{path}/attachments/rib.pdf"));
    let raw = raw.header(ACCEPT, "application/octet-stream").send().await.unwrap();
    assert_eq!(raw.headers()["content-type"], "application/octet-stream");
    assert!(raw.bytes().await.unwrap() == sealed, "raw bytes for who asks for them");

    // Our own reader demands the manifest.
    let manifest = view["manifest"].as_str().unwrap();
    let manifest = VerifiedManifest::verify(manifest, &mob.signer, &id).unwrap();
    let mut opened = Vec::new();
    let keys = private.unlock(&manifest).unwrap();
    keys.open("rib.pdf", std::io::Cursor::new(&sealed), &mut opened).unwrap();
    assert!(opened == content);
}
