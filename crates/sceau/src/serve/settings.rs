//! The servers that the platform works with, in one TOML file (`--config`). Each section may be left away: what is embedded takes its place.
//!
//! ```toml
//! [database]                  # where records are kept; else a file in the data folder
//! kind = "postgresql"
//! url = "postgresql://sceau@db.example.org/sceau"
//! password_file = "credential:database"
//!
//! [objects]                   # where sealed files are kept
//! kind = "folder"
//! path = "/srv/sceau/objects" # else `objects` in the data folder
//!
//! [mail]                      # who carries the letters
//! kind = "folder"
//! path = "/srv/sceau/mail"    # else `mail` in the data folder
//! from = "Sceau <sceau@example.org>"
//! ```
//!
//! The file holds no secret: each password is in a file of its own (`…_file`), that only the platform's user may read, or is a credential
//! of its systemd unit (`…_file = "credential:smtp"`). A section of another part: a field of [`Settings`], a type that says its shape,
//! and a line in [`Settings::check`] for what can be judged without asking a server.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use std::sync::Arc;

use sceau_store::{Clock, MailFolder, Objects, StoreError};
use serde::Deserialize;

use super::database::DatabaseSettings;
use crate::failure::{Exit, Failure};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 256 * 1024;
/// Whom letters are from, where nothing else is said.
const FROM: &str = "Sceau <ne-pas-repondre@sceau.localhost>";

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where records are kept.
    pub(crate) database: DatabaseSettings,
    /// Where sealed files are kept.
    pub(crate) objects: ObjectsSettings,
    /// Who carries the letters.
    pub(crate) mail: MailSettings,
}

/// Where sealed files are kept.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ObjectsSettings {
    /// A folder of this machine.
    Folder {
        /// Else `objects` in the data folder.
        path: Option<PathBuf>,
    },
}

impl Default for ObjectsSettings {
    fn default() -> Self {
        Self::Folder { path: None }
    }
}

/// Who carries the letters.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum MailSettings {
    /// Nobody: they stay in a folder of this machine, for another program.
    Folder {
        /// Else `mail` in the data folder.
        path: Option<PathBuf>,
        /// Whom they are from.
        #[serde(default = "from")]
        from: String,
    },
}

impl Default for MailSettings {
    fn default() -> Self {
        Self::Folder { path: None, from: from() }
    }
}

fn from() -> String {
    FROM.to_owned()
}

impl ObjectsSettings {
    /// Opens the store; `data` is the platform's folder.
    pub(crate) fn open(&self, data: &Path) -> Result<Objects, StoreError> {
        match self {
            Self::Folder { path: Some(path) } => Objects::folder(path),
            Self::Folder { path: None } => Objects::folder(&data.join("objects")),
        }
    }
}

impl MailSettings {
    /// Opens what carries letters; `data` is the platform's folder.
    pub(crate) fn open(&self, data: &Path, clock: &Arc<dyn Clock>) -> Result<MailFolder, StoreError> {
        let Self::Folder { path, from } = self;
        let folder = path.clone().unwrap_or_else(|| data.join("mail"));
        MailFolder::open(&folder, from, Arc::clone(clock))
    }
}

impl Settings {
    /// Reads a file, and judges what can be judged without asking a server; without a file, what is embedded.
    ///
    /// # Errors
    /// `settings`, with the file, the line and what is expected there; `settings_open_to_others` where somebody else could have written it.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = text(path)?;
        let settings: Self =
            toml::from_str(&text).map_err(|error| unusable(path, error.to_string().trim_end()))?;
        settings.check().map_err(|why| unusable(path, &why))?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        self.database.check()?;
        for (name, path) in self.database.paths() {
            absolute(name, path)?;
        }
        let ObjectsSettings::Folder { path: objects } = &self.objects;
        let MailSettings::Folder { path: mail, from: _ } = &self.mail;
        absolute("objects.path", objects.as_deref())?;
        absolute("mail.path", mail.as_deref())
    }
}

/// Which directory a role is started in must not decide which file it reads.
fn absolute(name: &str, path: Option<&Path>) -> Result<(), String> {
    match path.filter(|path| !path.is_absolute()) {
        None => Ok(()),
        Some(path) => Err(format!("{name} begins with `/`, {} does not", path.display())),
    }
}

fn unusable(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Usage, "settings", format!("the settings {} cannot be used: {why}", path.display()))
}

/// The text of a settings file that nobody but its owner and root could have written.
fn text(path: &Path) -> Result<String, Failure> {
    let failed = |cause: std::io::Error| Failure::file("read", path, &cause);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let ours = [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid());
    if !ours || metadata.permissions().mode() & 0o022 != 0 {
        let words = format!(
            "the settings {} could have been written by somebody else: give them to root or to the user of this role, \
             and take writing away from all others (chmod go-w)",
            path.display()
        );
        return Err(Failure::new(Exit::Usage, "settings_open_to_others", words));
    }
    if metadata.len() > LONGEST {
        return Err(unusable(path, &format!("it is longer than {} KiB", LONGEST >> 10)));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn written(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("platform.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn refused(text: &str) -> String {
        let (_folder, path) = written(text, 0o640);
        Settings::read(Some(&path)).unwrap_err().to_string()
    }

    #[test]
    fn what_is_left_away_is_embedded() {
        let (_folder, path) = written("", 0o640);
        let settings = Settings::read(Some(&path)).unwrap();
        assert!(matches!(settings.objects, ObjectsSettings::Folder { path: None }));
        assert!(matches!(settings.mail, MailSettings::Folder { path: None, from } if from == FROM));
    }

    #[test]
    fn what_is_misspelt_is_named_with_its_line() {
        let said = refused("[mail]\nkind = \"folder\"\n\n[object]\nkind = \"folder\"\n");
        assert!(
            said.contains("platform.toml") && said.contains("line 4") && said.contains("`objects`"),
            "{said}"
        );
        let said = refused("[objects]\nkind = \"folder\"\npaht = \"/srv\"\n");
        assert!(said.contains("line ") && said.contains("paht") && said.contains("`path`"), "{said}");
        let said = refused("[objects]\nkind = \"tape\"\n");
        assert!(said.contains("tape") && said.contains("`folder`"), "{said}");
        assert!(refused("[objects]\nkind = \"folder\"\npath = \"objects\"\n").contains("objects.path"));
        let postgresql = |more: &str| refused(&format!("[database]\nkind = \"postgresql\"\n{more}"));
        let said = postgresql("url = \"postgresql://sceau:hunter2@db/sceau\"\n");
        assert!(said.contains("password_file") && !said.contains("hunter2"), "{said}");
        assert!(
            postgresql("url = \"postgresql://s@db/s\"\npassword_file = \"pw\"").contains("password_file")
        );
        assert!(postgresql("url = \"postgresql://s@db/s\"\nconnections = 0").contains("1 to 1000"));
    }

    #[test]
    fn settings_that_others_could_have_written_are_refused() {
        for mode in [0o660, 0o602, 0o646] {
            let (_folder, path) = written("", mode);
            assert_eq!(Settings::read(Some(&path)).unwrap_err().code, "settings_open_to_others", "{mode:o}");
        }
    }
}
