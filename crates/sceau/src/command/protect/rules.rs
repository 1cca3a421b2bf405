//! What bounds the openings of something protected.

use sceau_element_api::protect::Rules;
use serde::Serialize;
use serde_json::json;

use super::owner::DatumOptions;
use super::{CallerOptions, wait_for};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau rules --application hr.toml --user alice payslip.pdf.sceau        shows them
  sceau rules --application hr.toml --user alice --network 10.1.0.0/16 --reads 5 payslip.pdf.sceau
  sceau rules --application hr.toml --user alice --hours 08:00-18:30 --day monday --day friday --offset +01:00 --datum DATUM
  sceau rules --application hr.toml --user alice --none payslip.pdf.sceau

What is given takes the place of all rules that there were, and bounds the owner too. --offset does not change with the seasons. To set rules for a file it is \
opened first, which is recorded, and counted where there is a rule of --reads.";

/// Whose rules to show or set.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RulesOptions {
    #[command(flatten)]
    by: CallerOptions,
    #[command(flatten)]
    which: DatumOptions,
    /// A network that the key is given to; once for each
    #[arg(long, value_name = "CIDR")]
    network: Vec<String>,
    /// How often it is opened at most, since it was begun
    #[arg(long, value_name = "COUNT")]
    reads: Option<u64>,
    /// When the key is given out: the first minute, and the first one after
    #[arg(long, value_name = "HH:MM-HH:MM")]
    hours: Option<String>,
    /// A day on which these hours begin, in English; once for each, every day unless said
    #[arg(long, value_name = "DAY", requires = "hours")]
    day: Vec<String>,
    /// How far the clock of these hours is ahead of UTC
    #[arg(long, value_name = "±HH:MM", requires = "hours", allow_hyphen_values = true)]
    offset: Option<String>,
    /// Another user agrees to each opening, at most so many minutes before (sceau agree)
    #[arg(long, value_name = "MINUTES")]
    second_person: Option<u16>,
    /// No rules any more
    #[arg(long, conflicts_with_all = ["network", "reads", "hours", "second_person"])]
    none: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn rules(options: &RulesOptions) -> Result<(), Failure> {
    let (application, user) = options.by.read()?;
    let Some(rules) = options.rules()? else {
        let datum = options.which.said()?;
        let document = wait_for(async { Ok(application.describe(&user, datum).await?) })?;
        let rules = document.rules.unwrap_or_default();
        if options.json {
            return say::json(&json!({"datum": datum, "rules": rules}));
        }
        return say::result(&lines(&rules).join("\n"));
    };
    let (datum, what) = options.which.proven(&application, &user)?;
    let changed = wait_for(async { Ok(application.set_rules(&user, datum, rules).await?) })?;
    if options.json {
        return say::json(&json!({"datum": datum, "record": changed.index, "document": changed.document}));
    }
    let rules = changed.document.and_then(|document| document.rules).unwrap_or_default();
    say::remark(&format!("Recorded ({}): {what} has these rules from now on", say::count(changed.index)));
    say::remark(&lines(&rules).join("\n"));
    Ok(())
}

impl RulesOptions {
    /// The rules that are asked for; none where they are only to be shown.
    fn rules(&self) -> Result<Option<Rules>, Failure> {
        let some = !self.network.is_empty()
            || self.reads.is_some()
            || self.hours.is_some()
            || self.second_person.is_some();
        if !some && !self.none {
            return Ok(None);
        }
        let hours = self.hours.as_ref().map(|hours| {
            let (from, until) = hours.split_once('-').unwrap_or((hours, ""));
            let offset = self.offset.as_deref().unwrap_or("+00:00");
            json!({"days": self.day, "from": from, "until": until, "offset": offset})
        });
        let second = self.second_person.map(|minutes| json!({"within_minutes": minutes}));
        let asked =
            json!({"networks": self.network, "reads": self.reads, "hours": hours, "second_person": second});
        let rules = serde_json::from_value(asked);
        rules.map(Some).map_err(|error| Failure::new(Exit::Usage, "rules", format!("no such rules: {error}")))
    }
}

/// The rules in words, a line each.
fn lines(rules: &Rules) -> Vec<String> {
    let mut lines = Vec::new();
    if !rules.networks.is_empty() {
        let networks: Vec<String> = rules.networks.iter().map(text).collect();
        lines.push(format!("Given to {}", networks.join(", ")));
    }
    if let Some(hours) = &rules.hours {
        let days: Vec<String> = hours.days.iter().map(text).collect();
        let days = if days.is_empty() { "every day".to_owned() } else { days.join(", ") };
        let (from, until, offset) = (text(&hours.from), text(&hours.until), text(&hours.offset));
        lines.push(format!("Given out from {from} until {until} (UTC{offset}), {days}"));
    }
    if let Some(reads) = rules.reads {
        lines.push(format!("Opened {reads} times at most"));
    }
    if let Some(second) = rules.second_person {
        lines.push(format!(
            "Opened once another user agreed, at most {} minutes before",
            second.within_minutes
        ));
    }
    if lines.is_empty() {
        lines.push("No rules".to_owned());
    }
    lines
}

/// A value as calls spell it.
fn text(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
