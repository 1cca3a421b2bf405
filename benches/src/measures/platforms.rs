//! Two processes of the platform beside one, on the same PostgreSQL: what a dossier costs them in processor time.

use std::net::Ipv4Addr;

use futures::future::join_all;
use sceau_tests::{Balancer, House, Running, Stage, free_port};
use tokio::net::TcpListener;

use crate::Settings;
use crate::row::{Figure, Row, Target};

/// Deposits at the same time.
const AT_ONCE: usize = 4;
/// Of one document, in bytes.
const DOCUMENT: usize = 100_000;

/// Rounds of one process and two by turns; odd, so that one of them is the median.
const ROUNDS: usize = 7;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let dossiers = if settings.quick { 12 } else { 120 };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut rounds = runtime.block_on(compare(dossiers))?;
    rounds.sort_by(|left, right| left.ratio().total_cmp(&right.ratio()));
    let name = format!("processor time of a dossier of 100 kB, two processes beside one, {dossiers} dossiers");
    let (Some(least), Some(middle), Some(most)) = (rounds.first(), rounds.get(ROUNDS / 2), rounds.last()) else {
        return Err("no round was measured".into());
    };
    Ok(vec![
        Row::ratio(
            format!("{name} a round, the median of {ROUNDS} rounds"),
            Figure::new(middle.two, "ms"),
            Figure::new(middle.one, "ms"),
            Target::AtMost(1.10),
        ),
        Row::told(format!("{name}, the lowest round"), Figure::new(least.ratio(), "times")),
        Row::told(format!("{name}, the highest round"), Figure::new(most.ratio(), "times")),
    ])
}

/// Milliseconds of a dossier, with one process and with two.
struct Round {
    one: f64,
    two: f64,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.two / self.one
    }
}

/// The rounds, every second one with the two processes first: what grows with the database, and what the machine does
/// meanwhile, weighs on both alike.
async fn compare(dossiers: usize) -> Result<Vec<Round>, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let public = listener.local_addr().map_err(|error| error.to_string())?.port();
    let house = House::start_on_postgresql("bench-platforms", public);
    let first = house.port();
    let balancer = Balancer::open(listener, [first]);
    let stage = Stage::in_house(house).await;
    let pid = stage.house.platform.as_ref().map(Running::pid).ok_or("the platform does not run")?;
    let bench = Bench { stage, balancer, first, pid, dossiers };
    deposit(&bench.stage, dossiers).await;

    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        rounds.push(if round % 2 == 0 {
            let one = bench.alone().await?;
            Round { one, two: bench.beside_another().await? }
        } else {
            let two = bench.beside_another().await?;
            Round { one: bench.alone().await?, two }
        });
    }
    Ok(rounds)
}

/// A house of one platform process behind a balancer, to which a second may be added.
struct Bench {
    stage: Stage,
    balancer: Balancer,
    first: u16,
    pid: u32,
    dossiers: usize,
}

impl Bench {
    async fn alone(&self) -> Result<f64, String> {
        spent(&self.stage, &[self.pid], self.dossiers).await
    }

    /// A second process is started, warmed and ended again: one process alone means that no other runs.
    async fn beside_another(&self) -> Result<f64, String> {
        let port = free_port();
        let second = self.stage.house.another_platform("sceau-second", port);
        self.balancer.turn_to([self.first, port]);
        deposit(&self.stage, self.dossiers / 3).await;
        let two = spent(&self.stage, &[self.pid, second.pid()], self.dossiers).await?;
        let served = self.balancer.answered(port);
        self.balancer.turn_to([self.first]);
        second.stop();
        if served < self.dossiers {
            return Err(format!("the second process answered {served} requests only"));
        }
        Ok(two)
    }
}

/// Milliseconds of these processes for each of so many dossiers.
async fn spent(stage: &Stage, processes: &[u32], dossiers: usize) -> Result<f64, String> {
    let before = processor_time(processes)?;
    deposit(stage, dossiers).await;
    Ok((processor_time(processes)? - before) / dossiers as f64)
}

async fn deposit(stage: &Stage, dossiers: usize) {
    let content = vec![7; DOCUMENT];
    for _ in 0..dossiers / AT_ONCE {
        join_all((0..AT_ONCE).map(|_| stage.deposit(&content))).await;
    }
}

/// User and system time of processes, all threads, in milliseconds (proc(5), `/proc/PID/stat`, fields 14 and 15).
fn processor_time(processes: &[u32]) -> Result<f64, String> {
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut sum = 0.0;
    for pid in processes {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
        // The name, in parentheses, may hold anything.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_ascii_whitespace();
        let used: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        sum += used / ticks * 1000.0;
    }
    Ok(sum)
}
