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
    let here = |path: &&PathBuf| !path.to_str().is_some_and(Pkcs11Uri::is_meant);
    let all = all.into_iter().filter_map(|(setting, path)| Some((setting, path.filter(here)?)));
    all.map(|(setting, path)| KeyFile { setting, path: folder.join(path) }).collect()
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
