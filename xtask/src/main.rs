//! The team's commands: `cargo xtask test`, `cargo xtask up`, `cargo xtask bench`.
//!
//! Nothing here is shipped, speaks to a network or decides anything about the product: it checks the machine, calls
//! the tools that do the work (cargo, npm, python3, apt-get), and says clearly what happened.

#![allow(clippy::print_stdout, reason = "a command for people at a terminal: printing is its job")]

mod bench;
mod browse;
mod campaign;
mod house;
mod machine;
mod package;
mod process;
mod test;
mod up;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  test [--only STAGE]… [--list] [--verbose]   every check and test; the last line is `N passed, N failed`
  up [--browser] [--data FOLDER] [--antivirus ADDRESS]
                                              build and start everything here, keep the data for the next start
  bench [--quick] [--only MEASURE]…           measure against peers; ratios within one run decide
  campaign [--kills N] [--seed N]             kill -9 at random while people work; 1,000 times unless told otherwise
  package [--debug] [--version V] [--try]     Debian packages, into target/package; --try installs and upgrades them
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, rest)) => match command.as_str() {
            "test" => test::run(rest),
            "up" => up::run(rest),
            "bench" => bench::run(rest),
            "campaign" => campaign::run(rest),
            "package" => package::run(rest),
            browse::COMMAND => browse::run(rest),
            "help" | "--help" | "-h" => {
                print!("{USAGE}");
                Ok(ExitCode::SUCCESS)
            }
            other => Err(Stop::usage(format!("`{other}` is not a command"))),
        },
        None => Err(Stop::usage("a command is missing")),
    };
    result.unwrap_or_else(|stop| {
        eprintln!("{}", stop.message);
        ExitCode::from(stop.code)
    })
}

/// Why a command cannot go on, for the person who called it. Code 2: the command line or the machine is at fault.
#[derive(Debug)]
pub(crate) struct Stop {
    code: u8,
    message: String,
}

impl Stop {
    pub(crate) fn usage(what: impl std::fmt::Display) -> Self {
        Self { code: 2, message: format!("xtask: {what}\n\n{USAGE}") }
    }

    pub(crate) fn machine(what: impl Into<String>) -> Self {
        Self { code: 2, message: what.into() }
    }

    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self { code: 1, message: what.into() }
    }
}
