//! How long an element takes to start that protects many data, which it must every week, and what memory it takes then: its state is rebuilt from its journal. After an
//! erasure a start seals the salts of all other data of the organisation anew, before it serves anybody.
//!
//! `SCEAU_BENCH_DATA` says how many data there are, `SCEAU_BENCH_RECORDS` how many records of calls beside those that began them.

use super::bodies::memory;
use super::caller::{Application, Key, Owned, Pace, bring};
use super::ground::Ground;
use super::token::Token;
use super::{CONNECTIONS, runtime};
use crate::Settings;
use crate::row::{Figure, Row};

/// Calls that are signed together: they hold for five minutes.
const SIGNED: usize = 50_000;

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let many = if settings.quick { 2_000 } else { 50_000 };
    let (data, records) = (asked("SCEAU_BENCH_DATA", many)?, asked("SCEAU_BENCH_RECORDS", many)?);
    let mut rows = of_keys(None, "keys in files", data, records)?;
    rows.extend(of_keys(Some(&Token::make()?), "keys in SoftHSM", data, records)?);
    Ok(rows)
}

fn asked(name: &str, otherwise: usize) -> Result<usize, String> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}: {text} is no number")),
        Err(_) => Ok(otherwise),
    }
}

fn of_keys(token: Option<&Token>, kept: &str, data: usize, records: usize) -> Result<Vec<Row>, String> {
    let runtime = runtime()?;
    let ground = runtime.block_on(Ground::prepare(token))?;
    // The state before anybody calls, so that what keys cost is told apart.
    let (ground, empty) = ground.restarted();
    let before = memory(&ground.element)?;
    let (application, owned) = runtime.block_on(fill(&ground, data, records))?;
    let (ground, plain) = ground.restarted();
    let after = memory(&ground.element)?;
    let erased = owned.first().ok_or("no datum was begun")?;
    runtime.block_on(bring(ground.address, application.erases(erased)?, 1, Pace::Full))?;
    let (_ground, resealing) = ground.restarted();
    let of = |count: usize| count as f64 / 1e6;
    let told = |what: &str, value: f64, unit| Row::told(format!("{what}, {kept}"), Figure::new(value, unit));
    let all = data + records;
    Ok(vec![
        told("start of an empty element", empty, "s"),
        told(&format!("start with {data} data, {all} records"), plain, "s"),
        told(&format!("start with {data} data after an erasure"), resealing, "s"),
        told("start, of a million records", (plain - empty) / of(all), "s"),
        told("memory at a start, of a million records", (after - before) / of(all), "MiB"),
        told("salts sealed anew, of a million data", (resealing - plain) / of(data), "s"),
    ])
}

/// Begins data, and opens them by turns.
async fn fill(ground: &Ground, data: usize, records: usize) -> Result<(Application, Vec<Owned>), String> {
    let application = ground.register(Key::es256()?).await?;
    let mut owned = Vec::new();
    for count in parts(data) {
        let load = bring(ground.address, application.creates(count)?, CONNECTIONS, Pace::Kept).await?;
        let begun: Result<Vec<Owned>, String> =
            load.answers.iter().map(|answer| Owned::told(answer)).collect();
        owned.extend(begun?);
    }
    for count in parts(records) {
        bring(ground.address, application.opens(&owned, count)?, CONNECTIONS, Pace::Full).await?;
    }
    Ok((application, owned))
}

fn parts(count: usize) -> impl Iterator<Item = usize> {
    (0..count).step_by(SIGNED).map(move |begun| SIGNED.min(count - begun))
}
