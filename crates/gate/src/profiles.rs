//! Profiles that a file names.

use std::path::Path;

use sceau_pki::Profile;

use crate::{
    error::Error,
    files::{self, text_of},
};

/// One that the program brings along, or that of a file.
///
/// # Errors
/// [`Error::Setting`], [`Error::File`], [`Error::Profile`].
pub(crate) fn read(folder: &Path, setting: &str, name: &str) -> Result<Profile, Error> {
    if !is_a_file(name) {
        let reason =
            "no profile of this name comes with the program: one of your own is named by its file's path";
        return Profile::shipped(name).ok_or_else(|| Error::setting(setting, reason));
    }
    let text = files::read(folder, Path::new(name), setting)?;
    Profile::read(&text_of(&text)).map_err(|cause| Error::Profile { setting: setting.to_owned(), cause })
}

/// Whether a name is a file's path, and not a profile's that the program brings along: it has a slash, or ends with `.toml`.
pub(crate) fn is_a_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}
