//! The gate beside Debian's nginx and HAProxy: the same certificates, lists, service and core. Whoever is measured has the first core for itself; callers and
//! the service share the second.

mod caller;
mod ground;
mod peers;
mod swap;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rustix::thread::{CpuSet, sched_setaffinity};

use self::caller::Caller;
use self::ground::Ground;
use self::peers::{Kind, Peer};
use self::swap::swap;
use crate::Settings;
use crate::processor::processor_time;
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Connections at once: that are made anew, and that are kept.
const HANDSHAKES: usize = 24;
const KEPT: usize = 64;
/// How much of a core is all of it.
const FULL: f64 = 0.9;
/// Entries of the long list.
const LONG: usize = 100_000;
/// All of them by turns, so that what the machine does besides meets each alike; odd, so that one round is the median.
const ROUNDS: usize = 9;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let mut second = CpuSet::new();
    second.set(1);
    sched_setaffinity(None, &second).map_err(|error| format!("there is no second core: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let long = if settings.quick { 1000 } else { LONG };
    let ground = Ground::prepare(long)?;
    let (rounds, time) = if settings.quick { (3, 1.0) } else { (ROUNDS, 1.5) };
    runtime.block_on(compare(&ground, rounds, Duration::from_secs_f64(time), long))
}

/// What one of them came to in a round.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    handshakes: f64,
    /// Milliseconds of a processor for one of them.
    handshake_cost: f64,
    requests: f64,
    p99: f64,
    /// The same of one of those.
    request_cost: f64,
    /// How much of its core was busy with them, of one.
    busy: f64,
}

/// One round of each.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    gate: Round,
    nginx: Round,
    haproxy: Round,
}

impl Turn {
    fn of(&self, kind: Kind) -> &Round {
        match kind {
            Kind::Gate => &self.gate,
            Kind::Nginx => &self.nginx,
            Kind::Haproxy => &self.haproxy,
        }
    }
}

struct Rounds(Vec<Turn>);

impl Rounds {
    fn median(&self, kind: Kind, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(|turn| of(turn.of(kind))))
    }

    /// The gate's beside a peer's, each with that of its round.
    fn ratio(&self, peer: Kind, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(|turn| of(turn.of(Kind::Gate)) / of(turn.of(peer))))
    }

    /// The processor time of a kept request beside nginx', which decides where one of their cores was not full.
    fn by_cost(&self) -> Option<Row> {
        let full = [Kind::Gate, Kind::Nginx].map(|kind| self.median(kind, |round| round.busy) >= FULL);
        let words = "processor time of a kept request, beside nginx: a core was not full".to_owned();
        let cost = |round: &Round| round.request_cost * 1000.0;
        (full != [true; 2]).then(|| self.compared(words, Kind::Nginx, cost, "µs", Target::AtMost(1.0)))
    }

    fn compared(
        &self,
        words: String,
        peer: Kind,
        of: fn(&Round) -> f64,
        unit: &'static str,
        target: Target,
    ) -> Row {
        let figure = |kind| Figure::new(self.median(kind, of), unit);
        Row::compared(words, figure(Kind::Gate), figure(peer), self.ratio(peer, of), target)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&mut values.collect::<Vec<_>>(), 0.5)
}

async fn compare(ground: &Ground, rounds: usize, time: Duration, entries: usize) -> Result<Vec<Row>, String> {
    let service = ground::service().await?;
    let caller = Caller::with(ground, "known")?;
    let peers = Kind::ALL.map(|kind| Peer::start(kind, ground, "short", service));
    let peers = peers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut each = Rounds(Vec::new());
    for _ in 0..rounds {
        let mut turn = Turn::default();
        for (peer, round) in peers.iter().zip([&mut turn.gate, &mut turn.nginx, &mut turn.haproxy]) {
            let (handshakes, handshake_cost) = handshakes(peer, &caller, time).await?;
            let kept = requests(peer, &caller, time).await?;
            let Kept { requests, p99, cost: request_cost, busy } = kept;
            *round = Round { handshakes, handshake_cost, requests, p99, request_cost, busy };
        }
        each.0.push(turn);
    }
    drop(peers);
    let mut rows = rows(&each, rounds);
    rows.extend(memory(ground, &caller, service, (rounds, time, entries)).await?);
    rows.push(with_long_list(ground, &caller, service, (rounds, time, entries)).await?);
    rows.extend(swap(ground, service, &caller, entries).await?);
    Ok(rows)
}

