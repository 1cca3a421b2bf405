//! `sceau`: every role of Sceau but the element, and its tools. Command line and assembly; no logic.

mod failure;
mod serve;
mod supervise;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Exchange sensitive documents without having to trust who runs the servers.
#[derive(Debug, Parser)]
#[command(name = "sceau", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine
    Up(up::UpOptions),
    /// Run one role
    #[command(subcommand)]
    Serve(Role),
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The platform: accounts, dossiers, pages, public log
    Platform(serve::platform::PlatformOptions),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sceau: {failure}");
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Up(options) => runtime()?.block_on(up::run(&options)),
        Command::Serve(role) => serve_role(role),
    }
}

fn serve_role(role: Role) -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match role {
        Role::Platform(options) => {
            if options.die_with_parent {
                supervise::die_with_parent()?;
            }
            runtime()?.block_on(serve::platform::run(options))
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Failure::system("start the runtime", &cause))
}
