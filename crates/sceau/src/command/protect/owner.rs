//! What a datum's owner says: who may open it, and who did.

use std::path::PathBuf;

use sceau_client::name;
use sceau_client::protect::{Application, Changed, User};
use sceau_element_api::protect::{Access, Authorisation, DatumId};
use sceau_trace::Outcome;
use serde_json::json;

use super::super::input::Input;
use super::super::{fault, open, trace::words};
use super::contents;
use super::{CallerOptions, GranteeOptions, files, wait_for};
use crate::failure::Failure;
use crate::say;

const GRANT_EXAMPLES: &str = "\
Examples:
  sceau grant --application hr.toml --user alice --to-user bob payslip.pdf.sceau
  sceau grant --application hr.toml --user alice --to-group payroll --datum DATUM

A file is opened first, which is recorded as an access: what is granted is what its sealed name says, whatever it is called on the disk.";

const REVOKE_EXAMPLES: &str = "\
Examples:
  sceau revoke --application hr.toml --user alice --to-user bob payslip.pdf.sceau

Keys that were given out are not called back: whoever opened it has it.";

const ACCESSES_EXAMPLES: &str = "\
Examples:
  sceau accesses --application hr.toml --user alice payslip.pdf.sceau

The last call comes first. Each is a record of the public log, which shows no name: its index leads to its proof.";

/// A datum: the one that a file is under, or by its id.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DatumOptions {
    /// A protected file
    #[arg(value_name = "INPUT")]
    input: Option<PathBuf>,
    /// The datum's id
    // In base64url, so that it may begin with "-".
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = datum_id)]
    datum: Option<DatumId>,
}

/// Whom to authorise, for what.
#[derive(Debug, clap::Args)]
#[command(after_help = GRANT_EXAMPLES)]
pub(crate) struct GrantOptions {
    #[command(flatten)]
    of: GrantOf,
}

/// Whose authorisation to remove, for what.
#[derive(Debug, clap::Args)]
#[command(after_help = REVOKE_EXAMPLES)]
pub(crate) struct RevokeOptions {
    #[command(flatten)]
    of: GrantOf,
}

/// Somebody's authorisation for something.
#[derive(Debug, clap::Args)]
struct GrantOf {
    #[command(flatten)]
    by: CallerOptions,
    #[command(flatten)]
    to: GranteeOptions,
    #[command(flatten)]
    which: DatumOptions,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whose accesses to list.
#[derive(Debug, clap::Args)]
#[command(after_help = ACCESSES_EXAMPLES)]
pub(crate) struct AccessesOptions {
    #[command(flatten)]
    by: CallerOptions,
    #[command(flatten)]
    which: DatumOptions,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl GrantOptions {
    pub(crate) fn json(&self) -> bool {
        self.of.json
    }
}

impl RevokeOptions {
    pub(crate) fn json(&self) -> bool {
        self.of.json
    }
}

impl DatumOptions {
    /// The datum that is named, or that a file says it is under: anybody may have written that.
    pub(super) fn said(&self) -> Result<DatumId, Failure> {
        if let Some(datum) = self.datum {
            return Ok(datum);
        }
        let mut input = self.input()?;
        if let Some(file) = contents::of(&mut input)? {
            return Ok(file.datum());
        }
        let header = open::read(&mut input)?;
        files::datum_of(&header, &input.label).map(|(datum, _)| datum)
    }

    /// The datum that is named, or that a file is truly under, and what it is called: the file's own name is anybody's to change, the sealed
    /// one is not.
    pub(super) fn proven(
        &self,
        application: &Application,
        user: &User,
    ) -> Result<(DatumId, String), Failure> {
        if let Some(datum) = self.datum {
            return Ok((datum, format!("datum {datum}")));
        }
        let mut input = self.input()?;
        if let Some(file) = contents::of(&mut input)? {
            let datum = file.datum();
            let name = contents::name(file, &input.label, (application, user))?;
            return Ok((datum, format!("{name} (datum {datum})")));
        }
        let header = open::read(&mut input)?;
        let (datum, wrapped) = files::datum_of(&header, &input.label)?;
        let key = wait_for(async { Ok(application.open(user, datum, wrapped).await?) })?;
        let header = header.open_with(key.into_cek());
        let header = header.map_err(|error| fault::open(&error, &input.label))?;
        Ok((datum, format!("{} (datum {datum})", name::for_disk(header.metadata().name()))))
    }

    fn input(&self) -> Result<Input, Failure> {
        Input::open(self.input.as_deref().unwrap_or("-".as_ref()))
    }
}

fn datum_id(text: &str) -> Result<DatumId, &'static str> {
    let quoted = serde_json::Value::String(text.to_owned());
    serde_json::from_value(quoted).map_err(|_| "a datum's id is 43 letters, digits, - and _")
}

pub(crate) fn grant(GrantOptions { of: options }: &GrantOptions) -> Result<(), Failure> {
    let to = options.to.grantee()?;
    let (application, user) = options.by.read()?;
    let (datum, what) = options.which.proven(&application, &user)?;
    let grant = Authorisation { to: to.clone(), from: None, until: None };
    let changed = wait_for(async { Ok(application.grant(&user, datum, grant).await?) })?;
    let words = format!("{} {} may open {what} from now on", to.kind(), to.name().as_str());
    tell(&changed, datum, &words, options.json)
}

pub(crate) fn revoke(RevokeOptions { of: options }: &RevokeOptions) -> Result<(), Failure> {
    let to = options.to.grantee()?;
    let (application, user) = options.by.read()?;
    let (datum, what) = options.which.proven(&application, &user)?;
    let changed = wait_for(async { Ok(application.revoke(&user, datum, to.clone()).await?) })?;
    let words = format!(
        "{} {} may not open {what} any more; keys that were given out are not called back",
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
    let datum = options.which.said()?;
    let all = wait_for(async {
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
    let proven = access.proven_by.as_deref().map(|issuer| format!(" (proven by {})", name::plain(issuer)));
    let outcome = if access.refused.is_some() { Outcome::Refused } else { Outcome::Granted };
    let unnamed = if access.is_signature() { "the element" } else { "somebody (forgotten)" };
    let about = access.to.as_ref().map(|to| format!(" ({} {})", to.kind(), name::plain(to.name().as_str())));
    format!(
        "{}  {}{} {}{}{from}; record {}",
        words::moment(access.time),
        name::plain(access.user.as_ref().map_or(unnamed, |user| user.as_str())),
        proven.unwrap_or_default(),
        name::plain(&words::act(&access.action, outcome, access.refused.as_deref().unwrap_or_default())),
        about.unwrap_or_default(),
        access.index,
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        of: DatumOptions,
    }

    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        let id = format!("-{}", "A".repeat(42));
        let line = Line::try_parse_from(["sceau", "--datum", &id]).unwrap();
        assert_eq!(line.of.datum.unwrap().to_string(), id);
        assert!(Line::try_parse_from(["sceau", "--datum", "--none"]).is_err());
    }
}
