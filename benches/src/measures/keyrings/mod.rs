//! Whole transactions of keyrings: a provider leaves a request at the host, its holder's terminal learns of it, proves the PIN, consents, the element signs, and the provider has its word.
//!
//! A transaction counts once its provider was answered, and so once its record is durable in the log. Providers and terminals speak TLS over connections that are kept, and share the
//! processors with the servers. Requests are signed before the clock runs, and PINs were stretched before (`terminal.rs`): both are others' work.

mod ground;
mod terminal;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sceau_client::keyring::{Became, became, leave};
use sceau_element_api::KeyringRequestId;
use sceau_element_api::keyring::RequestKind;
use tokio::sync::Semaphore;

use self::ground::{Ground, Kept};
use self::terminal::{Failed, Terminal};
use crate::Settings;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Transactions at once.
const AT_ONCE: usize = 32;
/// Signatures and authentications a second that are wanted.
const SIGNED: f64 = 300.0;
const AUTHENTICATED: f64 = 500.0;
/// What one may cost the servers, in milliseconds of a processor.
const COST: f64 = 3.0;
/// The slowest hundredth, in milliseconds, at half of the wanted rate.
const SLOWEST: f64 = 150.0;
/// Seconds that a load would last at the wanted rate.
const LENGTH: f64 = 4.0;
const QUICK: f64 = 0.5;
/// Holders: a provider asks one thirty times an hour.
const HOLDERS: usize = 200;
const FEW: usize = 24;
/// Documents of a batch.
const BATCH: usize = 100;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    of_all(settings, Kept::InFiles)
}

/// With the element's keys in a token of SoftHSM, which makes holders' keys and signs with them.
pub(crate) fn in_token(settings: Settings) -> Result<Vec<Row>, String> {
    of_all(settings, Kept::InToken)
}

fn of_all(settings: Settings, kept: Kept) -> Result<Vec<Row>, String> {
    let (length, holders) = if settings.quick { (QUICK, FEW) } else { (LENGTH, HOLDERS) };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut ground = Ground::prepare(holders, kept)?;
    runtime.block_on(async {
        // Stretches each PIN, once.
        load(&mut ground, RequestKind::Authenticate, holders, Pace::Full).await?;
        let mut rows = Vec::new();
        for (kind, word, wanted) in
            [(RequestKind::Sign, "sign", SIGNED), (RequestKind::Authenticate, "authenticate", AUTHENTICATED)]
        {
            rows.extend(of_kind(&mut ground, (kind, word), wanted, length).await?);
        }
        rows.push(batch(&mut ground).await?);
        Ok(rows)
    })
}

#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "so many transactions")]
fn count(rate: f64, length: f64) -> usize {
    (rate * length) as usize
}

async fn of_kind(
    ground: &mut Ground,
    (kind, word): (RequestKind, &str),
    wanted: f64,
    length: f64,
) -> Result<Vec<Row>, String> {
    let many = count(wanted, length);
    let before = ground.servers().map(|(who, pid)| Ok((who, processor_time(&[pid])?)));
    let before = before.into_iter().collect::<Result<Vec<_>, String>>()?;
    let mut full = load(ground, kind, many, Pace::Full).await?;
    let mut costs = Vec::new();
    for ((who, before), (_, pid)) in before.into_iter().zip(ground.servers()) {
        costs.push((who, (processor_time(&[pid])? - before) / many as f64));
    }
    let half = wanted / 2.0;
    let mut paced = load(ground, kind, count(half, length), Pace::Even(half)).await?;
    let refused = paced.times.iter().filter(|time| time.is_infinite()).count();
    let cost = costs.iter().map(|(_, cost)| cost).sum();
    let mut rows = vec![
        Row::figure(
            format!("{word}: processor time of the servers, a transaction"),
            Figure::new(cost, "ms"),
            Target::AtMost(COST),
        ),
        Row::figure(
            format!("{word}: transactions, {AT_ONCE} at once, callers on the same processors"),
            Figure::new(full.rate, "a second"),
            Target::AtLeast(wanted),
        ),
        Row::figure(
            format!("{word}: {half:.0} a second, 99 of 100"),
            Figure::new(quantile(&mut paced.times, 0.99), "ms"),
            Target::AtMost(SLOWEST),
        ),
        Row::told(format!("{word}: {half:.0} a second, refused"), Figure::new(refused as f64, "of them")),
        Row::told(
            format!("{word}: as fast as answered, 99 of 100"),
            Figure::new(quantile(&mut full.times, 0.99), "ms"),
        ),
    ];
    let told = |(who, cost)| Row::told(format!("{word}: of that, {who}"), Figure::new(cost, "ms"));
    rows.extend(costs.into_iter().map(told));
    Ok(rows)
}

