//! The gate beside Debian's nginx and HAProxy: the same certificates, lists, service and core. Whoever is measured has the first core for itself; callers and
//! the service share the second.

mod caller;
mod ground;
mod peers;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::thread::{CpuSet, sched_setaffinity};

use self::caller::Caller;
use self::ground::Ground;
use self::peers::{Kind, Peer};
use crate::Settings;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Connections at once: that are made anew, and that are kept.
const HANDSHAKES: usize = 24;
const KEPT: usize = 64;
/// Entries of the long list.
const LONG: usize = 100_000;
const ROUNDS: usize = 3;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let mut second = CpuSet::new();
    second.set(1);
    sched_setaffinity(None, &second).map_err(|error| format!("there is no second core: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let ground = Ground::prepare(if settings.quick { 1000 } else { LONG })?;
    let seconds = Duration::from_secs(if settings.quick { 1 } else { 4 });
    runtime.block_on(compare(&ground, seconds))
}

/// The best of some rounds by turns.
#[derive(Clone, Copy, Debug, Default)]
struct Best {
    handshakes: f64,
    /// Milliseconds of a processor for one of them.
    handshake_cost: f64,
    requests: f64,
    p99: f64,
    memory: f64,
}

async fn compare(ground: &Ground, time: Duration) -> Result<Vec<Row>, String> {
    let service = ground::service().await?;
    let caller = Caller::with(ground, "known")?;
    let mut best = [Best { handshake_cost: f64::MAX, p99: f64::MAX, ..Best::default() }; 3];
    for _ in 0..ROUNDS {
        for (kind, best) in Kind::ALL.into_iter().zip(&mut best) {
            let peer = Peer::start(kind, ground, "short", service)?;
            let (rate, cost) = handshakes(&peer, &caller, time).await?;
            let (requests, p99) = requests(peer.address, &caller, time).await?;
            best.handshakes = best.handshakes.max(rate);
            best.handshake_cost = best.handshake_cost.min(cost);
            best.requests = best.requests.max(requests);
            best.p99 = best.p99.min(p99);
        }
    }
    let mut long = 0.0_f64;
    for (kind, best) in Kind::ALL.into_iter().zip(&mut best) {
        let peer = Peer::start(kind, ground, "long", service)?;
        // As often as before the short list: the best of each is compared.
        for _ in 0..if kind == Kind::Gate { ROUNDS } else { 1 } {
            let (requests, _) = requests(peer.address, &caller, time).await?;
            if kind == Kind::Gate {
                long = long.max(requests);
            }
        }
        best.memory = peer.memory()?;
    }
    let mut rows = rows(&best, long);
    rows.extend(swap(ground, service, &caller).await?);
    Ok(rows)
}

fn rows(best: &[Best; 3], long: f64) -> Vec<Row> {
    let [gate, nginx, haproxy] = best;
    let per_second = |value| Figure::new(value, "/s");
    let (faster, name) = if nginx.handshakes >= haproxy.handshakes {
        (nginx.handshakes, Kind::Nginx.name())
    } else {
        (haproxy.handshakes, Kind::Haproxy.name())
    };
    let cost = |kind: Kind, best: &Best| {
        Row::told(
            format!("processor time of a handshake and a request, {}", kind.name()),
            Figure::new(best.handshake_cost, "ms"),
        )
    };
    let memory = |kind: Kind, peer: &Best| {
        let name = format!("memory with a list of {LONG} entries, beside {}", kind.name());
        Row::ratio(
            name,
            Figure::new(gate.memory, "MiB"),
            Figure::new(peer.memory, "MiB"),
            Target::AtMost(0.5),
        )
    };
    vec![
        Row::ratio(
            format!("full mutual handshakes, one core, beside the better ({name})"),
            per_second(gate.handshakes),
            per_second(faster),
            Target::AtLeast(1.0),
        ),
        cost(Kind::Gate, gate),
        cost(Kind::Nginx, nginx),
        cost(Kind::Haproxy, haproxy),
        Row::ratio(
            format!("requests over {KEPT} kept connections, one core, beside nginx"),
            per_second(gate.requests),
            per_second(nginx.requests),
            Target::AtLeast(1.0),
        ),
        Row::told("requests over kept connections, HAProxy", per_second(haproxy.requests)),
        Row::ratio(
            "p99 over kept connections, beside nginx",
            Figure::new(gate.p99, "ms"),
            Figure::new(nginx.p99, "ms"),
            Target::AtMost(1.0),
        ),
        memory(Kind::Nginx, nginx),
        memory(Kind::Haproxy, haproxy),
        Row::ratio(
            format!("requests with a list of {LONG} entries beside a short one"),
            per_second(long),
            per_second(gate.requests),
            Target::AtLeast(0.9),
        ),
    ]
}

/// Connections a second, each with one request, none resumed; and the milliseconds of a processor that one costs the peer.
async fn handshakes(peer: &Peer, caller: &Caller, time: Duration) -> Result<(f64, f64), String> {
    let (before, began) = (processor_time(&[peer.pid()])?, Instant::now());
    let one = async || {
        let mut done = 0_u32;
        while began.elapsed() < time {
            expect(caller.connect(peer.address).await?.get().await?, 200)?;
            done += 1;
        }
        Ok::<_, String>(done)
    };
    let done: Result<Vec<u32>, String> = join_all((0..HANDSHAKES).map(|_| one())).await.into_iter().collect();
    let done = f64::from(done?.iter().sum::<u32>());
    let cost = processor_time(&[peer.pid()])? - before;
    Ok((done / began.elapsed().as_secs_f64(), cost / done))
}

/// Requests a second over connections that are kept, and the p99 of their time in milliseconds.
async fn requests(address: SocketAddr, caller: &Caller, time: Duration) -> Result<(f64, f64), String> {
    let mut connections = Vec::with_capacity(KEPT);
    for _ in 0..KEPT {
        let mut connection = caller.connect(address).await?;
        expect(connection.get().await?, 200)?;
        connections.push(connection);
    }
    let began = Instant::now();
    let each = connections.into_iter().map(async |mut connection| {
        let mut times = Vec::new();
        while began.elapsed() < time {
            let asked = Instant::now();
            expect(connection.get().await?, 200)?;
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        Ok::<_, String>(times)
    });
    let times: Result<Vec<Vec<f64>>, String> = join_all(each).await.into_iter().collect();
    let mut times = times?.concat();
    Ok((times.len() as f64 / began.elapsed().as_secs_f64(), quantile(&mut times, 0.99)))
}

/// A list that takes a client back, put in place under full load.
async fn swap(ground: &Ground, service: SocketAddr, caller: &Caller) -> Result<Vec<Row>, String> {
    std::fs::copy(ground.path("short.pem"), ground.path("live.pem")).map_err(|error| error.to_string())?;
    let gate = Peer::start(Kind::Gate, ground, "live", service)?;
    let mut taken = Caller::with(ground, "taken")?.connect(gate.address).await?;
    expect(taken.get().await?, 200)?;
    ground.take_back("taken", "next");
    let next = [ground.path("root.crl"), ground.path("next.crl")].map(std::fs::read);
    let [root, next] = next.map(Result::unwrap_or_default);
    std::fs::write(ground.path("aside.pem"), [root, next].concat()).map_err(|error| error.to_string())?;

    let until = Instant::now() + Duration::from_secs(6);
    let load = join_all((0..KEPT).map(async |_| {
        let (mut good, mut failed) = (0_u32, 0_u32);
        let Ok(mut connection) = caller.connect(gate.address).await else { return (0, 1) };
        while Instant::now() < until {
            match connection.get().await {
                Ok(200) => good += 1,
                _ => failed += 1,
            }
        }
        (good, failed)
    }));
    let refused = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        std::fs::rename(ground.path("aside.pem"), ground.path("live.pem"))
            .map_err(|error| error.to_string())?;
        let swapped = Instant::now();
        while taken.get().await? == 200 {
            if Instant::now() > until {
                return Err("the client that was taken back is still let in".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(swapped.elapsed().as_secs_f64() * 1000.0)
    };
    let (load, refused) = tokio::join!(load, refused);
    let failed: u32 = load.iter().map(|(_, failed)| failed).sum();
    Ok(vec![
        Row::figure(
            "a client taken back, over a kept connection, refused after the list was swapped under load",
            Figure::new(refused?, "ms"),
            Target::AtMost(1000.0),
        ),
        Row::figure(
            "requests of others that failed meanwhile",
            Figure::new(f64::from(failed), "requests"),
            Target::AtMost(0.0),
        ),
    ])
}

fn expect(status: u16, wanted: u16) -> Result<(), String> {
    if status == wanted { Ok(()) } else { Err(format!("the answer was {status}, not {wanted}")) }
}
