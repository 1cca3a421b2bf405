//! The house as a whole: how soon it is up again, how much room its programs take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sceau_tests::{Program, Scratch};
use serde_json::Value;

use crate::Settings;
use crate::row::{Figure, Row, Target};

pub(crate) fn second_start(settings: Settings) -> Result<Vec<Row>, String> {
    let scratch = Scratch::new("start");
    let data = scratch.join("data");
    up(&data).start(scratch.path()).stop();
    let rounds = if settings.quick { 1 } else { 3 };
    let slowest = (0..rounds).map(|_| first_page(&scratch, &data)).fold(0.0, f64::max);
    let name = "second start of `sceau up` to its first page";
    Ok(vec![Row::figure(name, Figure::new(slowest, "s"), Target::AtMost(2.0))])
}

fn up(data: &std::path::Path) -> Program {
    Program::sceau("up").arg("--demonstration").arg("--data").arg(data)
}

/// Seconds from the start of `sceau up` to the first page that it serves; stops it again.
fn first_page(scratch: &Scratch, data: &std::path::Path) -> f64 {
    let began = Instant::now();
    let mut up = up(data).launch(scratch.path());
    let port = up.until(|| {
        let ports: Value = serde_json::from_slice(&std::fs::read(data.join("ports.json")).ok()?).ok()?;
        ports.get("platform").and_then(Value::as_u64)
    });
    up.until(|| page(port).filter(|answer| answer.starts_with("HTTP/1.1 200") && answer.contains("<html")));
    let took = began.elapsed().as_secs_f64();
    up.stop();
    took
}

fn page(port: u64) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).ok()?)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET / HTTP/1.1\r\nHost: sceau.localhost:{port}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

pub(crate) fn sizes(_: Settings) -> Result<Vec<Row>, String> {
    let folder = std::env::current_exe().map_err(|e| e.to_string())?.with_file_name("");
    let size = |name: &str| {
        let path = folder.join(name);
        std::fs::metadata(&path).map(|m| m.len() as f64 / 1e6).map_err(|e| format!("{}: {e}", path.display()))
    };
    let together = size("sceau")? + size("sceau-element")?;
    let name = "sceau and sceau-element, release";
    Ok(vec![Row::figure(name, Figure::new(together, "MB"), Target::AtMost(60.0))])
}
