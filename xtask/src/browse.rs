//! The browser of `cargo xtask up --browser`: a throwaway profile that trusts the embedded authority and holds the case
//! officer's certificate. Runs beside `sceau up` and ends with it.

use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use serde_json::Value;

use crate::Stop;
use crate::process::{root, target};

/// The command, not for people, that `start` gives to a process of its own.
pub(crate) const COMMAND: &str = "browse";

/// Starts a process that waits for the demonstration in `data` and opens the browser; it ends when we end.
pub(crate) fn start(data: &Path) -> Result<Child, Stop> {
    let me = std::env::current_exe().map_err(|e| Stop::machine(format!("xtask: {e}")))?;
    let mut helper = Command::new("setpriv");
    helper.args(["--pdeathsig", "TERM", "--"]).arg(me).arg(COMMAND).arg(data);
    helper.spawn().map_err(|e| Stop::machine(format!("xtask: the browser cannot start: {e}")))
}

/// Waits until everything answers, then becomes the browser.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Stop> {
    let [data] = arguments else { return Err(Stop::usage("browse is not for people")) };
    let demonstration = Demonstration::await_in(Path::new(data));
    let home = target().join("xtask/browser");
    // Thrown away when the next one starts: nothing of the last visit stays.
    let _ = std::fs::remove_dir_all(&home);
    let mut chromium = Command::new(root().join("tests/browser/chromium.sh"));
    chromium
        .env("SCEAU_HOME", &home)
        .env("SCEAU_AUTHORITY", &demonstration.authority)
        .env("SCEAU_P12", &demonstration.certificate)
        .env("SCEAU_P12_PASSWORD", &demonstration.password)
        .env("SCEAU_CERT_HOST", "cles.localhost")
        .arg(format!("--user-data-dir={}", home.join("profile").display()))
        .args(["--no-first-run", "--no-default-browser-check", "--disable-quic", "--disable-sync"])
        .arg(&demonstration.pages);
    // What it says of its own concerns would bury where to click.
    let log = target().join("xtask/browser.log");
    if let Ok(file) = std::fs::File::create(&log) {
        eprintln!("  Chromium opens; its own messages go to {}", log.display());
        chromium.stderr(file);
    }
    let error = chromium.exec();
    Err(Stop::machine(format!("xtask: the browser cannot start: {error}")))
}

/// What `sceau up --demonstration` keeps for whoever plays the case officer.
struct Demonstration {
    pages: String,
    authority: PathBuf,
    certificate: PathBuf,
    password: String,
}

impl Demonstration {
    /// Looks again and again: our parent ends us when it ends.
    fn await_in(data: &Path) -> Self {
        loop {
            if let Some(found) = Self::find(data) {
                return found;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// It is there once its files are and both servers listen.
    fn find(data: &Path) -> Option<Self> {
        let folder = data.join("demonstration");
        let ports: Value = serde_json::from_slice(&std::fs::read(data.join("ports.json")).ok()?).ok()?;
        let port = |name: &str| ports.get(name)?.as_u64().and_then(|port| u16::try_from(port).ok());
        let (platform, key_manager) = (port("platform")?, port("key_manager")?);
        let password = std::fs::read_to_string(folder.join("officer.password")).ok()?;
        (listens(platform) && listens(key_manager)).then(|| Self {
            pages: format!("http://sceau.localhost:{platform}/"),
            authority: folder.join("authority.pem"),
            certificate: folder.join("officer.p12"),
            password: password.trim_end().to_owned(),
        })
    }
}

/// Whether somebody listens at this port of the loopback.
fn listens(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demonstration_is_there_once_its_files_are_and_both_servers_listen() {
        let data = std::env::current_exe().unwrap().with_extension("demonstration");
        std::fs::create_dir_all(data.join("demonstration")).unwrap();
        let listener = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = |listener: &std::net::TcpListener| listener.local_addr().unwrap().port();
        let (platform, key_manager) = (listener(), listener());
        let ports = format!(r#"{{"platform":{},"key_manager":{}}}"#, port(&platform), port(&key_manager));
        std::fs::write(data.join("ports.json"), ports).unwrap();
        let password = data.join("demonstration/officer.password");
        let _ = std::fs::remove_file(&password);
        assert!(Demonstration::find(&data).is_none(), "no certificate yet");
        std::fs::write(&password, "x\n").unwrap();
        let found = Demonstration::find(&data).unwrap();
        assert_eq!(found.pages, format!("http://sceau.localhost:{}/", port(&platform)));
        assert_eq!(
            (found.password.as_str(), found.certificate),
            ("x", data.join("demonstration/officer.p12"))
        );
        // Port 1 is nobody's; one that was free a moment ago may be anybody's by now.
        let ports = format!(r#"{{"platform":{},"key_manager":1}}"#, port(&platform));
        std::fs::write(data.join("ports.json"), ports).unwrap();
        assert!(Demonstration::find(&data).is_none(), "the key manager is down");
    }
}
