//! Calling other programs so that they die with us, and keeping what they said.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::Stop;

/// The repository's root: xtask is always built from inside it.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo puts what it builds, and we put logs and virtual environments.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// No command of ours takes longer than this, in seconds: one that does hangs.
const LIMIT: &str = "3600";

/// What stands before the program: the kernel tells `timeout` when the thread that started it ends (setting that from
/// here would take unsafe code), and `timeout` ends the whole group, also of a command that hangs.
const GUARD: [&str; 7] = ["setpriv", "--pdeathsig", "TERM", "--", "timeout", "--kill-after=10", LIMIT];

/// A command, at the repository's root, that ends with us together with everything that it started.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(GUARD[0]);
    command.args(&GUARD[1..]).arg(program).current_dir(root());
    command.env("CARGO_TERM_COLOR", "never").env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    command
}

/// Cargo itself, free of what `cargo run` left in our environment (it would make packages rebuild).
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let ours =
            name.to_str().is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"));
        if ours {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs a command with both outputs in `log` (appended). Returns its status.
pub(crate) fn logged(command: &mut Command, log: &Path) -> Result<ExitStatus, String> {
    let open = || File::options().create(true).append(true).open(log);
    let (out, err) =
        open().and_then(|out| open().map(|err| (out, err))).map_err(|e| format!("{}: {e}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .status()
        .map_err(|e| format!("{} cannot start: {e}", shown(command)))
}

/// What a command prints on its standard output, or `None` when it is missing or fails.
pub(crate) fn asked(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command in the foreground; its failure is ours.
pub(crate) fn must(command: &mut Command) -> Result<(), Stop> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Stop::failed(format!("xtask: {} failed ({status})", shown(command)))),
        Err(error) => Err(Stop::machine(format!("xtask: {} cannot start: {error}", shown(command)))),
    }
}

/// A command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|a| a.to_string_lossy().into_owned()));
    if words.first().is_some_and(|w| w == GUARD[0]) {
        words.drain(..words.len().min(GUARD.len()));
    }
    if let Some(program) = words.first_mut() {
        *program = program.rsplit('/').next().unwrap_or_default().to_owned();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_its_wrapper() {
        assert_eq!(shown(command("/usr/bin/npm").arg("ci")), "npm ci");
    }

    #[test]
    fn what_a_command_started_ends_with_us() {
        // A shell stands for us: it starts a command as we do, which starts another; then it is killed.
        let mut guarded = command("sh");
        guarded.args(["-c", "sh -c \"echo $PPID \\$\\$; exec sleep 600\" & wait"]);
        let words: Vec<_> = guarded.get_args().map(OsStr::to_owned).collect();
        let mut us = Command::new("sh");
        us.args(["-c", "\"$@\" & wait", "sh", GUARD[0]]).args(words).stdout(Stdio::piped());
        let mut us = us.spawn().unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(us.stdout.take().unwrap()), &mut line)
            .unwrap();
        let (guard, started) = line.trim().split_once(' ').unwrap();
        let until = |pid: &str, wanted: fn(&str) -> bool| {
            (0..4000).any(|_| {
                std::thread::park_timeout(std::time::Duration::from_millis(5));
                wanted(&std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())
            })
        };
        // Until `timeout` waits for its child, it does not know whom to end.
        assert!(until(guard, |stat| stat.contains(") S ")), "{line} is what was started");
        us.kill().unwrap();
        us.wait().unwrap();
        assert!(
            until(started, |stat| stat.is_empty() || stat.contains(") Z ")),
            "process {started} lives on"
        );
    }

    #[test]
    fn a_missing_program_answers_nothing() {
        assert_eq!(asked("a-program-that-is-not-there", &[]), None);
        assert_eq!(asked("sh", &["-c", "echo out; exit 1"]), None);
        assert_eq!(asked("sh", &["-c", "echo out"]).as_deref(), Some("out"));
    }
}
