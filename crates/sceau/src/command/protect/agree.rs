//! `sceau agree`: a second person lets somebody open what is protected, once.

use sceau_client::name;
use sceau_element_api::protect::UserId;
use serde_json::json;

use super::owner::DatumOptions;
use super::{CallerOptions, wait_for};
use crate::failure::Failure;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau agree --application hr.toml --user bob --to-user alice payslip.pdf.sceau
  sceau agree --application hr.toml --user bob --to-user alice --datum DATUM

Where the rules of a datum ask for a second person (sceau rules --second-person), each opening takes one agreement of another user, who may open it too or \
owns it. It ends after the rule's minutes, and whenever something about the datum changes. A file is not opened for this: which datum it is under is what its \
header says, so look at what is printed.";

/// Whom to let open what.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AgreeOptions {
    #[command(flatten)]
    by: CallerOptions,
    /// The user who may open it, once
    #[arg(long, value_name = "NAME")]
    to_user: UserId,
    #[command(flatten)]
    which: DatumOptions,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn agree(options: &AgreeOptions) -> Result<(), Failure> {
    let (application, user) = options.by.read()?;
    let datum = options.which.said()?;
    let (document, index) = wait_for(async {
        let document = application.describe(&user, datum).await?;
        Ok((document, application.agree(&user, datum, options.to_user.clone()).await?))
    })?;
    if options.json {
        return say::json(&json!({"datum": datum, "record": index, "document": document}));
    }
    let (to, called, owner) =
        (options.to_user.as_str(), name::plain(&document.name), name::plain(document.owner.as_str()));
    say::remark(&format!(
        "Recorded ({}): {to} may open datum {datum} of {owner}, named \"{called}\", once",
        say::count(index)
    ));
    Ok(())
}
