//! `cargo xtask bench`: the release programs beside their peers, in one run.

use std::process::{Command, ExitCode};

use crate::process::{cargo, command, must, root, target};
use crate::test::stages::{Log, pages, tools};
use crate::{Stop, machine};

/// Builds in release and measures; `--quick` and `--only MEASURE` are handed on.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    machine::ready_to_test()?;
    let logs = target().join("xtask");
    std::fs::create_dir_all(&logs).map_err(|e| Stop::machine(format!("xtask: {}: {e}", logs.display())))?;
    let log = Log(logs.join("bench.log"));
    let _ = std::fs::remove_file(&log.0);
    println!("building the pages");
    pages(&log)
        .and_then(|()| tools(&log))
        .map_err(|why| Stop::failed(format!("{}\nxtask: {why}", log.text())))?;
    println!("building the programs in release (the first time takes several minutes)");
    let packages =
        ["sceau", "sceau-element", "sceau-gate", "sceau-benches"].map(|name| format!("--package={name}"));
    must(cargo().args(["build", "--quiet", "--release"]).args(packages))?;
    let release = target().join("release");
    let mut benches: Command = command(release.join("sceau-benches"));
    let status = benches.args(arguments).env("SCEAU_BIN", &release).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ok(_) => Ok(ExitCode::FAILURE),
        Err(error) => Err(Stop::machine(format!("xtask: the measures cannot start: {error}"))),
    }
}
