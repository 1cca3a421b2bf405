use std::sync::Arc;

use sceau_trace::{KeyKind, VerifierKey};
use serde_json::json;

use super::keeper::Keeper;
use super::{WitnessState, edge};
use crate::command::input;
use crate::failure::{Exit, Failure};
use crate::serve::door::{At, Door};
use crate::serve::{asked_to_end, say_ready};

/// A witness that runs.
#[derive(Debug, clap::Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    state: WitnessState,
    /// Verifier key of a log to witness, or @FILE with one on each line; may be given more than once
    #[arg(long = "log", value_name = "VKEY|@FILE", required = true)]
    logs: Vec<String>,
    /// Where to take checkpoints: address:port, or unix:/path for a proxy on this machine
    #[arg(long, value_name = "WHERE", default_value = "127.0.0.1:8448")]
    listen: At,
    /// End when the parent process ends
    #[arg(long, hide = true)]
    pub(super) die_with_parent: bool,
}

/// Runs until asked to end.
pub(super) async fn run(options: RunOptions) -> Result<(), Failure> {
    let known = options.logs.iter().map(|given| keys(given)).collect::<Result<Vec<_>, _>>()?.concat();
    if known.is_empty() {
        return Err(Failure::new(Exit::Usage, "no_log_key", "--log: no key of a log is in that file"));
    }
    let logs = known.len();
    let keeper = Arc::new(Keeper::open(&options.state, known)?);
    let door = Door::take(&options.listen).await?;
    let url = door.port().map(|port| format!("http://127.0.0.1:{port}"));
    let end = asked_to_end()?;
    say_ready(&json!({
        "ready": "witness", "url": url, "key": keeper.public().to_string(), "logs": logs,
    }))?;
    let served = door.serve(edge::router(keeper), end).await;
    served.map_err(|cause| Failure::system("serve", &cause))
}

/// The keys of logs that an option gives. In a file, empty lines and those that begin with # are left out.
fn keys(given: &str) -> Result<Vec<VerifierKey>, Failure> {
    let text = match given.strip_prefix('@') {
        Some(path) => {
            String::from_utf8_lossy(&input::read_small(path.as_ref(), 1 << 20, "log keys")?).into_owned()
        }
        None => given.to_owned(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(key).collect()
}

fn key(text: &str) -> Result<VerifierKey, Failure> {
    let key = VerifierKey::parse(text).map_err(|error| (error.code(), error.to_string()));
    key.and_then(|key| match key.kind() {
        KeyKind::Ed25519 => Ok(key),
        _ => Err(("log_key", "it is a witness's key, not a log's".to_owned())),
    })
    .map_err(|(code, why)| Failure::new(Exit::Usage, code, format!("--log {text}: {why}")))
}
