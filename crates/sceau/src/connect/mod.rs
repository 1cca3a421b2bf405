//! `sceau connect`: the connector of one organisation, or of several, each with its own credentials, assembled.

mod config;
mod scanner;

pub(crate) use config::{Place, read};

use std::path::PathBuf;
use std::sync::Arc;

use sceau_client::connector::{Connector, Event, Journal, Scanner, Target, Trouble, Undecided};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::say;
use crate::serve::{asked_to_end, say_ready};
use scanner::Clamd;

/// Receives dossiers and hands them to the organisation's own system.
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectOptions {
    /// What to connect, in TOML (see docs/connector.md)
    #[arg(long, default_value = "connector.toml")]
    config: PathBuf,
    /// Say what waits, what was put aside and which decisions were refused, and end; the connector must be stopped
    #[arg(long, conflicts_with = "retry")]
    status: bool,
    /// Have everything that was put aside, and decisions that were refused, tried again at the next start, and end; the connector must be stopped
    #[arg(long)]
    retry: bool,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(crate) die_with_parent: bool,
}

/// Runs the connector until it is asked to end.
pub(crate) async fn run(options: ConnectOptions) -> Result<(), Failure> {
    let config = config::read(&options.config)?;
    if options.status || options.retry {
        return config.targets.iter().try_for_each(|target| look(target, options.retry));
    }
    let scanner: Option<Arc<dyn Scanner>> =
        config.antivirus().map(|antivirus| Arc::new(Clamd(antivirus)) as Arc<dyn Scanner>);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let (mut connectors, mut names) = (Vec::new(), Vec::new());
    for target in config.targets {
        let name = target.name.clone();
        names.push(name.clone());
        let tell = move |event: &Event| say(&name, event);
        connectors.push(Connector::open(target, scanner.clone(), tell)?);
    }
    let end = asked_to_end()?;
    // Said before the first dossier is asked for: whoever waits for it sees all that happens then.
    say_ready(&json!({"ready": "connect", "organisations": names}))?;
    let mut running = tokio::task::JoinSet::new();
    for connector in connectors {
        let mut stopped = stopped.clone();
        let until = async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        running.spawn(connector.run(until));
    }
    tokio::spawn(async move {
        end.await;
        let _ = stop.send(true);
    });
    while let Some(ended) = running.join_next().await {
        // A journal that cannot be kept stops its own organisation, and then the whole: somebody must look.
        ended.map_err(|error| Failure::role("connector", &error))??;
    }
    Ok(())
}

/// One line of JSON on standard output for each event.
fn say(organisation: &str, event: &Event) {
    let mut line = serde_json::to_value(event).unwrap_or_default();
    if let Some(fields) = line.as_object_mut() {
        fields.insert("organisation".to_owned(), organisation.into());
    }
    if say::json(&line).is_err() {
        tracing::warn!(organisation, ?event, "standard output is closed");
    }
}

fn look(target: &Target, retry: bool) -> Result<(), Failure> {
    let mut journal = Journal::open(&target.state).map_err(Trouble::Journal)?;
    if retry {
        let again = journal.retry_all().map_err(Trouble::Journal)?;
        let decisions = journal.retry_decisions(target).map_err(Trouble::Journal)?;
        return say::json(&json!({
            "organisation": target.name, "tried_again": again, "decisions_tried_again": decisions,
        }));
    }
    let standing = journal.standing();
    let aside: Vec<_> = standing
        .aside
        .values()
        .map(|(delivery, aside)| {
            json!({"dossier": delivery.dossier, "code": aside.code, "detail": aside.detail, "since": delivery.time})
        })
        .collect();
    let decisions = Undecided::all(target, standing).map_err(Trouble::Journal)?;
    let waiting: Vec<_> = standing.open.values().map(|delivery| delivery.dossier).collect();
    say::json(&json!({
        "organisation": target.name, "position": standing.position, "waiting": waiting, "aside": aside,
        "decisions": decisions,
    }))
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::new(Exit::System, trouble.code(), trouble.to_string())
    }
}
