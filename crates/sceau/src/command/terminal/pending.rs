//! `sceau terminal pending`, `reject` and `report`: what waits at the host, and what is not agreed to.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use sceau_client::ClientError;
use sceau_client::terminal::{Storage, Visitor};
use sceau_element_api::KeyringRequestId;
use sceau_keyring::{ReportReason, Visited};
use serde_json::json;

use crate::command::keyring::{PlatformOptions, wait_for};
use crate::failure::Failure;
use crate::say;

const PENDING_EXAMPLES: &str = "\
Examples:
  sceau terminal pending --folder ~/.keyring --at https://sceau.example.org
  sceau terminal pending --folder ~/.keyring --at https://sceau.example.org --wait 600

One line of JSON says the ids of what waits. `sceau terminal sign --request ID` shows one, and asks.";

/// The terminal, and its host.
#[derive(Debug, clap::Args)]
pub(crate) struct VisitOptions {
    /// The terminal's folder
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Tell what went wrong in JSON, for scripts
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    platform: PlatformOptions,
}

/// What waits.
#[derive(Debug, clap::Args)]
#[command(after_help = PENDING_EXAMPLES)]
pub(crate) struct PendingOptions {
    #[command(flatten)]
    pub(super) visit: VisitOptions,
    /// Wait up to so many seconds until something waits
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

/// Which one is not agreed to.
#[derive(Debug, clap::Args)]
pub(crate) struct RejectOptions {
    /// The request, as `sceau terminal pending` names it
    #[arg(long, value_name = "ID")]
    request: KeyringRequestId,
    #[command(flatten)]
    pub(super) visit: VisitOptions,
}

/// The same, and why.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportOptions {
    /// The request, as `sceau terminal pending` names it
    #[arg(long, value_name = "ID")]
    request: KeyringRequestId,
    /// Why: you have nothing to do with who asks, it is not what was agreed, or it is asked again and again
    #[arg(long, value_name = "WHY", value_parser = reasons())]
    why: ReportReason,
    #[command(flatten)]
    pub(super) visit: VisitOptions,
}

pub(super) fn list(options: &PendingOptions) -> Result<(), Failure> {
    let (storage, server) = (Storage::at(&options.visit.folder), options.visit.platform.server()?);
    let ends = Instant::now().checked_add(Duration::from_secs(options.wait));
    let waiting = wait_for(async {
        let visitor = Visitor::at(&storage, &server).await?;
        let mut waiting = visitor.waiting().await?;
        while waiting.is_empty() && ends.is_some_and(|ends| Instant::now() < ends) {
            waiting = visitor.news(Vec::new()).await?;
        }
        Ok::<_, ClientError>(waiting)
    })?;
    say::json(&json!(Visited::Waiting { requests: waiting }))
}

pub(super) fn reject(options: &RejectOptions) -> Result<(), Failure> {
    let (storage, server) = (Storage::at(&options.visit.folder), options.visit.platform.server()?);
    wait_for(async { Visitor::at(&storage, &server).await?.reject(options.request).await })?;
    say::json(&json!({"request": options.request, "state": "rejected"}))
}

pub(super) fn report(options: &ReportOptions) -> Result<(), Failure> {
    let (storage, server) = (Storage::at(&options.visit.folder), options.visit.platform.server()?);
    let why = options.why;
    wait_for(async { Visitor::at(&storage, &server).await?.report(options.request, why).await })?;
    say::json(&json!({"request": options.request, "state": "rejected", "reported": why}))
}

/// The words of reasons, and the reason of each.
fn reasons() -> impl TypedValueParser<Value = ReportReason> {
    PossibleValuesParser::new(ReportReason::ALL.map(ReportReason::as_str))
        .try_map(|word| word.parse::<ReportReason>())
}
