//! The scanned intake with a real ClamAV. What the antivirus takes is its own: the watch starts where its verdict passes on the way to the intake.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use sceau_tests::{Cast, Scanned, Visit, large_body};
use serde_json::{Value, json};

use super::intake_verdicts::Verdicts;
use crate::Settings;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Deposits that begin in a second.
const A_SECOND: u32 = 50;
/// Citizens who deposit by turns: each may have twenty drafts.
const CITIZENS: usize = 8;
/// No place is denied to the one address that measures.
const LIMITS: &str =
    "per_deposit = 112\nper_address = 112\nconnections_per_address = 1000\ndeposits_per_second = 1000";

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut rows = timed(settings).await?;
        rows.push(memory(settings).await?);
        Ok(rows)
    })
}

/// What is timed, with the stopwatch between intake and antivirus.
async fn timed(settings: Settings) -> Result<Vec<Row>, String> {
    let mut scanned = Scanned::start_limited("bench-intake", "StreamMaxLength 64M", LIMITS);
    let socket = scanned.house.scratch.join("verdicts");
    let verdicts = Verdicts::serve(&socket, scanned.clamd.socket()).map_err(|error| error.to_string())?;
    scanned.antivirus = format!("unix:{}", socket.display());
    drop(scanned.intake.take());
    scanned.start_intake(&[]);
    let cast = scanned.cast().await;
    let sealed = sealed(&scanned, &cast, &verdicts, if settings.quick { 5 } else { 40 }).await?;
    let mut delivered = delivered(&scanned, &cast, &verdicts, if settings.quick { 50 } else { 1000 }).await?;
    let [half, most] = [0.5, 0.99].map(|share| quantile(&mut delivered, share));
    let name = "50 scanned deposits of 100 kB a second, from clean verdict to the connector's feed";
    Ok(vec![
        Row::figure(
            "scanned file of 12 MB, from clean verdict to sealed, median",
            Figure::new(sealed, "ms"),
            Target::AtMost(20.0),
        ),
        Row::told(format!("{name}, median"), Figure::new(half, "ms")),
        Row::figure(format!("{name}, p99"), Figure::new(most, "ms"), Target::AtMost(250.0)),
    ])
}

/// A PDF with a mark.
fn marked(mark: &str, size: usize) -> Vec<u8> {
    let mut bytes = format!("%PDF-1.7\n{mark}\n").into_bytes();
    bytes.resize(size - 6, b'x');
    bytes.extend_from_slice(b"\n%%EOF");
    bytes
}

fn milliseconds(since: Instant, until: Instant) -> f64 {
    until.saturating_duration_since(since).as_secs_f64() * 1000.0
}

/// The median of the milliseconds from the verdict on 12 MB until the sender knows that the file is sealed.
async fn sealed(scanned: &Scanned, cast: &Cast, verdicts: &Verdicts, rounds: u32) -> Result<f64, String> {
    let visit = scanned.begin(cast).await;
    let mut all = Vec::new();
    for round in 0..rounds {
        let mark = format!("deposit-{:06}", 900_000 + round);
        visit.pdf(marked(&mark, 12_000_000)).await?;
        let sealed = Instant::now();
        all.push(milliseconds(verdicts.at(&mark).ok_or("a verdict was missed")?, sealed));
    }
    Ok(quantile(&mut all, 0.5))
}

/// Milliseconds from each verdict until the connector reads the message, deposits beginning at a steady pace.
async fn delivered(
    scanned: &Scanned,
    cast: &Cast,
    verdicts: &Verdicts,
    count: u32,
) -> Result<Vec<f64>, String> {
    let mut citizens = Vec::new();
    for n in 0..CITIZENS {
        citizens.push(scanned.house.citizen(&format!("citizen{n}@example.org")).await);
    }
    let feed = cast.feed(&scanned.house).await;
    let arriving = async {
        let (mut arrived, mut after) = (HashMap::new(), 0);
        while arrived.len() < count as usize {
            let page: Value = feed
                .get(&format!("/v1/deliveries?after={after}&wait=20"))
                .await
                .map_err(|e| e.to_string())?;
            let now = Instant::now();
            let entries = page.get("deliveries").and_then(Value::as_array).ok_or("no list of deliveries")?;
            for entry in entries {
                let field = |name: &str| entry.get(name);
                after = after.max(field("position").and_then(Value::as_u64).unwrap_or_default());
                arrived.insert(field("dossier").and_then(Value::as_str).unwrap_or_default().to_owned(), now);
            }
        }
        Ok::<_, String>(arrived)
    };
    let sending = async {
        let mut pace = tokio::time::interval(Duration::from_secs(1) / A_SECOND);
        let (mut under_way, mut sent) = (FuturesUnordered::new(), HashMap::new());
        for (n, citizen) in (0..count).zip(citizens.iter().cycle()) {
            loop {
                tokio::select! {
                    _ = pace.tick() => break,
                    Some(done) = under_way.next() => { let (dossier, mark) = done?; sent.insert(dossier, mark); }
                }
            }
            under_way.push(async move {
                let answers = json!({"price": 3200, "income": 18_500});
                let begun = scanned.begin_as(cast, citizen, answers).await;
                let (visit, _) = begun.map_err(|error| error.to_string())?;
                deposit(&visit, n).await
            });
        }
        while let Some(done) = under_way.next().await {
            let (dossier, mark) = done?;
            sent.insert(dossier, mark);
        }
        Ok::<HashMap<String, String>, String>(sent)
    };
    let (arrived, sent) = tokio::try_join!(arriving, sending)?;
    let took = sent.iter().map(|(dossier, mark)| {
        let (verdict, message) = (verdicts.at(mark)?, arrived.get(dossier)?);
        Some(milliseconds(verdict, *message))
    });
    took.collect::<Option<Vec<f64>>>().ok_or_else(|| "a deposit or its verdict was missed".to_owned())
}

async fn deposit(visit: &Visit<'_>, n: u32) -> Result<(String, String), String> {
    let mark = format!("deposit-{n:06}");
    visit.pdf(marked(&mark, 100_000)).await?;
    visit.submit().await.map_err(|error| error.to_string())?;
    Ok((visit.dossier.to_string(), mark))
}

/// The most memory that the intake has while a hundred large files arrive at once, whole.
async fn memory(settings: Settings) -> Result<Row, String> {
    const AT_ONCE: usize = 100;
    let size = if settings.quick { 10_000_000 } else { 100_000_000 };
    let scanned =
        Scanned::start_limited("bench-memory", "StreamMaxLength 200M\nMaxConnectionQueueLength 200", LIMITS);
    let cast = scanned.cast().await;
    let [one, two] = [scanned.begin(&cast).await, scanned.begin(&cast).await];
    let mut sending = FuturesUnordered::new();
    for n in 0..AT_ONCE {
        let visit = if n % 2 == 0 { &one } else { &two };
        let place = visit.announce("grand.pdf", "application/pdf", size).await?;
        sending.push(async move { visit.send(place, large_body(size)).await });
    }
    while let Some(sent) = sending.next().await {
        if sent?.size != size {
            return Err("a file did not arrive whole".to_owned());
        }
    }
    let pid = scanned.intake.as_ref().map(sceau_tests::Running::pid).ok_or("the intake ended")?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|error| error.to_string())?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak")?;
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().map_err(|_| "no peak")?;
    let name = format!("memory of the intake, {AT_ONCE} whole uploads of {} MB at once", size / 1_000_000);
    Ok(Row::figure(name, Figure::new(peak / 1024.0, "MiB"), Target::AtMost(200.0)))
}
