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
    let error = chromium.exec();
    Err(Stop::machine(format!("xtask: the browser cannot start: {error}")))
}

/// What `sceau up` writes about its demonstration, in `demonstration/browser.json`.
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
            let text = std::fs::read_to_string(data.join("demonstration/browser.json")).unwrap_or_default();
            if let Some(found) = Self::parse(&text, data).filter(|found| answers(&found.pages)) {
                return found;
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn parse(text: &str, data: &Path) -> Option<Self> {
        let said: Value = serde_json::from_str(text).ok()?;
        let text = |key: &str| said.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            pages: text("pages")?,
            authority: data.join(text("authority")?),
            certificate: data.join(text("certificate")?),
            password: text("password")?,
        })
    }
}

/// Whether somebody listens at the port of this loopback address.
fn answers(url: &str) -> bool {
    let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    port.is_some_and(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sceau_says_of_its_demonstration_is_read() {
        let said = r#"{"pages":"http://sceau.localhost:8080","authority":"ca.pem","certificate":"/a/b.p12","password":"x"}"#;
        let found = Demonstration::parse(said, Path::new("/data")).unwrap();
        assert_eq!(found.authority, Path::new("/data/ca.pem"));
        assert_eq!(found.certificate, Path::new("/a/b.p12"));
        assert!(Demonstration::parse("{}", Path::new("/data")).is_none());
    }

    #[test]
    fn a_port_answers_while_somebody_listens() {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://sceau.localhost:{}/", listener.local_addr().unwrap().port());
        assert!(answers(&url));
        drop(listener);
        assert!(!answers(&url) && !answers("no port"));
    }
}
