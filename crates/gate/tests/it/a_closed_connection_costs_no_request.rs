//! A service that closes a connection which waited, just as the next request is sent over it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    outside::{Stage, request},
    services_are_reached::stage,
};

/// Answers the first request of each connection, reads the second one, and closes. Counts the requests that it read.
async fn service() -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                for nth in 0..2 {
                    if request(&mut stream).await.is_none() {
                        return;
                    }
                    counted.fetch_add(1, Ordering::SeqCst);
                    if nth == 0 {
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
                    }
                }
            });
        }
    });
    (address, count)
}

/// The status of this request, which goes over a connection that was used before, and how often the service read it.
async fn after_another(words: &str) -> (String, usize) {
    let (service, count) = service().await;
    let stage: Stage = stage(&format!("\"http://{service}\""), "").await;
    assert!(stage.curl("/", "").await.contains(" 200"));
    let answer = stage.curl("/", words).await;
    let status = answer.split_whitespace().nth(1).unwrap().to_owned();
    drop(stage.stop().await);
    (status, count.load(Ordering::SeqCst) - 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_happen_twice_is_sent_again() {
    for words in ["", "--http1.1", "-X PUT", "-X DELETE", "-I"] {
        assert_eq!(after_another(words).await, ("200".to_owned(), 2), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_is_sent_once_and_so_is_a_body() {
    for words in ["-d x", "-X POST", "-X PATCH", "-X PUT -d x", "-X PUT -d x --http1.1"] {
        assert_eq!(after_another(words).await, ("502".to_owned(), 1), "{words}");
    }
}
