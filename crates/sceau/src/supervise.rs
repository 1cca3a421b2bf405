//! One child process per role: started in order, restarted when it falls, stopped in the opposite order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::failure::Failure;

/// How long a role may take before its ready line, and before it is killed at a stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A role's process: what to run and where its log goes.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Name shown to people, and of the log file.
    pub(crate) name: &'static str,
    /// Program.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Folder of logs.
    pub(crate) logs: PathBuf,
}

/// A role that runs and has said that it is ready.
#[derive(Debug)]
pub(crate) struct Running {
    role: Role,
    child: Child,
    /// The JSON of its ready line.
    pub(crate) ready: Value,
}

impl Role {
    /// Starts the process and waits for its ready line: one JSON object on standard output.
    pub(crate) async fn start(&self) -> Result<Running, Failure> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log_file(&self.logs, self.name)?)
            // Ctrl-C in a terminal is for the supervisor, which stops them in their order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| Failure::start(self.name, &self.program, &cause))?;
        let stdout = child.stdout.take().ok_or_else(|| Failure::not_ready(self.name, &self.logs))?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let ready = match line {
            Ok(Ok(Some(line))) => serde_json::from_str(&line).ok(),
            _ => None,
        };
        let Some(ready) = ready else { return Err(Failure::not_ready(self.name, &self.logs)) };
        forward(lines, self.logs.clone(), self.name);
        Ok(Running { role: self.clone(), child, ready })
    }
}

impl Running {
    /// The role's name.
    pub(crate) fn name(&self) -> &'static str {
        self.role.name
    }

    /// Resolves when the process ends by itself.
    pub(crate) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Starts the same role again.
    pub(crate) async fn restart(&mut self) -> Result<(), Failure> {
        *self = self.role.start().await?;
        Ok(())
    }

    /// Asks the process to end, and ends it when it does not.
    pub(crate) async fn stop(mut self) {
        let pid =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn log_file(folder: &Path, name: &str) -> Result<Stdio, Failure> {
    let path = folder.join(format!("{name}.log"));
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|cause| Failure::file("open", &path, &cause))?;
    Ok(Stdio::from(file))
}

/// What a role prints after its ready line goes to its log.
fn forward(
    mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    logs: PathBuf,
    name: &'static str,
) {
    tokio::spawn(async move {
        let path = logs.join(format!("{name}.log"));
        while let Ok(Some(line)) = lines.next_line().await {
            if let Ok(mut file) = tokio::fs::File::options().create(true).append(true).open(&path).await {
                let _ = file.write_all(format!("{line}\n").as_bytes()).await;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use rustix::process::{Pid, getpgid};

    use super::*;

    #[tokio::test]
    async fn ctrl_c_reaches_the_supervisor_alone() {
        let logs = tempfile::tempdir().unwrap();
        let arguments = ["-c", "echo '{}'; exec sleep 60"].map(Into::into).to_vec();
        let role = Role { name: "sleeper", program: "/bin/sh".into(), arguments, logs: logs.path().into() };
        let running = role.start().await.unwrap();
        let pid = running.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        assert_ne!(getpgid(pid).unwrap(), getpgid(None).unwrap());
        running.stop().await;
    }
}
