//! Large bodies through the keyfront, which encrypts and decrypts them itself, beside AES-256-GCM of OpenSSL on one processor.
//!
//! A body goes over one connection of loopback, without TLS (which would be two more passes of the same cipher), from the first octet sent to the last one read. The caller
//! sends one block over and over and reads away what comes; keyfront, element and caller share the processors. TCP does not pace ([`apart`]).

use std::net::SocketAddr;
use std::time::Instant;

use sceau_crypto::envelope::UnverifiedHeader;
use sceau_element_api::Base64Url;
use sceau_element_api::protect::DatumId;
use sceau_tests::{Program, Running};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::caller::{Application, Key};
use super::ground::Ground;
use crate::Settings;
use crate::apart::apart;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};

/// What is sent at once.
const BLOCK: usize = 1 << 18;
const ROUNDS: usize = 5;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    apart(|congestion_control| measured(settings, congestion_control))
}

fn measured(settings: Settings, congestion_control: &str) -> Result<Vec<Row>, String> {
    let (size, rounds) = if settings.quick { (256 << 20, 2) } else { (1 << 30, ROUNDS) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let ground = Ground::prepare(None).await?;
        let application = ground.register(Key::es256()?).await?;
        let session = session_of(ground.address).await?;
        let small = memory(&ground.keyfront)?;
        let mut sums = [Sum::default(), Sum::default()];
        let mut speed: f64 = 0.0;
        for _ in 0..rounds {
            speed = speed.max(openssl()?);
            let began = processor_time(&[ground.keyfront.pid()])?;
            let op = json!({"create": {"session": session}});
            let (seconds, sealed) =
                pass(ground.address, &application, "encrypt", &op, &Body::Repeated(size)).await?;
            let encrypted = processor_time(&[ground.keyfront.pid()])?;
            let op = json!({"open": opening(&sealed, &session)?});
            let (again, _) = pass(ground.address, &application, "decrypt", &op, &Body::Whole(sealed)).await?;
            let decrypted = processor_time(&[ground.keyfront.pid()])?;
            sums[0].add(size, seconds, encrypted - began);
            sums[1].add(size, again, decrypted - encrypted);
        }
        let grown = memory(&ground.keyfront)? - small;
        let name = format!("a body of {} MiB over {congestion_control}", size >> 20);
        let mut rows = Vec::new();
        for (what, sum) in ["encrypt", "decrypt"].into_iter().zip(sums) {
            let (ours, peer) = (Figure::new(sum.best, "MB/s"), Figure::new(speed, "MB/s"));
            rows.push(Row::ratio(
                format!("{what} {name}, beside openssl speed -evp aes-256-gcm"),
                ours,
                peer,
                Target::AtLeast(0.5),
            ));
            rows.push(Row::told(
                format!("{what} {name}, processor time of the keyfront"),
                Figure::new(sum.least, "ms a GB"),
            ));
        }
        let name =
            format!("memory of the keyfront at its most, after {rounds} of these each way, more than before");
        rows.push(Row::figure(name, Figure::new(grown, "MiB"), Target::AtMost(64.0)));
        Ok(rows)
    })
}

/// The best of several passes.
#[derive(Default)]
struct Sum {
    best: f64,
    least: f64,
}

impl Sum {
    fn add(&mut self, size: usize, seconds: f64, milliseconds: f64) {
        let each = milliseconds / (size as f64 / 1e9);
        self.least = if self.best == 0.0 { each } else { self.least.min(each) };
        self.best = self.best.max(size as f64 / seconds / 1e6);
    }
}

/// MB/s of one processor over blocks of 16 KiB.
fn openssl() -> Result<f64, String> {
    let said = Program::other("openssl")
        .args(["speed", "-mr", "-elapsed", "-seconds", "2", "-bytes", "16384", "-evp", "aes-256-gcm"])
        .run()
        .success()
        .text();
    let line = said.lines().find(|line| line.starts_with("+F:")).ok_or("openssl says no speed")?;
    let rate = line.rsplit(':').next().and_then(|rate| rate.parse::<f64>().ok());
    rate.map(|rate| rate / 1e6).ok_or_else(|| format!("openssl says {line}"))
}

