//! Measures of Sceau beside its peers, in one run on one machine: the ratios decide, absolute figures are for reading.
//!
//! `cargo xtask bench` builds the programs in release and runs this. Each file of `measures/` is one subject.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench for people at a terminal: what cannot be measured must say why and stop"
)]

mod apart;
mod measures;
mod processor;
mod row;
mod timing;

use std::process::ExitCode;

use measures::MEASURES;
use row::{Row, Verdict};

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Smaller sizes and fewer rounds: a look, not a verdict.
    pub(crate) quick: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let settings = Settings { quick: arguments.iter().any(|a| a == "--quick") };
    let only: Vec<&str> = arguments
        .windows(2)
        .filter_map(|pair| (pair.first()? == "--only").then_some(pair.last()?.as_str()))
        .collect();
    if let Some(unknown) = only.iter().find(|name| !MEASURES.iter().any(|m| m.name == **name)) {
        let names: Vec<&str> = MEASURES.iter().map(|m| m.name).collect();
        eprintln!("`{unknown}` is not a measure; they are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut rows: Vec<Row> = Vec::new();
    for measure in MEASURES.iter().filter(|m| only.is_empty() || only.contains(&m.name)) {
        eprintln!("▸ {}: {}", measure.name, measure.about);
        let found = (measure.work)(settings).unwrap_or_else(|why| vec![Row::impossible(measure.about, &why)]);
        rows.extend(found);
    }
    print!("{}", row::table(&rows));
    if rows.iter().any(|row| row.verdict() == Verdict::Short) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
