#![allow(clippy::unwrap_used, reason = "tests state what must hold")]

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use sceau_element_api::wire::{Call, Hello, Refusal, Reply, Request, Response};
use sceau_element_api::{read_frame, write_frame};
use sceau_store::{Database, Statement, params};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::MIGRATIONS;

/// An element whose log has a thousand entries that cannot be had: it counts how often it is asked for what follows.
struct Empty {
    client: Client,
    asked: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

const SIZE: u64 = 1_000;

impl Empty {
    fn new() -> Self {
        let (folder, asked) = (tempfile::tempdir().unwrap(), Arc::<AtomicUsize>::default());
        let socket = folder.path().join("element.sock");
        let (listener, counted) = (UnixListener::bind(&socket).unwrap(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Self::converse(stream, Arc::clone(&counted)));
            }
        });
        Self { client: Client::new(socket), asked, _folder: folder }
    }

    async fn converse(mut stream: UnixStream, asked: Arc<AtomicUsize>) {
        let mut buffer = BytesMut::new();
        while let Ok(Some(frame)) = read_frame(&mut stream, &mut buffer).await {
            let Call { call, request } = serde_json::from_slice(&frame).unwrap();
            let response = match request {
                Request::Hello => Response::Hello(Hello {
                    protocol: 1,
                    origin: "example.org/log".to_owned(),
                    log_key: String::new(),
                    rp_id: String::new(),
                    size: SIZE,
                    has_platform_admin: false,
                    version: String::new(),
                }),
                Request::Entries { .. } => {
                    asked.fetch_add(1, Ordering::SeqCst);
                    Response::Refused(Refusal::new(Code::NotFound, "the end"))
                }
                other => panic!("{other:?} is not asked"),
            };
            let mut out = BytesMut::new();
            write_frame(&mut out, &Reply { call, response }).unwrap();
            stream.write_all(&out).await.unwrap();
        }
    }
}

async fn rows(folder: &tempfile::TempDir) -> (Database, Rows) {
    let migrations = [sceau_store::MIGRATIONS, MIGRATIONS].concat();
    let database = Database::open(&folder.path().join("records.db"), &migrations).await.unwrap();
    (database.clone(), Rows::new(database))
}

#[tokio::test]
async fn strangers_who_ask_at_once_have_the_log_read_a_few_times() {
    let (element, folder) = (Empty::new(), tempfile::tempdir().unwrap());
    let feed = Feed::new(element.client.clone(), rows(&folder).await.1);
    let asks: Vec<_> = (0..300)
        .map(|_| {
            tokio::spawn({
                let feed = feed.clone();
                async move { feed.freshen().await }
            })
        })
        .collect();
    for asked in asks {
        asked.await.unwrap().unwrap();
    }
    let readings = element.asked.load(Ordering::SeqCst);
    assert!((1..=5).contains(&readings), "{readings} readings");
    // One after another is no way around: so many a second.
    let (began, before) = (Instant::now(), element.asked.load(Ordering::SeqCst));
    for _ in 0..4 {
        feed.freshen().await.unwrap();
    }
    assert_eq!(element.asked.load(Ordering::SeqCst), before + 4, "each sees what is there when it asks");
    assert!(began.elapsed() >= APART * 3);
}

#[tokio::test]
async fn a_place_that_somebody_wrote_over_is_begun_anew() {
    let (element, folder) = (Empty::new(), tempfile::tempdir().unwrap());
    let (database, rows) = rows(&folder).await;
    let feed = Feed::new(element.client.clone(), rows.clone());
    rows.feed_on(0, SIZE).await.unwrap();
    feed.catch_up().await.unwrap();
    assert_eq!(rows.fed().await.unwrap(), Some(SIZE), "what is a place is believed");
    for written in [
        Statement::new("DELETE_FED", "DELETE FROM keyring_fed"),
        Statement::new("TEXT_FED", "UPDATE keyring_fed SET next = 'soon'"),
        Statement::new("BEYOND_FED", "UPDATE keyring_fed SET next = 1001"),
        Statement::new("BELOW_FED", "UPDATE keyring_fed SET next = -1"),
    ] {
        database.execute(written, params![]).await.unwrap();
        feed.catch_up().await.unwrap();
        assert_eq!(rows.fed().await.unwrap(), Some(0));
        rows.feed_on(0, SIZE).await.unwrap();
    }
}
