//! A real ClamAV daemon, started for a test, with signatures of the test's own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::ClamdAddress;

/// The body signature that [`ClamavJudge`] knows: bytes that no conversion to text survives.
pub const BINARY_SIGNATURE: [u8; 8] = [0x4d, 0x00, 0xff, 0xfe, 0x80, 0xc3, 0x28, 0x9f];
/// The name that the daemon gives to it.
pub const BINARY_SIGNATURE_NAME: &str = "Sceau.Test.Binary.UNOFFICIAL";

/// A ClamAV daemon of its own on a socket in its own folder, killed when dropped. Its temporary files are in memory.
#[derive(Debug)]
pub struct ClamavJudge {
    folder: tempfile::TempDir,
    temporary: tempfile::TempDir,
    settings: String,
    daemon: Option<Child>,
}

impl ClamavJudge {
    /// Starts it: a tenth of a second. `settings` are lines of its configuration before ours, such as `StreamMaxLength 1M`: the first of a name counts.
    ///
    /// # Errors
    /// In words, with what to install if ClamAV is missing.
    pub fn start(settings: &str) -> Result<Self, String> {
        let words = |error: std::io::Error| error.to_string();
        let folder = tempfile::Builder::new().prefix("clamd").tempdir().map_err(words)?;
        let temporary = tempfile::Builder::new().prefix("clamd").tempdir_in("/dev/shm").map_err(words)?;
        let database = folder.path().join("signatures");
        std::fs::create_dir(&database).map_err(words)?;
        let name = BINARY_SIGNATURE_NAME.trim_end_matches(".UNOFFICIAL");
        let hex: String = BINARY_SIGNATURE.iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(database.join("local.ndb"), format!("{name}:0:*:{hex}\n")).map_err(words)?;
        let mut judge = Self { folder, temporary, settings: settings.to_owned(), daemon: None };
        judge.go_on()?;
        Ok(judge)
    }

    /// Where it listens, the same after a restart.
    pub fn address(&self) -> ClamdAddress {
        ClamdAddress::Unix(self.socket())
    }

    /// The file of its socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("clamd.socket")
    }

    /// The folder of its signatures.
    pub fn signatures(&self) -> PathBuf {
        self.folder.path().join("signatures")
    }

    /// The daemon's process, for a test that stops it for a while.
    pub fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Child::id)
    }

    /// Kills it, as a machine that falls would.
    pub fn fall(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
        let _ = std::fs::remove_file(self.socket());
    }

    /// Starts it again after [`Self::fall`], at the same place.
    ///
    /// # Errors
    /// In words.
    pub fn go_on(&mut self) -> Result<(), String> {
        let configuration = self.folder.path().join("clamd.conf");
        let text = format!(
            "{}\nDatabaseDirectory {}\nLocalSocket {}\nTemporaryDirectory {}\nForeground yes\nLogVerbose yes\nAlertEncrypted yes\n\
             AlertExceedsMax yes\n",
            self.settings,
            self.signatures().display(),
            self.socket().display(),
            self.temporary.path().display(),
        );
        std::fs::write(&configuration, text).map_err(|error| error.to_string())?;
        // Its lines must come one by one, though into a pipe: stdbuf becomes clamd, under the same process id.
        let mut command = Command::new("stdbuf");
        command
            .arg("--output=L")
            .arg(program()?)
            .arg("--config-file")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut daemon = command.stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?;
        let output = daemon.stdout.take().ok_or("clamd has no output")?;
        self.daemon = Some(daemon);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let listening = lines.any(|line| line.contains("Listening daemon"));
        // Whoever writes into a closed pipe dies of it: read on to the end.
        std::thread::spawn(move || lines.for_each(drop));
        if listening { Ok(()) } else { Err("clamd did not start".into()) }
    }
}

impl Drop for ClamavJudge {
    fn drop(&mut self) {
        self.fall();
    }
}

fn program() -> Result<&'static Path, String> {
    ["/usr/sbin/clamd", "/usr/bin/clamd", "/usr/local/sbin/clamd"]
        .map(Path::new)
        .into_iter()
        .find(|program| program.exists())
        .ok_or_else(|| "ClamAV judges in tests; install it: apt-get install clamav-daemon".into())
}
