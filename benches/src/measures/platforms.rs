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

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let dossiers = if settings.quick { 40 } else { 240 };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime.block_on(compare(dossiers))
}

async fn compare(dossiers: usize) -> Result<Vec<Row>, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| error.to_string())?;
    let public = listener.local_addr().map_err(|error| error.to_string())?.port();
    let house = House::start_on_postgresql("bench-platforms", public);
    let first = house.port();
    let balancer = Balancer::open(listener, [first]);
    let stage = Stage::in_house(house).await;
    let own = || stage.house.platform.as_ref().map(Running::pid);
    let one: Vec<u32> = own().into_iter().collect();
    deposit(&stage, dossiers / 4).await;

    // One, two, one: what grows with the database weighs on both alike.
    let before = spent(&stage, &one, dossiers).await?;
    let port = free_port();
    let second = stage.house.another_platform("sceau-second", port);
    balancer.turn_to([first, port]);
    deposit(&stage, dossiers / 4).await;
    let both: Vec<u32> = own().into_iter().chain([second.pid()]).collect();
    let two = spent(&stage, &both, dossiers).await?;
    let served = balancer.answered(port);
    balancer.turn_to([first]);
    second.stop();
    let after = spent(&stage, &one, dossiers).await?;
    if served < dossiers {
        return Err(format!("the second process answered {served} requests only"));
    }
    Ok(vec![Row::ratio(
        format!("processor time of a dossier of 100 kB, two processes beside one, {dossiers} dossiers"),
        Figure::new(two, "ms"),
        Figure::new(before.midpoint(after), "ms"),
        Target::AtMost(1.10),
    )])
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
