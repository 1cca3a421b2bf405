//! `sceau-gate`: assembly of the gate as a program of its own, for machines that are the edge and nothing else. No logic here.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use clap::Parser;
use sceau_gate::{Error, GateCommand};
use sceau_hsm::hardening;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How it ends: the machine is at fault, or what was written.
const SYSTEM: u8 = 1;
const INPUT: u8 = 3;
/// From this size on (octets), the C library gives memory back as soon as it is free. Unless it is told before the program begins, it raises the
/// size by itself, and keeps what a revocation list took while it was read (mallopt(3), `M_MMAP_THRESHOLD`).
const GIVEN_BACK: (&str, &str) = ("MALLOC_MMAP_THRESHOLD_", "131072");

/// Ends TLS before a service, judges who calls on every request, and says who it was.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Options {
    #[command(subcommand)]
    command: GateCommand,
}

fn main() -> ExitCode {
    let begun = begin_with_memory_given_back();
    if let Err(weakness) = hardening::no_core_dumps() {
        eprintln!("sceau-gate: {weakness}");
    }
    let Options { command } = Options::parse();
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let words = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(words).with(wanted()).init();
    if let Err(cause) = begun {
        tracing::warn!(%cause, "freed memory is kept: the program could not begin anew");
    }
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sceau-gate: {failure}");
            let ours = failure.downcast_ref::<Error>();
            ExitCode::from(ours.filter(|error| !error.is_of_the_system()).map_or(SYSTEM, |_| INPUT))
        }
    }
}

/// What is logged: levels by target, as `RUST_LOG` says them. No expressions: what matches them is the largest thing that a gate would carry and not use.
fn wanted() -> Targets {
    let said = std::env::var("RUST_LOG").ok().and_then(|text| text.parse().ok());
    said.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

type Failure = Box<dyn std::error::Error>;

fn run(command: GateCommand) -> Result<(), Failure> {
    // Private keys are in it.
    hardening::not_dumpable().map_err(|weakness| weakness.to_string())?;
    if command.die_with_parent() {
        hardening::die_with_parent()?;
    }
    let runtime = command.runtime()?;
    let done = runtime.block_on(command.run());
    // A thread that hangs in a token's module is waited for by nobody.
    runtime.shutdown_background();
    Ok(done?)
}

/// Begins the program anew, in the same process, where the C library was not told; returns where it was, or cannot be.
fn begin_with_memory_given_back() -> std::io::Result<()> {
    let (name, octets) = GIVEN_BACK;
    if std::env::var_os(name).is_some() {
        return Ok(());
    }
    let mut words = std::env::args_os();
    let mut again = Command::new(std::env::current_exe()?);
    if let Some(own) = words.next() {
        again.arg0(own);
    }
    Err(again.args(words).env(name, octets).exec())
}
