//! Whoever does not end a handshake, or a balancer's header, within ten seconds is let go, and counted as slow. The runtime's clock stands still while
//! something happens and jumps to the next moment that somebody waits for where nothing does: no test waits for real.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::{
    outside::{Stage, usual},
    what_a_gate_does_is_seen::{look, sample},
};

/// As the gate has it.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The head of a TLS record, and no more (RFC 8446 §5.1).
const RECORD: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01];
const PROXIES: &str = "proxies = [\"127.0.0.1\"]\n";
const PASS: &str = "[[listener.pass]]\nname = \"intake.example\"\nto = \"127.0.0.1:9\"\n";

async fn stage(listener: &str) -> Stage {
    let more = format!("{listener}[[listener.route]]\npath");
    let text = |upstream| {
        usual(upstream, &[]).replacen("[[listener.route]]\npath", &more, 1)
            + "[observe]\naddress = \"127.0.0.1:0\"\n"
    };
    Stage::with(tempfile::tempdir().unwrap(), text).await
}

/// How long the gate holds a connection that says this and then nothing.
async fn held(gate: SocketAddr, says: &[u8]) -> Duration {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(gate).await.unwrap();
    stream.write_all(says).await.unwrap();
    // An end, or a break where octets were left unread.
    let ended = tokio::time::timeout(Duration::from_secs(3600), stream.read(&mut [0])).await;
    assert!(!matches!(ended.expect("it is held for ever"), Ok(1..)), "nothing is answered");
    begun.elapsed()
}

/// Tries until one is held for as long as it may be and not twice as long, and says how often: never for less, and where the machine carries octets
/// late the clock jumps once more before they are there.
async fn in_time(held: impl AsyncFn() -> Duration) -> f64 {
    for tried in 1..10_u8 {
        let held = held().await;
        assert!(held >= HANDSHAKE, "cut after {held:?}");
        if held < 2 * HANDSHAKE {
            return tried.into();
        }
    }
    panic!("each of nine is held for too long");
}

/// Of handshakes, how many ended so.
async fn counted(stage: &Stage, outcome: &str) -> f64 {
    let said = look(stage.observed.unwrap(), "/metrics", "").await;
    sample(&said, &format!("sceau_gate_handshakes_total{{listener=\"127.0.0.1:0\",outcome=\"{outcome}\"}}"))
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_cut() {
    let carried = b"PROXY TCP4 192.0.2.7 127.0.0.1 56324 443\r\n";
    let begun = [&carried[..], RECORD].concat();
    for (listener, says) in [
        ("", &b""[..]),
        ("", RECORD),
        // Where a name is looked for first.
        (PASS, b""),
        (PASS, RECORD),
        // Where a balancer is to say whom it carries: nothing, half of it in either version, all of it and then no handshake.
        (PROXIES, b""),
        (PROXIES, b"PROXY TCP4 192.0.2.7 127.0"),
        (PROXIES, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0"),
        (PROXIES, carried),
        (PROXIES, &begun),
    ] {
        let stage = stage(listener).await;
        let tried = in_time(async || held(stage.address, says).await).await;
        assert!((counted(&stage, "slow").await - tried).abs() < f64::EPSILON, "{listener} {says:?}");
        assert!(counted(&stage, "failed").await.abs() < f64::EPSILON, "{listener} {says:?}");
        drop(stage.stop().await);
    }
}

#[tokio::test(start_paused = true)]
async fn octets_that_drip_buy_no_time() {
    for listener in ["", PASS] {
        let stage = stage(listener).await;
        let tried = in_time(async || {
            let begun = Instant::now();
            let mut stream = TcpStream::connect(stage.address).await.unwrap();
            // A record of 512 octets, one every three seconds: it would take 25 minutes.
            stream.write_all(RECORD).await.unwrap();
            while stream.write_all(&[0]).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
            begun.elapsed()
        })
        .await;
        assert!((counted(&stage, "slow").await - tried).abs() < f64::EPSILON, "{listener}");
        // Who is in time is answered.
        assert!(stage.curl("/public", "").await.contains(" 200"));
        drop(stage.stop().await);
    }
}