/// What each holds with a long list after its requests, one after the other: two of one kind would share what they are made of.
async fn memory(
    ground: &Ground,
    caller: &Caller,
    service: SocketAddr,
    (rounds, time, entries): (usize, Duration, usize),
) -> Result<Vec<Row>, String> {
    let mut held = [0.0; 3];
    for (kind, held) in Kind::ALL.into_iter().zip(&mut held) {
        let peer = Peer::start(kind, ground, "long", service)?;
        for _ in 0..rounds {
            requests(&peer, caller, time).await?;
        }
        *held = peer.memory()?;
    }
    let [gate, peers @ ..] = held;
    let beside = |(kind, peer): (Kind, f64)| {
        Row::ratio(
            format!("memory with a list of {entries} entries, beside {}", kind.name()),
            Figure::new(gate, "MiB"),
            Figure::new(peer, "MiB"),
            Target::AtMost(0.5),
        )
    };
    Ok([Kind::Nginx, Kind::Haproxy].into_iter().zip(peers).map(beside).collect())
}

/// The gate with a long list beside itself with a short one, by turns.
async fn with_long_list(
    ground: &Ground,
    caller: &Caller,
    service: SocketAddr,
    (rounds, time, entries): (usize, Duration, usize),
) -> Result<Row, String> {
    let start = |list| Peer::start(Kind::Gate, ground, list, service);
    let (short, long) = (start("short")?, start("long")?);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        with.push(requests(&long, caller, time).await?.requests);
        without.push(requests(&short, caller, time).await?.requests);
    }
    let ratio = median(with.iter().zip(&without).map(|(with, without)| with / without));
    let figure = |of: Vec<f64>| Figure::new(median(of.into_iter()), "/s");
    let name = format!("requests with a list of {entries} entries beside a short one");
    Ok(Row::compared(name, figure(with), figure(without), ratio, Target::AtLeast(0.9)))
}

fn rows(each: &Rounds, rounds: usize) -> Vec<Row> {
    let handshakes = |round: &Round| round.handshakes;
    let better = if each.median(Kind::Nginx, handshakes) >= each.median(Kind::Haproxy, handshakes) {
        Kind::Nginx
    } else {
        Kind::Haproxy
    };
    let cost = Kind::ALL.map(|kind| {
        let name = format!("processor time of a handshake and a request, {}", kind.name());
        Row::told(name, Figure::new(each.median(kind, |round| round.handshake_cost), "ms"))
    });
    // Where a core was not full, its caller was what was measured: then what a request costs says more than how many there were.
    let told = Kind::ALL.into_iter().flat_map(|kind| {
        let name = kind.name();
        [
            Row::told(
                format!("processor time of a kept request, {name}"),
                Figure::new(each.median(kind, |round| round.request_cost) * 1000.0, "µs"),
            ),
            Row::told(
                format!("of its core, busy with kept requests, {name}"),
                Figure::new(each.median(kind, |round| round.busy) * 100.0, "%"),
            ),
        ]
    });
    let better_name = better.name();
    let first = each.compared(
        format!("full mutual handshakes, one core, beside the better ({better_name}), the median of {rounds} rounds"),
        better,
        |round| round.handshakes,
        "/s",
        Target::AtLeast(1.0),
    );
    let kept = format!("requests over {KEPT} kept connections, one core, beside");
    [first]
        .into_iter()
        .chain(cost)
        .chain([
            each.compared(
                format!("{kept} nginx"),
                Kind::Nginx,
                |round| round.requests,
                "/s",
                Target::AtLeast(1.0),
            ),
            Row::told(
                format!("{kept} HAProxy: the ratio"),
                Figure::new(each.ratio(Kind::Haproxy, |round| round.requests), ""),
            ),
            Row::told(
                "requests over kept connections, HAProxy",
                Figure::new(each.median(Kind::Haproxy, |round| round.requests), "/s"),
            ),
            each.compared(
                "p99 over kept connections, beside nginx".to_owned(),
                Kind::Nginx,
                |round| round.p99,
                "ms",
                Target::AtMost(1.0),
            ),
        ])
        .chain(told)
        .chain(each.by_cost())
        .collect()
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

/// Requests over connections that are kept.
struct Kept {
    /// A second.
    requests: f64,
    /// Milliseconds.
    p99: f64,
    /// Milliseconds of a processor for one of them.
    cost: f64,
    /// Of one core.
    busy: f64,
}

async fn requests(peer: &Peer, caller: &Caller, time: Duration) -> Result<Kept, String> {
    let mut connections = Vec::with_capacity(KEPT);
    for _ in 0..KEPT {
        let mut connection = caller.connect(peer.address).await?;
        expect(connection.get().await?, 200)?;
        connections.push(connection);
    }
    let (before, began) = (processor_time(&[peer.pid()])?, Instant::now());
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
    let (mut times, took) = (times?.concat(), began.elapsed().as_secs_f64());
    let (spent, done) = (processor_time(&[peer.pid()])? - before, times.len() as f64);
    let (cost, busy) = (spent / done, spent / 1000.0 / took);
    Ok(Kept { requests: done / took, p99: quantile(&mut times, 0.99), cost, busy })
}

fn expect(status: u16, wanted: u16) -> Result<(), String> {
    if status == wanted { Ok(()) } else { Err(format!("the answer was {status}, not {wanted}")) }
}
