//! A key is published, a mobility service subscribes, a file is sealed; Node opens what the funder fetches, with its own crypto.

use reqwest::Method;
use reqwest::header::ACCEPT;
use sceau_crypto::mob::VerifiedManifest;
use serde_json::json;

use super::opening::{download, node_opens};
use super::{Mob, one_file, pdf};

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
