//! Profiles that a file names.

use std::path::Path;

use sceau_pki::Profile;

use crate::{
    error::Error,
    files::{self, text_of},
};

/// One that the program brings along, or that of a file: what has a slash or ends with `.toml`.
///
/// # Errors
/// [`Error::Setting`], [`Error::File`], [`Error::Profile`].
pub(crate) fn read(folder: &Path, setting: &str, name: &str) -> Result<Profile, Error> {
    if !name.contains('/') && !name.ends_with(".toml") {
        let reason =
            "no profile of this name comes with the program: one of your own is named by its file's path";
        return Profile::shipped(name).ok_or_else(|| Error::setting(setting, reason));
    }
    let text = files::read(folder, Path::new(name), setting)?;
    Profile::read(&text_of(&text)).map_err(|cause| Error::Profile { setting: setting.to_owned(), cause })
}
