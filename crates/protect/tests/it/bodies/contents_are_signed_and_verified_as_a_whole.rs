//! Bodies of the profile `cbc-rs256`.

use axum::body::Bytes;
use reqwest::{Body, StatusCode};
use sceau_crypto::cbc::{self, Head, Sealer};
use sceau_crypto::envelope::Metadata;
use sceau_element_api::protect::{CbcKey, Session};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{BodyLimits, Stage, content, limits, refused};

const MEBIBYTE: usize = 1 << 20;

/// The message without its trailer, and its signature.
fn apart(message: &[u8]) -> (&[u8], &str) {
    let signature = cbc::signature_of(message).unwrap();
    (&message[..message.len() - signature.len() - 2], signature)
}

async fn decrypted(stage: &Stage, op: Value, message: &[u8]) -> Result<Vec<u8>, (u16, String)> {
    let answer = stage.post("decrypt", &stage.call("alice", op, None), message.to_vec()).await;
    match answer.status() {
        StatusCode::OK => Ok(answer.bytes().await.unwrap().to_vec()),
        _ => Err(refused(answer).await),
    }
}

fn invalid<T>() -> Result<T, (u16, String)> {
    Err((422, "content_invalid".to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_any_size_come_back() {
    let stage = Stage::begin(limits()).await;
    for length in [0, 1, 15, 16, MEBIBYTE - 256, MEBIBYTE, MEBIBYTE + 1, 9 * MEBIBYTE + 7] {
        let plain = content(length);
        let message = stage.encrypted_by(stage.create_signed(), &plain).await;
        assert!(length < 64 || !message.windows(64).any(|window| window == &plain[..64]), "{length}");
        let call = stage.call("alice", stage.open(&message), Some(&message));
        let answer = stage.post("decrypt", &call, message).await;
        assert_eq!(answer.status(), StatusCode::OK, "{length}");
        assert!(answer.bytes().await.unwrap() == plain, "{length}");
    }
    assert!(stage.left_behind().is_empty(), "what was verified has no name");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_type_are_sealed_and_come_back() {
    let stage = Stage::begin(limits()).await;
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/encrypt", stage.address));
    let call = stage.call("alice", stage.create_signed(), Some(b"plain"));
    let asked = asked.header("sceau-call", call).header("content-type", "application/pdf");
    let asked = asked.header("content-disposition", "attachment; filename*=UTF-8''cong%C3%A9s.pdf");
    let message = asked.body("plain").send().await.unwrap().bytes().await.unwrap().to_vec();
    assert!(!message.windows(3).any(|window| window == b"pdf"));
    let answer = stage.post("decrypt", &stage.call("alice", stage.open(&message), None), message).await;
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''cong%C3%A9s.pdf");
    assert_eq!(answer.bytes().await.unwrap(), "plain");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_altered_is_refused_alike_and_nothing_of_it_comes_out() {
    let stage = Stage::begin(limits()).await;
    let plain = content(3 * MEBIBYTE);
    let message = stage.encrypted_by(stage.create_signed(), &plain).await;
    let (body, signature) = apart(&message);
    let head = Head::length(&body[..cbc::FIXED]).unwrap();
    let trailer = message.len() - body.len();
    // Magic, version, datum, vector, length, wrapped key, name and type, text, the padding's block, signature, its length.
    let octets = [0, 9, 10, 42, 58, 60, head, MEBIBYTE, body.len() - 17, body.len() - 1, body.len()];
    for at in octets.into_iter().chain([message.len() - trailer / 2, message.len() - 1]) {
        let mut altered = message.clone();
        altered[at] ^= 1;
        assert_eq!(decrypted(&stage, stage.open(&message), &altered).await, invalid(), "octet {at}");
    }
    for length in [0, 1, cbc::FIXED, head, body.len(), message.len() - 1] {
        assert_eq!(decrypted(&stage, stage.open(&message), &message[..length]).await, invalid(), "{length}");
    }
    let longer = [&message[..], b"\0"].concat();
    assert_eq!(decrypted(&stage, stage.open(&message), &longer).await, invalid());
    // Another content of the same owner, whole, under this one's signature; and under its own, for a call of this one.
    let other = stage.encrypted_by(stage.create_signed(), &plain).await;
    assert_eq!(decrypted(&stage, stage.open(&message), &other).await, invalid());
    let mut crossed = stage.open(&message);
    crossed["open"]["content"] = json!(apart(&other).1);
    assert_eq!(decrypted(&stage, crossed, &other).await, invalid());
    let mut unsigned = stage.open(&message);
    unsigned["open"]["content"] = json!(signature.to_uppercase());
    assert_eq!(decrypted(&stage, unsigned, &message).await, invalid());
    assert!(stage.left_behind().is_empty());
}

/// Key and vector of a message, as somebody who may read gets them.
async fn key_of(stage: &Stage, message: &[u8]) -> CbcKey {
    let session = Session::draw().unwrap();
    let mut op = stage.open(message);
    op["open"]["session"] = json!(session.public());
    let call = stage.call("alice", op, None);
    let claims = sceau_element_api::protect::Claims::unverified(&call).unwrap();
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/calls", stage.address));
    let answer = asked.header("content-type", "application/jose").body(call).send().await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let key = answer["data_key"].as_str().unwrap();
    session.open_content(key, &claims.op.datum().unwrap(), &claims.jti).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_key_forges_no_content() {
    let stage = Stage::begin(limits()).await;
    let message = stage.encrypted_by(stage.create_signed(), b"pay 10").await;
    let (body, signature) = apart(&message);
    let key = key_of(&stage, &message).await;
    assert!(key.permit.is_none());
    let length = Head::length(&body[..cbc::FIXED]).unwrap();
    let head = Head::parse(&body[..length]).unwrap();
    let metadata = Metadata::new("data", "application/octet-stream").unwrap();
    let mut forged = Vec::new();
    let mut sealer = Sealer::begin(&key.key, &head, &metadata, &mut forged).unwrap();
    sealer.update(b"pay 10", &mut forged).unwrap();
    let digest = sealer.finish(&mut forged).unwrap();
    assert!(
        forged == body,
        "the same content is the same message, so that the next is refused for its content"
    );
    forged.clear();
    let mut sealer = Sealer::begin(&key.key, &head, &metadata, &mut forged).unwrap();
    sealer.update(b"pay 99", &mut forged).unwrap();
    let forged_digest = sealer.finish(&mut forged).unwrap();
    assert_ne!(forged_digest, digest);
    forged.extend_from_slice(&cbc::trailer(signature).unwrap());
    assert_eq!(decrypted(&stage, stage.open(&message), &forged).await, invalid());
    // Nor does the element sign it for them: they have no permit.
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/contents", stage.address));
    let datum = stage.open(&message)["open"]["datum"].clone();
    let guessed = sceau_element_api::Base64Url(vec![255; 40]);
    let sha256 = sceau_element_api::Base64Url(forged_digest.to_vec());
    let to_sign = json!({"datum": datum, "permit": guessed, "sha256": sha256});
    let answer =
        asked.header("content-type", "application/json").body(to_sign.to_string()).send().await.unwrap();
    assert_eq!(refused(answer).await, (403, "proof_invalid".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_ends_while_a_body_is_taken_in_ends_it() {
    let stage = Stage::begin(limits()).await;
    let message = stage.encrypted_by(stage.create_signed(), &content(2 * MEBIBYTE)).await;
    let open = stage.open(&message);
    let datum = open["open"]["datum"].clone();
    let (to, from) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    to.send(Ok(message[..MEBIBYTE].to_vec().into())).await.unwrap();
    let body = Body::wrap_stream(futures::stream::unfold(from, async |mut from| {
        from.recv().await.map(|came| (came, from))
    }));
    let call = stage.call("alice", open, None);
    let answer = stage.post("decrypt", &call, body);
    let revoked = async {
        // Once the call was granted: the first judgement comes after that.
        stage.clock.judged_again().await;
        stage.ask("alice", json!({"deactivate": {"datum": datum}})).await;
    };
    let (answer, ()) = tokio::join!(answer, revoked);
    assert_eq!(refused(answer).await, (403, "datum_inactive".to_owned()));
    drop(to);
    assert!(stage.left_behind().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_too_long_to_be_kept_is_refused_and_takes_no_call() {
    let stage = Stage::begin(BodyLimits { longest_spooled: 100_000, ..limits() }).await;
    let message = stage.encrypted_by(stage.create_signed(), &content(200_000)).await;
    let call = stage.call("alice", stage.open(&message), None);
    for _ in 0..2 {
        let answer = stage.post("decrypt", &call, message.clone()).await;
        assert_eq!(refused(answer).await, (413, "too_large".to_owned()));
    }
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        message.chunks(50_000).map(|piece| Ok(piece.to_vec().into())).collect();
    let answer = stage.post("decrypt", &call, Body::wrap_stream(futures::stream::iter(pieces))).await;
    assert_eq!(refused(answer).await, (413, "too_large".to_owned()));
}
