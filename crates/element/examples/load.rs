//! Measures a running element: durable appends from many clients, each on a connection of its own, then inclusion proofs.
//!
//! `cargo run -p sceau-element --example load -- SOCKET [CLIENTS] [APPENDS PER CLIENT]` prints one line of JSON.

use std::io::Write;
use std::time::{Duration, Instant};

use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, CallError, Client};
use sceau_trace::{Action, Actor, ActorKind};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let socket = arguments.next().ok_or("the element's socket is needed")?;
    let clients: usize = arguments.next().as_deref().unwrap_or("64").parse()?;
    let appends: usize = arguments.next().as_deref().unwrap_or("2000").parse()?;

    let started = Instant::now();
    let loads: Vec<_> = (0..clients).map(|_| tokio::spawn(append(Client::new(&socket), appends))).collect();
    let mut latencies = Vec::with_capacity(clients * appends);
    for load in loads {
        latencies.extend(load.await??);
    }
    let elapsed = started.elapsed();

    let client = Client::new(&socket);
    let size = client.hello().await?.size;
    let mut proofs = Vec::new();
    for step in 0..2000_u64 {
        let asked = Instant::now();
        client.inclusion_proof(step.wrapping_mul(7919) % size, size).await?;
        proofs.push(asked.elapsed());
    }
    let report = serde_json::json!({
        "clients": clients,
        "appends": latencies.len(),
        "appends_per_second": latencies.len() as f64 / elapsed.as_secs_f64(),
        "append_p50_ms": quantile(&mut latencies, 0.5),
        "append_p99_ms": quantile(&mut latencies, 0.99),
        "append_max_ms": quantile(&mut latencies, 1.0),
        "log_size": size,
        "proof_p50_ms": quantile(&mut proofs, 0.5),
        "proof_p99_ms": quantile(&mut proofs, 0.99),
    });
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// One client: the next append begins when the one before is durable.
async fn append(client: Client, appends: usize) -> Result<Vec<Duration>, CallError> {
    let mut latencies = Vec::with_capacity(appends);
    for _ in 0..appends {
        let actor = Actor::new(ActorKind::CaseOfficer, AccountId::random().to_string());
        let draft = RecordDraft::new(actor, Action::DOCUMENT_FETCH)
            .granted()
            .subject("dossier", AccountId::random())
            .organisation(AccountId::random());
        let asked = Instant::now();
        client.append(draft).await?;
        latencies.push(asked.elapsed());
    }
    Ok(latencies)
}

/// The value below which this share of the measures lies, in milliseconds.
fn quantile(measures: &mut [Duration], share: f64) -> f64 {
    measures.sort_unstable();
    let last = measures.len().saturating_sub(1);
    let at = (last as f64 * share).round() as usize;
    measures.get(at).map_or(0.0, |measure| measure.as_secs_f64() * 1000.0)
}
