//! Which keystore is meant: of an element, or of a key manager.

use std::path::PathBuf;

/// One of them.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// State folder of the element that it is of; the element is stopped meanwhile
    #[arg(long, value_name = "FOLDER")]
    element: Option<PathBuf>,
    /// Folder of the key manager that it is of; the key manager is stopped meanwhile
    #[arg(long, value_name = "FOLDER")]
    keymanager: Option<PathBuf>,
}

impl Place {
    /// Where its keys are in files.
    pub(super) fn files(&self) -> PathBuf {
        match (&self.element, &self.keymanager) {
            (Some(state), _) => state.join("keys"),
            (None, folder) => folder.clone().unwrap_or_default().join("keystore"),
        }
    }

    /// What belongs to its keys in a token.
    pub(super) fn token(&self) -> PathBuf {
        let folder = self.element.clone().or_else(|| self.keymanager.clone());
        folder.unwrap_or_default().join("token")
    }

    /// How it is told of the token.
    pub(super) fn setting(&self) -> &'static str {
        if self.element.is_some() {
            "start sceau-element with --keystore-token and the same address"
        } else {
            "write token = \"pkcs11:…\" with the same address into the key manager's policy"
        }
    }
}
