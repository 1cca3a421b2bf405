//! `sceau gate`: the TLS edge of a service, assembled.

mod succession;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_gate::{Ending, Error, Gate, Language, Plan, Reload};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::{Exit, Failure};
use crate::serve::{asked_to_end, say_ready};

/// Run a gate, or look at its configuration.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum GateCommand {
    /// Judge who calls, and forward whoever may
    Run(GateOptions),
    /// Say whether a configuration and each file that it names can be used, and end
    Check(GateOptions),
    /// Write how it checks that certificates were not taken back, as a page to print, for partners and auditors
    Statement(StatementOptions),
}

/// Which gate, and for whom.
#[derive(Debug, clap::Args)]
pub(crate) struct StatementOptions {
    #[command(flatten)]
    gate: GateOptions,
    /// In which language
    #[arg(long, value_enum, default_value = "fr")]
    lang: Lang,
    /// The page's file; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Lang {
    Fr,
    En,
}

/// Which gate.
#[derive(Debug, clap::Args)]
pub(crate) struct GateOptions {
    /// What to listen on, whom to let through and where to forward, in TOML (see docs/gate.md)
    #[arg(long, default_value = "gate.toml")]
    config: PathBuf,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

impl GateCommand {
    /// Whether it ends with the process that started it.
    pub(crate) fn die_with_parent(&self) -> bool {
        match self {
            Self::Run(options) | Self::Check(options) => options.die_with_parent,
            Self::Statement(options) => options.gate.die_with_parent,
        }
    }
}

/// Runs the gate until it is asked to end, or looks at its configuration.
pub(crate) async fn run(command: GateCommand) -> Result<(), Failure> {
    match command {
        GateCommand::Check(options) => {
            let plan = Plan::read(&options.config).map_err(refused)?;
            say_ready(&json!({"configuration": "good", "listeners": plan.addresses()}))
        }
        GateCommand::Statement(options) => state(&options),
        GateCommand::Run(options) => {
            let plan = Plan::read(&options.config).map_err(refused)?;
            let listening = Gate::new(plan).given(succession::given()?).listen().await.map_err(refused)?;
            let end = asked_to_end()?;
            read_again_on_hangup(listening.reload())?;
            let succeeded = succession::hand_over_on_signal(listening.reload())?;
            let (addresses, observed) = (listening.addresses(), listening.observed());
            let process = std::process::id();
            say_ready(
                &json!({"ready": "gate", "addresses": addresses, "observed": observed, "process": process}),
            )?;
            succession::say_ready();
            let ending = async {
                tokio::select! {
                    () = end => Ending::Now,
                    () = succeeded => Ending::Succeeded,
                }
            };
            listening.serve(ending).await;
            Ok(())
        }
    }
}

/// Of the file and the lists as they are now.
fn state(options: &StatementOptions) -> Result<(), Failure> {
    let plan = Plan::read(&options.gate.config).map_err(refused)?;
    let language = match options.lang {
        Lang::Fr => Language::French,
        Lang::En => Language::English,
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let page = plan.statement(language, u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    match &options.out {
        Some(path) => std::fs::write(path, page).map_err(|cause| Failure::file("write", path, &cause)),
        None => {
            let written = std::io::stdout().write_all(page.as_bytes());
            written.map_err(|cause| Failure::system("write to standard output", &cause))
        }
    }
}

/// SIGHUP: what comes of it is in the log.
fn read_again_on_hangup(reload: Reload) -> Result<(), Failure> {
    let hangups = signal(SignalKind::hangup());
    let mut hangups = hangups.map_err(|cause| Failure::system("listen for signals", &cause))?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            drop(reload.ask().await);
        }
    });
    Ok(())
}

fn refused(error: Error) -> Failure {
    let (exit, code) = match &error {
        Error::File { .. } | Error::Listen { .. } => (Exit::System, "gate_system"),
        _ => (Exit::Input, "gate_configuration"),
    };
    Failure::new(exit, code, error.to_string())
}
