//! Durable appends to a real element from 64 clients at once, and the time of a proof.

use std::time::{Duration, Instant};

use sceau_element_api::Client;
use sceau_element_api::wire::RecordDraft;
use sceau_tests::{Program, Running, Scratch};
use sceau_trace::{Action, Actor, ActorKind};

use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

const CLIENTS: usize = 64;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let scratch = Scratch::new("trace");
    let socket = scratch.join("element.sock");
    let _element = element(&scratch);
    let length = Duration::from_secs(if settings.quick { 2 } else { 10 });
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let (rate, p99) = runtime.block_on(appends(&socket, length))?;
    let (mut proofs, mut evidence) = runtime.block_on(proofs(&socket))?;
    let ms = |times: &mut [f64], share| Figure::new(quantile(times, share), "ms");
    Ok(vec![
        Row::figure("durable appends, 64 clients", Figure::new(rate, "a second"), Target::AtLeast(5000.0)),
        Row::figure("an append, 99 of 100", Figure::new(p99, "ms"), Target::AtMost(20.0)),
        Row::figure("an inclusion proof, the median", ms(&mut proofs, 0.5), Target::AtMost(1.0)),
        Row::told("an inclusion proof, 99 of 100", ms(&mut proofs, 0.99)),
        Row::told("an evidence file, the median", ms(&mut evidence, 0.5)),
    ])
}

fn element(scratch: &Scratch) -> Running {
    let passphrase = scratch.write("passphrase", "a passphrase for a bench");
    Program::ours("sceau-element")
        .arg("--state")
        .arg(scratch.join("state"))
        .arg("--socket")
        .arg(scratch.join("element.sock"))
        .args(["--origin", "bench.localhost/trace"])
        .arg("--keystore-passphrase-file")
        .arg(passphrase)
        .start(scratch.path())
}

/// Appends a second, and milliseconds that 99 of 100 stay under. Each client has a connection and one call in flight.
async fn appends(socket: &std::path::Path, length: Duration) -> Result<(f64, f64), String> {
    let began = Instant::now();
    let clients = (0..CLIENTS).map(|n| {
        let client = Client::new(socket);
        tokio::spawn(async move {
            let mut times = Vec::new();
            while began.elapsed() < length {
                let asked = Instant::now();
                client.append(draft(n)).await.map_err(|e| e.to_string())?;
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            Ok::<_, String>(times)
        })
    });
    let mut times = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        times.extend(client.await.map_err(|e| e.to_string())??);
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    Ok((rate, quantile(&mut times, 0.99)))
}

fn draft(client: usize) -> RecordDraft {
    let actor = Actor::new(ActorKind::Client, format!("bench-{client}"));
    RecordDraft::new(actor, Action::DOCUMENT_FETCH).granted()
}

/// Milliseconds of each of a thousand proofs, and of as many evidence files, asked for one after the other.
async fn proofs(socket: &std::path::Path) -> Result<(Vec<f64>, Vec<f64>), String> {
    let client = Client::new(socket);
    let size = client.hello().await.map_err(|e| e.to_string())?.size;
    let (mut proofs, mut evidence) = (Vec::new(), Vec::new());
    for n in 0..1000 {
        let index = (n * 7919) % size;
        let asked = Instant::now();
        client.inclusion_proof(index, size).await.map_err(|e| e.to_string())?;
        proofs.push(asked.elapsed().as_secs_f64() * 1e3);
        let asked = Instant::now();
        client.evidence(index).await.map_err(|e| e.to_string())?;
        evidence.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    Ok((proofs, evidence))
}
