//! The log keys of platforms, remembered from the first deposit: another one later is refused, as in a browser.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sceau_client::{Server, trust};
use sceau_hsm::durable::write_public;
use sceau_trace::VerifierKey;

use crate::failure::{Exit, Failure};
use crate::say;

/// Origin to verifier key.
type Known = BTreeMap<String, String>;

/// The platform's log key: the remembered one, or the one that it names at first sight, which is remembered now.
pub(super) async fn log_key(server: &Server, quiet: bool) -> Result<VerifierKey, Failure> {
    let path = path()?;
    let mut known = read(&path)?;
    let origin = server.origin();
    if let Some(text) = known.get(&origin) {
        let pinned = VerifierKey::parse(text).map_err(|_| damaged(&path))?;
        let offered = trust::log_key(server, Some(&pinned)).await;
        let advice = format!(
            "ask the organisation by another channel; only if the change was announced, remove the platform's line from {}",
            path.display()
        );
        return offered.map_err(|error| match error {
            error @ sceau_client::ClientError::Unproven(_) => Failure::from(error).and(&advice),
            error => error.into(),
        });
    }
    let key = trust::log_key(server, None).await?;
    known.insert(origin.clone(), key.to_string());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|cause| Failure::file("make", folder, &cause))?;
    }
    let text = serde_json::to_vec_pretty(&known).map_err(|_| damaged(&path))?;
    write_public(&path, &text)?;
    if !quiet {
        say::remark(&format!(
            "First contact with {origin}: the key of its log is remembered in {}. Compare it, through another channel:\n  {key}",
            path.display()
        ));
    }
    Ok(key)
}

fn read(path: &Path) -> Result<Known, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| damaged(path)),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(Known::new()),
        Err(cause) => Err(Failure::file("read", path, &cause)),
    }
}

fn damaged(path: &Path) -> Failure {
    let words = format!("{} is not what this program wrote: put it back, or give --log-key", path.display());
    Failure::new(Exit::Input, "known_logs_damaged", words)
}

/// As the XDG base directory specification has it.
fn path() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let words = "there is no home folder to remember the log's key in: give it with --log-key";
    let folder = folder.ok_or_else(|| Failure::new(Exit::Usage, "no_home", words))?;
    Ok(folder.join("sceau").join("known-logs.json"))
}
