//! `cargo xtask bench`: measures against peers in one run.

use std::process::ExitCode;

use crate::Stop;

/// Measures.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let _ = arguments;
    Err(Stop::failed("xtask: the measures do not exist yet"))
}
