//! `sceau gate`: the TLS edge of a service, assembled.

use std::path::PathBuf;

use sceau_gate::{Error, Gate, Plan, Reload};
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
        let (Self::Run(options) | Self::Check(options)) = self;
        options.die_with_parent
    }
}

/// Runs the gate until it is asked to end, or looks at its configuration.
pub(crate) async fn run(command: GateCommand) -> Result<(), Failure> {
    match command {
        GateCommand::Check(options) => {
            let plan = Plan::read(&options.config).map_err(refused)?;
            say_ready(&json!({"configuration": "good", "listeners": plan.addresses()}))
        }
        GateCommand::Run(options) => {
            let plan = Plan::read(&options.config).map_err(refused)?;
            let listening = Gate::new(plan).listen().await.map_err(refused)?;
            let end = asked_to_end()?;
            read_again_on_hangup(listening.reload())?;
            say_ready(&json!({"ready": "gate", "addresses": listening.addresses()}))?;
            listening.serve(end).await;
            Ok(())
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
