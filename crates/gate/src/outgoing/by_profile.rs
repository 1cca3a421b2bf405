//! What a table says nothing of, as its profile says it: where the partner is, and which certificate is shown to it.

use std::path::{Path, PathBuf};

use sceau_pki::Profile;

use crate::{error::Error, profiles, settings::OutgoingTable};

/// Fills in what the table leaves out. One without a profile stays as it is.
///
/// # Errors
/// [`Error`] of the setting at fault.
pub(crate) fn fill(folder: &Path, nth: usize, table: &mut OutgoingTable) -> Result<(), Error> {
    let at = |setting: &str| format!("outgoing {}, {setting}", nth + 1);
    let Some(name) = &table.profile else {
        return match [("environment", &table.environment), ("editor", &table.editor)]
            .into_iter()
            .find(|(_, value)| value.is_some())
        {
            Some((setting, _)) => {
                Err(Error::setting(at(setting), "this is a profile's: name one as `profile`"))
            }
            None => Ok(()),
        };
    };
    let profile = profiles::read(folder, &at("profile"), name)?;
    let environment = table.environment.as_deref().and_then(|id| profile.environment(id));
    let environment = environment
        .ok_or_else(|| Error::setting(at("environment"), "name one of the profile's, to whom calls go"))?;
    if table.to.is_none() {
        table.to = Some(environment.url.clone());
    }
    let tls = table.tls.get_or_insert_default();
    if tls.certificate.is_none() && tls.key.is_none() {
        let bundle = bundle(&profile, environment.client.as_deref(), table.editor.as_deref(), &at("editor"))?;
        (tls.certificate, tls.key) = (Some(bundle.clone()), Some(bundle));
    }
    Ok(())
}

/// The file that holds key, certificate and issuer of a publisher's software.
fn bundle(
    profile: &Profile,
    client: Option<&str>,
    editor: Option<&str>,
    setting: &str,
) -> Result<PathBuf, Error> {
    let naming = client.and_then(|id| profile.client(id));
    let naming = naming.ok_or_else(|| {
        Error::setting(setting, "the profile names no certificate for it: name one in `tls`")
    })?;
    let reason = "name your software as its certificate does, or a certificate and key in `tls`";
    let editor = editor.ok_or_else(|| Error::setting(setting, reason))?;
    let named = naming.of(editor).map_err(|cause| Error::Profile { setting: setting.to_owned(), cause })?;
    Ok(PathBuf::from(named.bundle_file))
}
