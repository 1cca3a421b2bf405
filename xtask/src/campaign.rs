//! `cargo xtask campaign`: random kills over everything that people do, more of them than a run of the tests has.

use std::process::ExitCode;

use crate::process::{cargo, must};
use crate::{Stop, machine};

/// How many kills, unless the command line says.
const KILLS: &str = "1000";

/// Builds the programs and runs the campaign; it prints what was killed and what was acknowledged.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let (mut kills, mut seed) = (KILLS, "1");
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if value.parse::<u64>().is_ok() => match name.as_str() {
                "--kills" => kills = value,
                "--seed" => seed = value,
                other => return Err(Stop::usage(format!("`{other}` is not an option of campaign"))),
            },
            _ => return Err(Stop::usage("campaign takes --kills N and --seed N")),
        }
    }
    machine::ready_to_test()?;
    must(cargo().args(["build", "--quiet", "--workspace", "--bins"]))?;
    let test = ["test", "--quiet", "--package=sceau-tests", "--test=it", "random_kills", "--"];
    // One campaign after the other: each counts its own kills.
    let shown = ["--nocapture", "--test-threads=1"];
    must(cargo().args(test).args(shown).env("SCEAU_KILLS", kills).env("SCEAU_SEED", seed))?;
    Ok(ExitCode::SUCCESS)
}
