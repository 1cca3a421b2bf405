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
            let (requests, p99) = requests(peer.address, &caller, time).await?;
            *round = Round { handshakes, handshake_cost, requests, p99 };
        }
        each.0.push(turn);
    }
    drop(peers);
    let mut rows = rows(&each, rounds);
    rows.extend(memory(ground, &caller, service, (rounds, time, entries)).await?);
    rows.push(with_long_list(ground, &caller, service, (rounds, time, entries)).await?);
    rows.extend(swap(ground, service, &caller).await?);
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
            requests(peer.address, caller, time).await?;
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
        with.push(requests(long.address, caller, time).await?.0);
        without.push(requests(short.address, caller, time).await?.0);
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