/// A hundred documents under one consent.
async fn batch(ground: &mut Ground) -> Result<Row, String> {
    let pids = ground.servers().map(|(_, pid)| pid);
    let mut terminal = ground.terminals.pop().ok_or("there is a terminal")?;
    let request = ground.request(RequestKind::Sign, terminal.keyring(), BATCH)?;
    let before = processor_time(&pids)?;
    let done = transaction(ground, &mut terminal, request).await;
    done.map_err(|failed| format!("a batch: {failed:?}"))?;
    let cost = processor_time(&pids)? - before;
    let name = format!("sign: processor time of the servers, a consent to {BATCH} documents");
    Ok(Row::figure(name, Figure::new(cost, "ms"), Target::AtMost(1_000.0)))
}

/// How transactions begin.
#[derive(Clone, Copy)]
enum Pace {
    /// So many at once, each next one when one is done.
    Full,
    /// So many a second in all, each due at an instant that no answer moves.
    Even(f64),
}

/// What a load came to.
struct Load {
    /// Transactions a second, from the first to the last answer.
    rate: f64,
    /// Milliseconds of each, from the instant that it was due; without end where it was refused.
    times: Vec<f64>,
}

/// Does so many transactions, each holder in turn, one at a time.
async fn load(ground: &mut Ground, kind: RequestKind, count: usize, pace: Pace) -> Result<Load, String> {
    let holders = ground.terminals.len();
    let mut asked = Vec::with_capacity(holders);
    for (nth, terminal) in std::mem::take(&mut ground.terminals).into_iter().enumerate() {
        let keyring = terminal.keyring();
        let of = (nth..count).step_by(holders);
        let of = of.map(|at| Ok((at, ground.request(kind, keyring, 1)?)));
        asked.push((terminal, of.collect::<Result<Vec<_>, String>>()?));
    }
    let (places, began) = (Arc::new(Semaphore::new(AT_ONCE)), Instant::now());
    let ground_of_all = &*ground;
    let work = asked.into_iter().map(|(mut terminal, requests)| {
        let places = Arc::clone(&places);
        async move {
            let mut times = Vec::new();
            for (at, request) in requests {
                let mut place = Some(places.acquire().await.map_err(|error| error.to_string())?);
                let mut due = Instant::now();
                if let Pace::Even(rate) = pace {
                    // Others do not wait for this one's turn to come.
                    drop(place.take());
                    due = began + Duration::from_secs_f64(at as f64 / rate);
                    tokio::time::sleep_until(due.into()).await;
                }
                let done = transaction(ground_of_all, &mut terminal, request).await;
                times.push(match done {
                    Ok(()) => due.elapsed().as_secs_f64() * 1e3,
                    Err(Failed::Busy) => f64::INFINITY,
                    Err(Failed::Other(why)) => return Err(why),
                });
            }
            Ok::<_, String>((terminal, times))
        }
    });
    let done = futures::future::try_join_all(work).await?;
    let lasted = began.elapsed().as_secs_f64();
    let mut load = Load { rate: 0.0, times: Vec::with_capacity(count) };
    for (terminal, times) in done {
        ground.terminals.push(terminal);
        load.times.extend(times);
    }
    load.rate = load.times.iter().filter(|time| time.is_finite()).count() as f64 / lasted;
    Ok(load)
}

/// From the request to the provider's answer, verified.
async fn transaction(
    ground: &Ground,
    terminal: &mut Terminal,
    (request, jws): (KeyringRequestId, String),
) -> Result<(), Failed> {
    leave(&ground.of_provider, jws).await?;
    terminal.answers(&ground.of_terminals, &ground.provider, request).await?;
    let told = became(&ground.of_provider, &ground.provider, &ground.element, request, 0).await;
    match told? {
        Became::Signed(_) => Ok(()),
        _ => Err("a request that was granted is not told to be".into()),
    }
}
