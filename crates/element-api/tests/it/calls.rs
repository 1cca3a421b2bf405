//! The client against a server that answers out of order, breaks, or says nothing.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use sceau_element_api::wire::{Call, Code, Refusal, Reply, Request, Response};
use sceau_element_api::{CallError, Client, read_frame, write_frame};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};

async fn receive(stream: &mut UnixStream, buffer: &mut BytesMut) -> Option<Call> {
    let frame = read_frame(stream, buffer).await.ok()??;
    Some(serde_json::from_slice(&frame).unwrap())
}

async fn send(stream: &mut UnixStream, call: u64, response: Response) {
    let mut out = BytesMut::new();
    write_frame(&mut out, &Reply { call, response }).unwrap();
    stream.write_all(&out).await.unwrap();
}

fn socket(folder: &Path) -> (UnixListener, Client) {
    let path = folder.join("element.sock");
    (UnixListener::bind(&path).unwrap(), Client::new(path))
}

#[tokio::test]
async fn answers_find_their_callers_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, client) = socket(folder.path());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = BytesMut::new();
        let mut calls = Vec::new();
        while calls.len() < 8 {
            calls.push(receive(&mut stream, &mut buffer).await.unwrap());
        }
        for call in calls.into_iter().rev() {
            let Request::Tile { index, .. } = call.request else { panic!("a tile was asked for") };
            send(&mut stream, call.call, Response::Tile(vec![u8::try_from(index).unwrap()].into())).await;
        }
    });
    let asked = (0..8_u64).map(|index| {
        let client = client.clone();
        tokio::spawn(async move { (index, client.tile(0, index, 1).await.unwrap()) })
    });
    for answer in asked.collect::<Vec<_>>() {
        let (index, tile) = answer.await.unwrap();
        assert_eq!(tile, [u8::try_from(index).unwrap()]);
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_read_survives_a_broken_connection_and_a_write_is_the_callers_to_judge() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, client) = socket(folder.path());
    let server = tokio::spawn(async move {
        // Each connection takes one call; the first and the last break before an answer.
        for answers in [false, true, false] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let call = receive(&mut stream, &mut BytesMut::new()).await.unwrap();
            if answers {
                send(&mut stream, call.call, Response::Checkpoint("note".to_owned())).await;
            }
        }
    });
    assert_eq!(client.checkpoint().await.unwrap(), "note");
    let written = client.append_signed("jws".to_owned()).await;
    assert!(matches!(written, Err(CallError::Broken)), "{written:?}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, client) = socket(folder.path());
    let hurried = client.with_deadline(Duration::from_millis(20));
    let outcome = hurried.nonce().await;
    assert!(matches!(outcome, Err(CallError::Deadline)), "{outcome:?}");
    drop(listener);
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_an_absent_element_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (listener, client) = socket(folder.path());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let call = receive(&mut stream, &mut BytesMut::new()).await.unwrap();
        let refusal = Refusal::new(Code::StaleVersion, "the current version is 2");
        send(&mut stream, call.call, Response::Refused(refusal)).await;
    });
    let outcome = client.append_signed("jws".to_owned()).await.unwrap_err();
    assert_eq!(outcome.code(), "stale_version");
    server.await.unwrap();

    let absent = Client::new(folder.path().join("nobody.sock")).hello().await.unwrap_err();
    assert_eq!(absent.code(), "element_unreachable");
    assert!(absent.to_string().contains("nobody.sock"));
}

#[test]
fn an_unknown_code_of_a_later_version_is_still_a_refusal() {
    let refusal: Refusal = serde_json::from_str(r#"{"code":"from_the_future","detail":"x"}"#).unwrap();
    assert_eq!(refusal.code, Code::Unknown);
    for code in Code::ALL {
        assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{code}\""));
    }
}
