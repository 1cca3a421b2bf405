//! A real PostgreSQL, started for a test: the judge of whether our SQL is as portable as we say, and a server to run on.
//!
//! It listens on a socket in its own temporary folder, on no port unless it is asked to, and dies with the test.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{group_id, spawn, user_id};
use crate::{Migration, Statement, portable_script};

/// A PostgreSQL server of its own, stopped and removed when dropped.
#[derive(Debug)]
pub struct PostgresJudge {
    programs: PathBuf,
    folder: tempfile::TempDir,
    owner: Option<(u32, u32)>,
    server: Option<Child>,
    /// The port of the loopback at which it listens, encrypted.
    port: Option<u16>,
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
        let mut judge = Self { programs, folder, owner, server: None, port: None };
        let data = judge.data();
        judge.run("initdb", &["-D", &data, "-A", "trust", "-U", "judge", "-E", "UTF8", "--no-sync"])?;
        judge.go_on()?;
        Ok(judge)
    }

    /// Lets it listen at a port of the loopback too, where it wants TLS and a password (of the role `judge`). Its certificate, for `localhost`,
    /// is its own authority.
    ///
    /// # Errors
    /// What OpenSSL or the server says.
    pub fn listen_encrypted(&mut self, password: &str) -> Result<(), String> {
        let [key, certificate] = ["own.key", "own.pem"].map(|name| self.folder.path().join(name));
        let made = Command::new("openssl")
            .args(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost"
                    .split(' '),
            )
            .args(
                "-addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE".split(' '),
            )
            .args([Path::new("-keyout"), &key, Path::new("-out"), &certificate])
            .output();
        let made = made.map_err(|error| format!("openssl: {error}"))?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into_owned());
        }
        self.listen_encrypted_as(password, &certificate, &key)
    }

    /// The same with a certificate (its chain, leaf first) that somebody else issued, and its key.
    ///
    /// # Errors
    /// What the server says.
    pub fn listen_encrypted_as(&mut self, password: &str, chain: &Path, key: &Path) -> Result<(), String> {
        let words = |error: std::io::Error| error.to_string();
        self.command(&format!("ALTER ROLE judge PASSWORD '{password}'"))?;
        self.stop()?;
        let own_key = self.folder.path().join("key.pem");
        std::fs::copy(chain, self.authority()).map_err(words)?;
        std::fs::copy(key, &own_key).map_err(words)?;
        if let Some((user, group)) = self.owner {
            for file in [&own_key, &self.authority()] {
                chown(file, Some(user), Some(group)).map_err(words)?;
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(self.folder.path().join("data").join("pg_hba.conf"), rules).map_err(words)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        self.port = Some(port.map_err(words)?.port());
        self.go_on()
    }

    /// The PEM file of its certificate: its own authority, unless somebody else issued it.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// The server's first process, whose children serve each connection; none while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// The port at which it listens, encrypted.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// One that all who hold it at the same time share.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn shared() -> Result<Arc<Self>, String> {
        static SHARED: Mutex<Weak<PostgresJudge>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judge) = shared.upgrade() {
            return Ok(judge);
        }
        let judge = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&judge);
        Ok(judge)
    }

    /// Starts it again after [`Self::stop`] or [`Self::crash`].
    ///
    /// # Errors
    /// What the server says.
    pub fn go_on(&mut self) -> Result<(), String> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        if let Some((user, group)) = self.owner {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        let folder = self.folder.path().display();
        let mut settings = vec![format!("unix_socket_directories={folder}")];
        match self.port {
            None => settings.push("listen_addresses=".to_owned()),
            Some(port) => settings.extend([
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={port}"),
                "ssl=on".to_owned(),
                format!("ssl_cert_file={folder}/certificate.pem"),
                format!("ssl_key_file={folder}/key.pem"),
            ]),
        }
        command
            .arg("--")
            .arg(self.programs.join("postgres"))
            .args(["-D", &self.data()])
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut server = spawn(command).map_err(|error| format!("setpriv: {error}"))?;
        let ready = server.stderr.take().map(watch);
        self.server = Some(server);
        match ready.map(|ready| ready.recv()) {
            Some(Ok(())) => Ok(()),
            _ => Err("PostgreSQL ended before it was ready".into()),
        }
    }

    /// Stops it as an operator does: sessions are ended.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn stop(&mut self) -> Result<(), String> {
        self.end("fast")
    }

    /// Stops it as a power cut would, but for the system's own memory of files.
    ///
    /// # Errors
    /// What `pg_ctl` says.
    pub fn crash(&mut self) -> Result<(), String> {
        self.end("immediate")
    }

    fn end(&mut self, mode: &str) -> Result<(), String> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let ended = self.run("pg_ctl", &["-D", &self.data(), "-m", mode, "-w", "stop"]);
        if ended.is_err() {
            let _ = server.kill();
        }
        server.wait().map_err(|error| error.to_string())?;
        ended
    }

    /// Makes an empty database and gives its address, as settings hold it.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn database(&self) -> Result<String, String> {
        let name = format!("trial_{}", uuid::Uuid::new_v4().simple());
        self.command(&format!("CREATE DATABASE {name}"))?;
        Ok(format!("postgresql:///{name}?host={}&user=judge", self.folder.path().display()))
    }

    /// Makes an empty database and gives its address at the encrypted port.
    ///
    /// # Errors
    /// What PostgreSQL says, or that it does not listen.
    pub fn encrypted_database(&self) -> Result<String, String> {
        let name = format!("trial_{}", uuid::Uuid::new_v4().simple());
        self.command(&format!("CREATE DATABASE {name}"))?;
        let port = self.port.ok_or("it does not listen")?;
        Ok(format!("postgresql://judge@localhost:{port}/{name}"))
    }

    /// Runs SQL as the server's administrator.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn command(&self, sql: &str) -> Result<(), String> {
        let socket = self.folder.path().to_string_lossy();
        self.run("psql", &["-X", "-q", "-h", &socket, "-U", "judge", "-d", "postgres", "-c", sql])
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_string_lossy().into_owned()
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
        if let Some(port) = self.port {
            command.env("PGPORT", port.to_string());
        }
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        let Output { status, stderr, .. } = command.output().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&stderr).into_owned()) }
    }
}

impl Drop for PostgresJudge {
    fn drop(&mut self) {
        let _ = self.end("immediate");
    }
}

/// Says when the server is ready, and goes on to read what it logs.
fn watch(log: std::process::ChildStderr) -> Receiver<()> {
    let (sender, ready) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if line.contains("ready to accept connections") {
                let _ = sender.send(());
            }
        }
    });
    ready
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
