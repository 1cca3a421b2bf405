//! One sender does not hold the host: neither by silence nor by many uploads at once.

use std::time::Duration;

use sceau_dossiers::intake::Slowest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Caller, Mob, one_file, pdf};

/// Begins an upload whose bytes never end; the connection.
async fn begun(mob: &Mob, caller: &Caller, id: &str) -> TcpStream {
    let head = format!(
        "POST /v1/subscriptions/{id}/attachments HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: multipart/form-data; boundary=B\r\ncontent-length: 90000\r\n\r\n\
         --B\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.pdf\"\r\n\
         content-type: application/pdf\r\n\r\n%PDF-1.7\n",
        caller.token
    );
    let mut stream = TcpStream::connect(mob.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_falls_silent_is_sent_away() {
    let silence = Duration::from_millis(50);
    let mob = Mob::start_with(|settings| settings.slowest = Slowest { silence, ..Slowest::default() }).await;
    mob.publish_key(0, 1).await;
    let maas = mob.maas().await;
    let id = maas.subscribe(mob.incentives[0]).await;
    let mut answer = vec![0; 4096];
    let read = begun(&mob, &maas, &id).await.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"mob_too_slow\""), "{answer}");
    assert_eq!(mob.world.count("SELECT count(*) AS n FROM mob_parts", &[]).await, 0);
    assert_eq!(maas.attach(&id, one_file("a.pdf", pdf(900))).await.0, 201, "its draft takes files as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_has_a_quarter_of_the_uploads() {
    let mob = Mob::start_with(|settings| settings.at_once = 4).await;
    mob.publish_key(0, 1).await;
    let (greedy, other) = (mob.maas().await, mob.maas().await);
    let first = greedy.subscribe(mob.incentives[0]).await;
    let _held = begun(&mob, &greedy, &first).await;
    let refused = loop {
        // The first upload may still be on its way in.
        let id = greedy.subscribe(mob.incentives[0]).await;
        let answer = greedy.attach(&id, one_file("a.pdf", pdf(900))).await;
        if answer.0 != 201 {
            break answer;
        }
    };
    assert_eq!((refused.0, refused.1["error"]["code"].as_str()), (503, Some("mob_busy")));
    let id = other.subscribe(mob.incentives[0]).await;
    assert_eq!(other.attach(&id, one_file("a.pdf", pdf(900))).await.0, 201, "others have their own");
}
