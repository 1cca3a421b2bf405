//! Programs that we did not write.

use std::{
    path::Path,
    process::{Command, Output},
};

/// A day of 2026, unix milliseconds: 2026-11-20 12:00 UTC.
pub(crate) const NOW: u64 = 1_795_176_000_000;
pub(crate) const DAY: u64 = 86_400_000;

/// Runs a program and gives its output, failing with what it said when it fails.
pub(crate) fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let output = try_run(folder, program, arguments);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}\n{stdout}\n{stderr}");
    stdout
}

pub(crate) fn try_run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed by this test: {error}"))
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
