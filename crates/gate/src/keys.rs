//! Where the private keys lie that a file names, and that the gate makes: never under version control.
//!
//! Where a key is to be made, that is refused. A key that is there already is refused by `check`; a gate that runs says so in its log and goes on, since
//! somebody's `git init` must not end a service.

use std::path::{Path, PathBuf};

use sceau_hsm::{durable, pkcs11::Pkcs11Uri};

use crate::{
    error::Error,
    settings::{Settings, TlsTable},
};

/// The file of a key, and which setting names it.
#[derive(Debug)]
pub(crate) struct KeyFile {
    setting: String,
    path: PathBuf,
}

/// Each that a file names; none of those in tokens.
pub(crate) fn named(folder: &Path, settings: &Settings) -> Vec<KeyFile> {
    let here = all(settings).into_iter().filter(|(_, path)| !is_address(path));
    here.map(|(setting, path)| KeyFile { setting, path: folder.join(path) }).collect()
}

/// Whether any that a file names is in a token.
pub(crate) fn is_in_token(settings: &Settings) -> bool {
    all(settings).into_iter().any(|(_, path)| is_address(path))
}

fn is_address(path: &Path) -> bool {
    path.to_str().is_some_and(Pkcs11Uri::is_meant)
}

/// Each, with the setting that names it.
fn all(settings: &Settings) -> Vec<(String, &PathBuf)> {
    let mut all: Vec<(String, Option<&PathBuf>)> = Vec::new();
    for (nth, listener) in settings.listener.iter().enumerate() {
        let place = format!("listener {}", nth + 1);
        all.push((format!("{place}, key"), listener.key.as_ref()));
        for (nth, route) in listener.route.iter().enumerate() {
            let place = format!("{place}, route {}", nth + 1);
            all.push((format!("{place}, tls.key"), key_of(route.tls.as_ref())));
            let assertion = route.assertion.as_ref().map(|table| &table.key);
            all.push((format!("{place}, assertion.key"), assertion));
        }
    }
    for (nth, outgoing) in settings.outgoing.iter().enumerate() {
        all.push((format!("outgoing {}, tls.key", nth + 1), key_of(outgoing.tls.as_ref())));
    }
    for (name, table) in &settings.acme {
        let key = table.external_account.as_ref().map(|table| &table.key);
        all.push((format!("acme.{name}, external_account.key"), key));
    }
    all.into_iter().filter_map(|(setting, path)| Some((setting, path?))).collect()
}

fn key_of(tls: Option<&TlsTable>) -> Option<&PathBuf> {
    tls.and_then(|tls| tls.key.as_ref())
}

impl KeyFile {
    /// # Errors
    /// As [`refuse_git`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        refuse_git(&self.setting, &self.path)
    }

    /// Says in the log what [`Self::check`] refuses.
    pub(crate) fn tell(&self) {
        if let Err(error) = self.check() {
            tracing::warn!(code = "key_in_git_tree", %error, "a private key is where others get it");
        }
    }
}

/// # Errors
/// [`Error::InTree`]; [`Error::File`] where the path cannot be followed.
pub(crate) fn refuse_git(setting: &str, path: &Path) -> Result<(), Error> {
    let (setting, written) = (setting.to_owned(), path.display().to_string());
    match durable::git_tree(path) {
        Ok(None) => Ok(()),
        Ok(Some(tree)) => Err(Error::InTree { setting, path: written, tree: tree.display().to_string() }),
        Err(cause) => Err(Error::File { setting, path: written, cause }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const EACH: &str = r#"
[[listener]]
address = "127.0.0.1:1"
certificate = "a.pem"
key = "a.key"
[[listener.route]]
upstream = "https://a.example"
clients = "a"
tls = { certificate = "b.pem", key = "b.key" }
assertion = { key = "c.key", audience = "urn:a" }
[[outgoing]]
address = "127.0.0.1:2"
to = "https://b.example"
tls = { certificate = "d.pem", key = "d.key" }
[acme.house]
external_account = { id = "1", key = "e.key" }
"#;

    fn found(text: &str) -> Vec<String> {
        let all = named("/etc".as_ref(), &toml::from_str(text).unwrap());
        all.iter().map(|one| format!("{}: {}", one.setting, one.path.display())).collect()
    }

    #[test]
    fn each_file_of_a_key_is_found_and_no_key_in_a_token() {
        let all = [
            "listener 1, key: /etc/a.key",
            "listener 1, route 1, tls.key: /etc/b.key",
            "listener 1, route 1, assertion.key: /etc/c.key",
            "outgoing 1, tls.key: /etc/d.key",
            "acme.house, external_account.key: /etc/e.key",
        ];
        assert_eq!(found(EACH), all);
        for (at, file) in ["a.key", "b.key", "c.key", "d.key"].iter().enumerate() {
            let elsewhere = EACH.replace(file, "pkcs11:token=gate;object=one");
            let mut rest = all.to_vec();
            rest.remove(at);
            assert_eq!(found(&elsewhere), rest, "{file}");
        }
    }
}
