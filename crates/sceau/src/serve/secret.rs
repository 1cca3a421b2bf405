//! Passwords of servers: each in a file that only the platform's user may read, or a credential of its systemd unit.

use std::path::PathBuf;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::{Exit, Failure};

/// The longest password, in bytes.
const LONGEST: usize = 4096;

/// Where a password is: `/path`, or `credential:name` for one that systemd hands over (`LoadCredential=`, systemd.exec(5)).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum SecretFile {
    /// A file of this machine.
    Path(PathBuf),
    /// A credential's name.
    Credential(String),
}

impl From<String> for SecretFile {
    fn from(text: String) -> Self {
        match text.strip_prefix("credential:") {
            Some(name) => Self::Credential(name.to_owned()),
            None => Self::Path(text.into()),
        }
    }
}

impl SecretFile {
    /// The path, where it is one: for what can be judged without reading it.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Credential(_) => None,
        }
    }

    /// Its first line.
    ///
    /// # Errors
    /// When it is not there, others may read it, or it is not text.
    pub(crate) fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let path = match self {
            Self::Path(path) => path.clone(),
            Self::Credential(name) => {
                let folder = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|_| !name.contains('/'));
                let words = format!("there is no credential {name}: its unit needs LoadCredential={name}:…");
                PathBuf::from(folder.ok_or_else(|| Failure::new(Exit::Usage, "settings", words))?).join(name)
            }
        };
        sceau_hsm::durable::check_secret(&path)?;
        let content = sceau_hsm::durable::read_secret(&path, LONGEST)?;
        let text = std::str::from_utf8(&content)
            .map_err(|_| Failure::new(Exit::Usage, "settings", format!("{} is not text", path.display())))?;
        Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}
