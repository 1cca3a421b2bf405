//! Two processes of the platform beside one, on the same PostgreSQL: what a dossier costs in processor time, wherever it is spent.
//!
//! The two share the processors that the one has to itself, as `--threads` says and docs/deploy/postgresql.md asks for. Two that each work
//! on all of them are told beside: every process then wakes more often, for less each time.

use std::net::Ipv4Addr;

use futures::future::join_all;
use sceau_client::Person;
use sceau_store::judge::PostgresJudge;
use sceau_tests::{Balancer, House, Running, Stage, free_port};
use tokio::net::TcpListener;

use crate::Settings;
use crate::processor::{processor_time, time_of_family};
use crate::row::{Figure, Row, Target};
use crate::timing::quantile;

/// Deposits at the same time: on a day like others, and when people hurry.
const AT_ONCE: [usize; 2] = [4, 16];
/// Who deposit, each at a machine of theirs: one machine alone may only ask so often.
const CITIZENS: usize = 8;
/// Of one document, in bytes: the smallest scan that people send.
const DOCUMENT: usize = 470_000;
/// A multiple of each of [`AT_ONCE`].
const DOSSIERS: [usize; 2] = [16, 48];

/// Rounds of one process and two by turns; odd, so that one of them is the median.
const ROUNDS: usize = 31;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let [quick, whole] = DOSSIERS;
    let dossiers = if settings.quick { quick } else { whole };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for at_once in AT_ONCE {
        all.extend(rows(&runtime.block_on(compare(dossiers, at_once))?, dossiers, at_once));
    }
    Ok(all)
}

fn rows(rounds: &[Round], dossiers: usize, at_once: usize) -> Vec<Row> {
    let name = format!("processor time of a dossier of 0.47 MB, {at_once} at once, two processes beside one");
    let told = |what: &str, value| Row::told(format!("{name}, {what}"), Figure::new(value, "times"));
    let mut whole = ratios(rounds, |round| round.two.whole / round.one.whole);
    vec![
        Row::compared(
            format!(
                "{name}, with database and element, {dossiers} dossiers a round, the median of {ROUNDS} rounds"
            ),
            Figure::new(median(rounds, |round| round.two.whole), "ms"),
            Figure::new(median(rounds, |round| round.one.whole), "ms"),
            quantile(&mut whole, 0.5),
            Target::AtMost(1.10),
        ),
        told("the lower quartile of the rounds", quantile(&mut whole, 0.25)),
        told("the upper quartile of the rounds", quantile(&mut whole, 0.75)),
        told(
            "without database and element, the median",
            median(rounds, |round| round.two.platform / round.one.platform),
        ),
        told(
            "each on every processor, the median",
            median(rounds, |round| round.unshared.whole / round.one.whole),
        ),
        told(
            "each on every processor, without database and element, the median",
            median(rounds, |round| round.unshared.platform / round.one.platform),
        ),
    ]
}

fn ratios(rounds: &[Round], of: impl Fn(&Round) -> f64) -> Vec<f64> {
    rounds.iter().map(of).collect()
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    quantile(&mut ratios(rounds, of), 0.5)
}

/// What a dossier cost with one process, and with two.
struct Round {
    one: Spent,
    /// That share the processors of the one.
    two: Spent,
    /// That each work on all of them.
    unshared: Spent,
}

/// Milliseconds of a processor.
struct Spent {
    /// Of the platform's processes.
    platform: f64,
    /// Of these, of the element, and of the database server.
    whole: f64,
}

/// Short rounds, every second one the other way round: what grows with the database, and what the machine does meanwhile, weighs on all
/// alike. Who has no turn waits, and is not counted then.
async fn compare(dossiers: usize, at_once: usize) -> Result<Vec<Round>, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let public = listener.local_addr().map_err(|error| error.to_string())?.port();
    let house = House::start_on_postgresql("bench-platforms", public);
    let first = house.port();
    let balancer = Balancer::open(listener, [first]);
    let stage = Stage::in_house(house).await;
    let pid = stage.house.platform.as_ref().map(Running::pid).ok_or("the platform does not run")?;
    let processors = std::thread::available_parallelism().map_err(|error| error.to_string())?.get();
    let share = (processors / 2).max(1).to_string();
    let more = |name: &str, more: &[&str]| {
        let port = free_port();
        (stage.house.another_platform_with(name, port, more), port)
    };
    let (left, left_port) = more("sceau-left", &["--threads", &share]);
    let (right, right_port) = more("sceau-right", &["--threads", &share]);
    let (second, second_port) = more("sceau-second", &[]);
    let (one, two, unshared) = (
        Turn { pids: vec![pid], ports: vec![first] },
        Turn { pids: vec![left.pid(), right.pid()], ports: vec![left_port, right_port] },
        Turn { pids: vec![pid, second.pid()], ports: vec![first, second_port] },
    );
    let mut citizens = Vec::new();
    for nth in 0..CITIZENS {
        citizens.push(stage.house.citizen(&format!("c{nth}@example.org")).await);
    }
    for warm in [&two, &unshared] {
        balancer.turn_to(warm.ports.iter().copied());
        deposit(&stage, &citizens, dossiers * 2, at_once).await;
    }

    let spent_by = async |turn: &Turn| {
        balancer.turn_to(turn.ports.iter().copied());
        spent((&stage, &citizens), &turn.pids, dossiers, at_once).await
    };
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        rounds.push(if round % 2 == 0 {
            let one = spent_by(&one).await?;
            let two = spent_by(&two).await?;
            Round { one, two, unshared: spent_by(&unshared).await? }
        } else {
            let unshared = spent_by(&unshared).await?;
            let two = spent_by(&two).await?;
            Round { one: spent_by(&one).await?, two, unshared }
        });
    }
    let served = [left_port, right_port, second_port].map(|port| balancer.answered(port));
    for process in [left, right, second] {
        process.stop();
    }
    if served.iter().any(|served| *served < dossiers * ROUNDS) {
        return Err(format!("the further processes answered {served:?} requests only"));
    }
    Ok(rounds)
}

/// Who answers for a while.
struct Turn {
    pids: Vec<u32>,
    ports: Vec<u16>,
}

/// What each of so many dossiers costs.
async fn spent(
    (stage, citizens): (&Stage, &[Person]),
    platforms: &[u32],
    dossiers: usize,
    at_once: usize,
) -> Result<Spent, String> {
    let element = stage.house.element.as_ref().map(Running::pid).ok_or("the element does not run")?;
    let server = stage.house.servers.postgresql.as_ref().and_then(PostgresJudge::pid);
    let server = server.ok_or("the database does not run")?;
    let now = || -> Result<(f64, f64), String> {
        let platform = processor_time(platforms)?;
        Ok((platform, platform + processor_time(&[element])? + time_of_family(server)?))
    };
    let before = now()?;
    deposit(stage, citizens, dossiers, at_once).await;
    let after = now()?;
    let each = |before: f64, after: f64| (after - before) / dossiers as f64;
    Ok(Spent { platform: each(before.0, after.0), whole: each(before.1, after.1) })
}

async fn deposit(stage: &Stage, citizens: &[Person], dossiers: usize, at_once: usize) {
    let content = vec![7; DOCUMENT];
    for _ in 0..dossiers / at_once {
        let each = citizens.iter().cycle().take(at_once);
        join_all(each.map(|citizen| stage.deposit_of(citizen, &content))).await;
    }
}
