//! What a datum's owner says: who may open it, and who did.

use std::path::PathBuf;

use sceau_client::protect::Changed;
use sceau_element_api::protect::{Access, Authorisation, DatumId};
use sceau_trace::Outcome;
use serde_json::json;

use super::super::input::Input;
use super::super::{open, trace::words};
use super::{As, To, called, files};
use crate::failure::Failure;
use crate::say;

const GRANT_EXAMPLES: &str = "\
Examples:
  sceau grant --application hr.toml --user alice --to-user bob payslip.pdf.sceau
  sceau grant --application hr.toml --user alice --to-group payroll --datum DATUM";

const ACCESSES_EXAMPLES: &str = "\
Examples:
  sceau accesses --application hr.toml --user alice payslip.pdf.sceau

The last call comes first. Each is a record of the public log, which shows no name: its index leads to its proof.";

/// A datum: the one that a file is under, or by its id.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// A protected file
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,
    /// The datum's id
    #[arg(long, value_name = "ID", value_parser = datum_id)]
    datum: Option<DatumId>,
}

/// Whom to authorise, for what.
#[derive(Debug, clap::Args)]
#[command(after_help = GRANT_EXAMPLES)]
pub(crate) struct GrantOptions {
    #[command(flatten)]
    by: As,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    which: Which,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose authorisation to remove, for what.
#[derive(Debug, clap::Args)]
pub(crate) struct RevokeOptions {
    #[command(flatten)]
    by: As,
    #[command(flatten)]
    to: To,
    #[command(flatten)]
    which: Which,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose accesses to list.
#[derive(Debug, clap::Args)]
#[command(after_help = ACCESSES_EXAMPLES)]
pub(crate) struct AccessesOptions {
    #[command(flatten)]
    by: As,
    #[command(flatten)]
    which: Which,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Which {
    fn datum(&self) -> Result<DatumId, Failure> {
        if let Some(datum) = self.datum {
            return Ok(datum);
        }
        let mut input = Input::open(self.input.as_deref().unwrap_or("-".as_ref()))?;
        let header = open::read(&mut input)?;
        files::under(&header, &input.label).map(|(datum, _)| datum)
    }
}

fn datum_id(text: &str) -> Result<DatumId, &'static str> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value(quoted).map_err(|_| "a datum's id is 43 letters, digits, - and _")
}

pub(crate) fn grant(options: &GrantOptions) -> Result<(), Failure> {
    let Some(to) = options.to.grantee() else { return Ok(()) };
    let (application, user) = options.by.read()?;
    let datum = options.which.datum()?;
    let grant = Authorisation { to: to.clone(), from: None, until: None };
    let changed = called(async { Ok(application.grant(&user, datum, grant).await?) })?;
    let words = format!("{} {} may open it from now on", to.kind(), to.name().as_str());
    tell(&changed, datum, &words, options.json)
}

pub(crate) fn revoke(options: &RevokeOptions) -> Result<(), Failure> {
    let Some(to) = options.to.grantee() else { return Ok(()) };
    let (application, user) = options.by.read()?;
    let datum = options.which.datum()?;
    let changed = called(async { Ok(application.revoke(&user, datum, to.clone()).await?) })?;
    let words = format!(
        "{} {} may not open it any more; keys that were given out are not called back",
        to.kind(),
        to.name().as_str()
    );
    tell(&changed, datum, &words, options.json)
}

fn tell(changed: &Changed, datum: DatumId, words: &str, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return say::json(&json!({"datum": datum, "record": changed.index, "document": changed.document}));
    }
    say::remark(&format!("Recorded ({}): {words}", say::count(changed.index)));
    Ok(())
}

pub(crate) fn accesses(options: &AccessesOptions) -> Result<(), Failure> {
    let (application, user) = options.by.read()?;
    let datum = options.which.datum()?;
    let all = called(async {
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let mut told = application.accesses(&user, datum, before).await?;
            all.append(&mut told.list);
            before = told.next;
            if before.is_none() {
                return Ok(all);
            }
        }
    })?;
    if options.json {
        return say::json(&json!({"datum": datum, "accesses": all}));
    }
    let lines: Vec<String> = all.iter().map(line).collect();
    say::result(&lines.join("\n"))
}

fn line(access: &Access) -> String {
    let from = access.address.map(|address| format!(", from {address}")).unwrap_or_default();
    let outcome = if access.refused.is_some() { Outcome::Refused } else { Outcome::Granted };
    let about = access.to.as_ref().map(|to| format!(" ({} {})", to.kind(), to.name().as_str()));
    format!(
        "{}  {} {}{}{from}; record {}",
        words::moment(access.time),
        access.user.as_str(),
        words::act(&access.action, outcome, access.refused.as_deref().unwrap_or_default()),
        about.unwrap_or_default(),
        access.index,
    )
}
