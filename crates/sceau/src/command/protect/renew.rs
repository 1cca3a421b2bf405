//! `sceau renew`: what is protected opens until another day.

use std::time::{SystemTime, UNIX_EPOCH};

use sceau_client::name;
use sceau_client::protect::Validity;
use serde_json::json;

use super::super::trace::words;
use super::owner::DatumOptions;
use super::{CallerOptions, wait_for};
use crate::failure::Failure;
use crate::say;

const DAY: u64 = 24 * 3600;

const EXAMPLES: &str = "\
Examples:
  sceau renew --application hr.toml --user alice --days 365 payslip.pdf.sceau
  sceau renew --application hr.toml --user alice --days 30 --datum DATUM

A datum's key ends a year after it was begun, unless the application said otherwise; its owner moves that, also when it is over. A file is not opened for this: \
which datum it is under is what its header says, so look at what is printed.";

/// What is to open for how long.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RenewOptions {
    #[command(flatten)]
    by: CallerOptions,
    /// Its key ends so many days from now
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,
    #[command(flatten)]
    which: DatumOptions,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn renew(options: &RenewOptions) -> Result<(), Failure> {
    let (application, user) = options.by.read()?;
    let datum = options.which.said()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let to = Validity { expires: Some(now + options.days * DAY), ..Validity::default() };
    let changed = wait_for(async { Ok(application.set_validity(&user, datum, to).await?) })?;
    if options.json {
        return say::json(&json!({"datum": datum, "record": changed.index, "document": changed.document}));
    }
    let ends = changed.document.as_ref().map_or(to.expires.unwrap_or_default() * 1000, |it| it.expires);
    let called = changed.document.map(|document| document.name).filter(|name| !name.is_empty());
    let called = called.map(|called| format!(", named \"{}\",", name::plain(&called))).unwrap_or_default();
    say::remark(&format!(
        "Recorded ({}): the key of datum {datum}{called} ends on {}",
        say::count(changed.index),
        words::moment(ends)
    ));
    Ok(())
}
