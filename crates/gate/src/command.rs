//! What a person asks of a gate on the command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use crate::{
    clock::now,
    error::Error,
    plan::Plan,
    serve::{Ending, Gate, Reload},
    statement::Language,
    succession,
};

/// Run a gate, or look at its configuration.
#[derive(Debug, clap::Subcommand)]
pub enum GateCommand {
    /// Judge who calls, and forward whoever may
    Run(GateOptions),
    /// Say whether a configuration and each file that it names can be used, and end
    Check(GateOptions),
    /// Write how it checks that certificates were not taken back, as a page to print, for partners and auditors
    Statement(StatementOptions),
}

/// Which gate, and for whom.
#[derive(Debug, clap::Args)]
pub struct StatementOptions {
    #[command(flatten)]
    gate: GateOptions,
    /// Language of the page [default: the session's]
    #[arg(long, value_enum)]
    language: Option<Tongue>,
    /// The page's file; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Tongue {
    Fr,
    En,
}

/// Which gate.
#[derive(Debug, clap::Args)]
pub struct GateOptions {
    /// What to listen on, whom to let through and where to forward, in TOML (see docs/gate.md)
    #[arg(long, default_value = "gate.toml")]
    config: PathBuf,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    die_with_parent: bool,
}

impl GateCommand {
    /// Whether it ends with the process that started it.
    pub fn die_with_parent(&self) -> bool {
        match self {
            Self::Run(options) | Self::Check(options) => options.die_with_parent,
            Self::Statement(options) => options.gate.die_with_parent,
        }
    }

    /// The file that says what it is.
    pub(crate) fn config(&self) -> &Path {
        match self {
            Self::Run(options) | Self::Check(options) => &options.config,
            Self::Statement(options) => &options.gate.config,
        }
    }

    /// Runs the gate until SIGTERM or SIGINT, or looks at its configuration; what a script waits for is a line of JSON on standard output.
    ///
    /// # Errors
    /// Those of [`Plan::read`] and [`Gate::listen`]; [`Error::System`].
    pub async fn run(self) -> Result<(), Error> {
        match self {
            Self::Check(options) => {
                let plan = Plan::read(&options.config)?;
                plan.rehearse()?;
                let mut good = json!({"configuration": "good", "listeners": plan.addresses()});
                // As they were kept: nobody is asked.
                let all: Vec<_> = plan.obtained.iter().map(|it| it.told()).collect();
                if let Some(good) = good.as_object_mut().filter(|_| !all.is_empty()) {
                    good.insert("certificates".to_owned(), all.into());
                }
                plan.guards.iter().for_each(|guard| guard.tell_of_unlisted());
                say(&format!("{good}\n"))
            }
            Self::Statement(options) => options.write(),
            Self::Run(options) => {
                let plan = Plan::read(&options.config)?;
                if succession::is_alone() {
                    plan.clear();
                }
                let gate = Gate::new(plan);
                let listening = gate.given(succession::given()?).listen().await?;
                // Before the ready line: a request that follows at once is not missed.
                read_again_on_hangup(listening.reload())?;
                let endings = asked_to_end(succession::hand_over_on_signal(listening.reload())?)?;
                let (addresses, observed) = (listening.addresses(), listening.observed());
                let process = std::process::id();
                let outgoing = listening.outgoing();
                let ready = json!({
                    "ready": "gate", "addresses": addresses, "outgoing": outgoing, "observed": observed, "process": process,
                });
                say(&format!("{ready}\n"))?;
                succession::say_ready();
                listening.serve_until(endings).await;
                Ok(())
            }
        }
    }
}

impl StatementOptions {
    /// Of the file and the lists as they are now.
    fn write(&self) -> Result<(), Error> {
        let plan = Plan::read(&self.gate.config)?;
        let language = match self.language.unwrap_or_else(of_session) {
            Tongue::Fr => Language::French,
            Tongue::En => Language::English,
        };
        let page = plan.statement(language, now());
        match &self.output {
            Some(path) => {
                std::fs::write(path, page).map_err(Error::system(&format!("write {}", path.display())))
            }
            None => say(&page),
        }
    }
}

/// The language that the session's settings ask for (POSIX, XBD 8.2).
fn of_session() -> Tongue {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    if set.is_some_and(|value| value.starts_with("fr")) { Tongue::Fr } else { Tongue::En }
}

/// On standard output.
fn say(text: &str) -> Result<(), Error> {
    let mut output = std::io::stdout().lock();
    let said = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    said.map_err(Error::system("write to standard output"))
}

/// How the gate is asked to end, each time that it is; listens from now on.
fn asked_to_end(
    succeeded: impl Future<Output = ()> + Send + 'static,
) -> Result<mpsc::Receiver<Ending>, Error> {
    let listen = |kind| signal(kind).map_err(Error::system("listen for signals"));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let (tell, endings) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut succeeded = Box::pin(succeeded);
        let mut has_succeeded = false;
        loop {
            let ending = tokio::select! {
                _ = terminate.recv() => Ending::Now,
                _ = interrupt.recv() => Ending::Now,
                () = &mut succeeded, if !has_succeeded => {
                    has_succeeded = true;
                    Ending::Succeeded
                }
            };
            if tell.send(ending).await.is_err() {
                return;
            }
        }
    });
    Ok(endings)
}

/// SIGHUP: what comes of it is in the log.
fn read_again_on_hangup(reload: Reload) -> Result<(), Error> {
    let mut hangups = signal(SignalKind::hangup()).map_err(Error::system("listen for signals"))?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            drop(reload.ask().await);
        }
    });
    Ok(())
}