/// The most that was resident (proc(5), VmHWM), in MiB.
pub(super) fn memory(running: &Running) -> Result<f64, String> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid()));
    let status = status.map_err(|error| error.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.map(|kib| kib / 1024.0).ok_or("no VmHWM".to_owned())
}

/// The session that the keyfront publishes.
async fn session_of(address: SocketAddr) -> Result<Value, String> {
    let mut said = published(address, "/v1/protect/keyfront").await?;
    said.get_mut("session").map(Value::take).ok_or("no session".to_owned())
}

/// What the keyfront publishes at this path.
pub(super) async fn published(address: SocketAddr, path: &str) -> Result<Value, String> {
    let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let asked = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(|error| error.to_string())?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    serde_json::from_str(body).map_err(|error| error.to_string())
}

/// What opens an envelope.
fn opening(sealed: &[u8], session: &Value) -> Result<Value, String> {
    let (header, _) = UnverifiedHeader::parse_prefix(sealed).map_err(|error| error.to_string())?;
    let stanza = header.stanzas().first().ok_or("no stanza")?;
    let datum = DatumId::from(*stanza.datum().ok_or("no datum")?);
    Ok(json!({"datum": datum, "wrapped_key": Base64Url(stanza.wrapped.clone()), "session": session}))
}

enum Body {
    /// So many octets.
    Repeated(usize),
    Whole(Vec<u8>),
}

/// Seconds of one body, and what came of an encryption.
async fn pass(
    to: SocketAddr,
    application: &Application,
    path: &str,
    op: &Value,
    body: &Body,
) -> Result<(f64, Vec<u8>), String> {
    let length = match body {
        Body::Repeated(length) => *length,
        Body::Whole(octets) => octets.len(),
    };
    let head = format!(
        "POST /v1/protect/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nsceau-call: {}\r\ncontent-length: {length}\r\n\r\n",
        application.call(op)?
    );
    let stream = TcpStream::connect(to).await.map_err(|error| error.to_string())?;
    let (read, mut write) = stream.into_split();
    let kept = if path == "encrypt" { length + (1 << 20) } else { 0 };
    // Touched before: what the caller pays for its own memory is not the keyfront's.
    let kept = vec![1_u8; kept];
    let reading = tokio::spawn(read_away(BufReader::with_capacity(BLOCK, read), kept));
    let began = Instant::now();
    write.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
    let sent = match body {
        Body::Whole(octets) => write.write_all(octets).await,
        Body::Repeated(length) => {
            let block = vec![0x5a; BLOCK];
            let mut sent = Ok(());
            for _ in 0..length / BLOCK {
                sent = sent.and(write.write_all(&block).await);
            }
            sent
        }
    };
    sent.map_err(|error| error.to_string())?;
    let came = reading.await.map_err(|error| error.to_string())??;
    Ok((began.elapsed().as_secs_f64(), came))
}

/// Reads an answer in chunks (RFC 9112 section 7.1) to its end; keeps it where there is room for it.
async fn read_away(
    mut from: impl tokio::io::AsyncBufRead + Unpin,
    mut kept: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let (room, mut line) = (kept.len(), String::new());
    kept.clear();
    let failed = |error: std::io::Error| error.to_string();
    from.read_line(&mut line).await.map_err(failed)?;
    if !line.starts_with("HTTP/1.1 200") {
        from.read_to_string(&mut line).await.map_err(failed)?;
        return Err(line);
    }
    while line != "\r\n" {
        line.clear();
        from.read_line(&mut line).await.map_err(failed)?;
    }
    loop {
        line.clear();
        from.read_line(&mut line).await.map_err(failed)?;
        let mut left = usize::from_str_radix(line.trim(), 16).map_err(|_| format!("no chunk: {line:?}"))?;
        let end = left == 0;
        while left > 0 {
            let here = from.fill_buf().await.map_err(failed)?;
            let length = here.len().min(left);
            if length == 0 {
                return Err("the answer broke off".into());
            }
            if room > 0 {
                kept.extend_from_slice(here.get(..length).unwrap_or_default());
            }
            from.consume(length);
            left -= length;
        }
        line.clear();
        from.read_line(&mut line).await.map_err(failed)?;
        if end {
            return Ok(kept);
        }
    }
}
