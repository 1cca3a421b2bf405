//! `sceau`: every role of Sceau but the element, and its tools. Command line and assembly; no logic.

mod cert;
mod command;
mod connect;
mod custody;
mod demo;
mod demonstration;
mod failure;
mod gate;
mod house;
mod hsm;
mod owner;
mod rotation;
mod running;
mod say;
mod serve;
mod supervise;
mod up;
mod witness;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use failure::Failure;
use sceau_hsm::hardening;

/// Exchange sensitive documents without having to trust who runs the servers.
#[derive(Debug, Parser)]
#[command(name = "sceau", version, max_term_width = 100, after_help = command::EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Tool(command::Tool),
    /// Start everything on this machine
    Up(up::UpOptions),
    /// Show the whole main job on real files: deposit, open, decide, each proof checked
    Demo(demo::DemoOptions),
    /// Run one role
    #[command(subcommand)]
    Serve(Role),
    /// Receive dossiers on the organisation's premises and hand them to its own system
    Connect(connect::ConnectOptions),
    /// Stand before a service: end TLS, judge certificates on each request, forward who calls
    #[command(subcommand)]
    Gate(sceau_gate::GateCommand),
    /// Provision the bus to companies' own systems, and see to what could not be delivered
    #[command(subcommand)]
    Bus(serve::bus::BusCommand),
    /// Tend the host of Mon Compte Mobilité's interface
    #[command(subcommand)]
    Mob(serve::mob::MobCommand),
    /// Set up a key manager on the organisation's premises
    #[command(subcommand)]
    Keymanager(owner::Owner),
    /// Watch over logs that others run: cosign what extends, and nothing else
    #[command(subcommand)]
    Witness(witness::WitnessCommand),
}

#[derive(Debug, Subcommand)]
enum Role {
    /// The platform: accounts, dossiers, pages, public log
    Platform(serve::platform::PlatformOptions),
    /// The key manager: the organisation's keys and the pages where documents are opened
    Keymanager(serve::keymanager::KeyManagerOptions),
    /// The intake: scans documents and seals them as they stream, in the privileged zone
    Intake(serve::intake::IntakeOptions),
    /// The host of Mon Compte Mobilité's interface, in the privileged zone; off unless the settings ask for it
    Mob(serve::mob::MobOptions),
    /// The keyfront: calls of applications about their data, in the privileged zone; off unless the settings ask for it
    Keyfront(serve::keyfront::KeyfrontOptions),
    /// The host of keyrings, which carries what terminals and registration authorities say to the element; on loopback
    Keyrings(serve::keyrings::KeyringsOptions),
    /// The provider that logs people in at sites by their keyrings, on its own premises
    Provider(serve::provider::ProviderOptions),
    /// The process of a key manager that examines one document
    #[command(hide = true)]
    Scanner(serve::scanner::ScannerOptions),
}

fn main() -> ExitCode {
    // Before any key, passphrase or document is read: whatever crashes leaves none of them in a file.
    if let Err(weakness) = hardening::no_core_dumps() {
        eprintln!("sceau: {weakness}");
    }
    let cli = Cli::parse();
    let json = matches!(&cli.command, Command::Tool(tool) if tool.json());
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if json {
                eprintln!("{}", failure.to_json());
            } else {
                eprintln!("sceau: {failure}");
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Tool(tool) => tool.run(Cli::command()),
        Command::Up(options) => runtime()?.block_on(up::run(&options)),
        Command::Demo(options) => runtime()?.block_on(demo::run(&options)),
        Command::Keymanager(owner) => {
            keep_memory_to_itself()?;
            rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
            runtime()?.block_on(owner::run(owner))
        }
        Command::Connect(options) => connect_role(options),
        Command::Gate(command) => gate_role(command),
        Command::Witness(command) => witness_role(command),
        Command::Bus(command) => runtime()?.block_on(serve::bus::run(command)),
        Command::Mob(command) => runtime()?.block_on(serve::mob::tend(command)),
        Command::Serve(role) => serve_role(role),
    }
}

fn connect_role(options: connect::ConnectOptions) -> Result<(), Failure> {
    as_a_role();
    keep_memory_to_itself()?;
    if options.die_with_parent {
        hardening::die_with_parent()?;
    }
    runtime()?.block_on(connect::run(options))
}

fn gate_role(command: sceau_gate::GateCommand) -> Result<(), Failure> {
    as_a_role();
    keep_memory_to_itself()?;
    if command.die_with_parent() {
        hardening::die_with_parent()?;
    }
    let runtime = command.runtime().map_err(|cause| Failure::system("start the runtime", &cause))?;
    let done = runtime.block_on(gate::run(command));
    // A thread that hangs in a token's module is waited for by nobody.
    runtime.shutdown_background();
    done
}

fn witness_role(command: witness::WitnessCommand) -> Result<(), Failure> {
    as_a_role();
    keep_memory_to_itself()?;
    if command.die_with_parent() {
        hardening::die_with_parent()?;
    }
    runtime()?.block_on(witness::run(command))
}

/// Files for this user alone, a log on standard error.
fn as_a_role() {
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

fn serve_role(role: Role) -> Result<(), Failure> {
    as_a_role();
    match role {
        Role::Platform(options) => {
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime_of(options.threads)?.block_on(serve::platform::run(options))
        }
        Role::Intake(options) => {
            keep_memory_to_itself()?;
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::intake::run(options))
        }
        Role::Keyfront(options) => {
            keep_memory_to_itself()?;
            // A session's key, data keys, and what is worked on.
            if let Err(weakness) = hardening::locked_memory() {
                tracing::warn!("{weakness}");
            }
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::keyfront::run(options))
        }
        Role::Keyrings(options) => {
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::keyrings::run(options))
        }
        Role::Provider(options) => {
            keep_memory_to_itself()?;
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::provider::run(options))
        }
        Role::Scanner(options) => {
            keep_memory_to_itself()?;
            serve::scanner::run(&options)
        }
        Role::Mob(options) => {
            keep_memory_to_itself()?;
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::mob::run(options))
        }
        Role::Keymanager(options) => {
            keep_memory_to_itself()?;
            if let Err(weakness) = hardening::locked_memory() {
                tracing::warn!("{weakness}");
            }
            if options.die_with_parent {
                hardening::die_with_parent()?;
            }
            runtime()?.block_on(serve::keymanager::run(options))
        }
    }
}

/// Private keys are in it.
fn keep_memory_to_itself() -> Result<(), Failure> {
    hardening::not_dumpable()
        .map_err(|weakness| Failure::new(failure::Exit::System, "memory_not_kept", weakness.to_string()))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    runtime_of(None)
}

/// With so many threads that work; without a number, one for each processor that this process may use.
fn runtime_of(threads: Option<u16>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(usize::from(threads));
    }
    builder.enable_all().build().map_err(|cause| Failure::system("start the runtime", &cause))
}
