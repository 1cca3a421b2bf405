//! A real PostgreSQL, started for a test, that judges whether our SQL is as portable as we say.
//!
//! For tests only (feature `judge`). It listens on a socket in its own temporary folder, on no port.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{Migration, Statement, portable_script};

/// A PostgreSQL server of its own, stopped and removed when dropped.
#[derive(Debug)]
pub struct PostgresJudge {
    programs: PathBuf,
    folder: tempfile::TempDir,
    owner: Option<(u32, u32)>,
}

impl PostgresJudge {
    /// Makes and starts it: about a second.
    ///
    /// # Errors
    /// In words, with what to install if PostgreSQL is missing.
    pub fn start() -> Result<Self, String> {
        let programs = programs()?;
        // PostgreSQL refuses to run as root; its package's user is then asked to.
        let owner =
            if user_id("")? == 0 { Some((user_id("postgres")?, group_id("postgres")?)) } else { None };
        let folder = tempfile::Builder::new().prefix("judge").tempdir().map_err(|error| error.to_string())?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        let judge = Self { programs, folder, owner };
        let data = judge.folder.path().join("data");
        let data = data.to_string_lossy();
        judge.run("initdb", &["-D", &data, "-A", "trust", "-U", "judge", "-E", "UTF8", "--no-sync"])?;
        let socket = judge.folder.path().to_string_lossy();
        let options = format!("-c listen_addresses= -c unix_socket_directories={socket} -c fsync=off");
        let log = judge.folder.path().join("log");
        judge.run("pg_ctl", &["-D", &data, "-l", &log.to_string_lossy(), "-o", &options, "-w", "start"])?;
        Ok(judge)
    }

    /// Applies the migrations in a fresh database, then prepares each statement.
    ///
    /// # Errors
    /// What PostgreSQL says of the first text that it does not accept.
    pub fn accepts(&self, migrations: &[Migration], statements: &[Statement]) -> Result<(), String> {
        let script = self.folder.path().join("script.sql");
        std::fs::write(&script, portable_script(migrations, statements))
            .map_err(|error| error.to_string())?;
        let socket = self.folder.path().to_string_lossy();
        let psql = ["-X", "-q", "-h", &socket, "-U", "judge"];
        self.run("psql", &[&psql[..], &["-d", "postgres", "-c", "DROP DATABASE IF EXISTS trial"]].concat())?;
        self.run("psql", &[&psql[..], &["-d", "postgres", "-c", "CREATE DATABASE trial"]].concat())?;
        self.run("psql", &[&psql[..], &["-d", "trial", "-f", &script.to_string_lossy()]].concat())
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(self.programs.join(program));
        command.args(arguments).current_dir(self.folder.path());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        // pg_ctl leaves the server with our pipes: give it none to hold.
        if program == "pg_ctl" {
            let status =
                command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).status();
            let status = status.map_err(|error| error.to_string())?;
            return if status.success() { Ok(()) } else { Err(format!("pg_ctl: {status}")) };
        }
        let Output { status, stderr, .. } = command.output().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&stderr).into_owned()) }
    }
}

impl Drop for PostgresJudge {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let _ = self.run("pg_ctl", &["-D", &data.to_string_lossy(), "-m", "immediate", "-w", "stop"]);
    }
}

fn programs() -> Result<PathBuf, String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").map(|entries| {
        let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join("bin")).collect();
        found.sort();
        found
    });
    versions
        .unwrap_or_default()
        .into_iter()
        .rfind(|folder| Path::new(folder).join("initdb").exists())
        .ok_or_else(|| "PostgreSQL judges the SQL in tests; install it: apt-get install postgresql".into())
}

fn user_id(user: &str) -> Result<u32, String> {
    number("-u", user)
}

fn group_id(user: &str) -> Result<u32, String> {
    number("-g", user)
}

fn number(option: &str, user: &str) -> Result<u32, String> {
    let mut command = Command::new("id");
    command.arg(option);
    if !user.is_empty() {
        command.arg(user);
    }
    let output = command.output().map_err(|error| error.to_string())?;
    String::from_utf8_lossy(&output.stdout).trim().parse().map_err(|_| format!("there is no user {user}"))
}
