use reqwest::StatusCode;
use sceau_crypto::Cek;
use sceau_crypto::stream::{StreamOptions, open_content, read_header};
use serde_json::json;

use super::{Stage, content, limits};

const MEBIBYTE: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_any_size_come_back() {
    let stage = Stage::begin(limits()).await;
    for length in [0, 1, 1_048_519, 1_048_520, 1_048_521, 2 * MEBIBYTE, 9 * MEBIBYTE + 7] {
        let plain = content(length);
        let sealed = stage.encrypted(&plain).await;
        assert!(length < 64 || !sealed.windows(64).any(|window| window == &plain[..64]), "{length}");
        let call = stage.call("alice", stage.open(&sealed), Some(&sealed));
        let answer = stage.post("decrypt", &call, sealed).await;
        assert_eq!(answer.status(), StatusCode::OK, "{length}");
        assert!(answer.bytes().await.unwrap() == plain, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_the_one_that_a_client_writes_and_opens() {
    let mut stage = Stage::begin(limits()).await;
    let plain = content(3 * MEBIBYTE);
    let call = stage.call("alice", stage.create(), Some(&plain));
    let asked = reqwest::Client::new().post(format!("http://{}/v1/protect/encrypt", stage.address));
    let asked = asked.header("sceau-call", call).header("content-type", "application/pdf");
    let asked = asked.header("content-disposition", "attachment; filename*=UTF-8''cong%C3%A9s.pdf");
    let answer = asked.body(plain.clone()).send().await.unwrap();
    let datum = answer.headers()["sceau-datum"].to_str().unwrap().to_owned();
    assert!(answer.headers()["sceau-record"].to_str().unwrap().parse::<u64>().is_ok());
    let sealed = answer.bytes().await.unwrap().to_vec();

    // With a session of the application's own, as `sceau unprotect` does.
    let mut op = stage.open(&sealed);
    assert_eq!(op["open"]["datum"], json!(datum));
    op["open"]["session"] = stage.protected.application.session();
    let client = stage.protected.client().clone();
    let id = serde_json::from_value::<sceau_element_api::protect::DatumId>(json!(datum)).unwrap();
    let kept = client.kept(sceau_element_api::Kind::Datum, id).await.unwrap().unwrap().1;
    stage.protected.application.rows.insert(id, kept);
    let called = stage.protected.application.ask(&client, "alice", op).await.unwrap();
    let key = stage.protected.application.data_key(&called).key;
    let mut rest = sealed.as_slice();
    let header = read_header(&mut rest).unwrap().open_with(Cek::from_slice(&key).unwrap()).unwrap();
    let mut opened = Vec::new();
    open_content(&header, rest, &mut opened, StreamOptions::new()).unwrap();
    assert!(opened == plain);
    assert_eq!((header.metadata().name(), header.metadata().media_type()), ("congés.pdf", "application/pdf"));

    let answer = stage.post("decrypt", &stage.call("alice", stage.open(&sealed), None), sealed).await;
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename*=UTF-8''cong%C3%A9s.pdf");
}
