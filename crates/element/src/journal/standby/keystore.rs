//! Keys of a keystore in files, on their way to the standby.

use std::ffi::OsStr;
use std::path::Path;

use sceau_hsm::{KeyLabel, durable};

use super::{StandbyError, failed};

/// Folders of a state beside its journal, one of which has the keystore.
const KEYSTORES: [&str; 2] = ["keys", "token"];
/// The longest file of a keystore.
const LONGEST_KEY: usize = 64 * 1024;

/// Brings what the standby has not, or otherwise.
pub(super) fn bring_all(state: &Path, standby: &Path) -> Result<(), StandbyError> {
    KEYSTORES.iter().try_for_each(|name| bring(&state.join(name), &standby.join(name), &|_| true))
}

/// Brings what is of the key of that label: no other file is read, here or there.
pub(super) fn bring_one(state: &Path, standby: &Path, label: &KeyLabel) -> Result<(), StandbyError> {
    let is_of = |name: &OsStr| Path::new(name).file_stem() == Some(OsStr::new(&label.to_string()));
    KEYSTORES.iter().try_for_each(|name| bring(&state.join(name), &standby.join(name), &is_of))
}

/// Destroys all that a standby has.
pub(super) fn destroy_all(standby: &Path) -> Result<(), StandbyError> {
    KEYSTORES.iter().try_for_each(|name| take_away(None, &standby.join(name)))
}

/// Destroys what was destroyed here.
pub(super) fn take_all_away(state: &Path, standby: &Path) -> Result<(), StandbyError> {
    KEYSTORES.iter().try_for_each(|name| take_away(Some(&state.join(name)), &standby.join(name)))
}

/// Brings each file of a keystore, of those that are asked for, that is not there as it is here.
fn bring(from: &Path, to: &Path, asked: &dyn Fn(&OsStr) -> bool) -> Result<(), StandbyError> {
    if !from.exists() {
        return Ok(());
    }
    durable::secret_folder(to)?;
    for (name, is_folder) in entries(from)? {
        let (from, to) = (from.join(&name), to.join(&name));
        if is_folder {
            bring(&from, &to, asked)?;
            continue;
        }
        if !asked(&name) {
            continue;
        }
        let content = durable::read_secret(&from, LONGEST_KEY)?;
        if !to.exists() || durable::read_secret(&to, LONGEST_KEY)? != content {
            durable::write_secret(&to, &content)?;
        }
    }
    Ok(())
}

/// Destroys each file of a keystore that is here no more; all of them where there is no `from`.
fn take_away(from: Option<&Path>, to: &Path) -> Result<(), StandbyError> {
    if !to.exists() {
        return Ok(());
    }
    for (name, is_folder) in entries(to)? {
        let to = to.join(&name);
        let from = from.map(|from| from.join(&name));
        if is_folder {
            take_away(from.as_deref(), &to)?;
        } else if from.is_none_or(|from| !from.exists()) {
            durable::destroy(&to)?;
        }
    }
    Ok(())
}

/// Names in a folder, but for locks, and whether each is a folder.
fn entries(folder: &Path) -> Result<Vec<(std::ffi::OsString, bool)>, StandbyError> {
    let failed = |source| failed(folder, "reading")(source);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != "lock" {
            found.push((entry.file_name(), entry.file_type().map_err(failed)?.is_dir()));
        }
    }
    Ok(found)
}
