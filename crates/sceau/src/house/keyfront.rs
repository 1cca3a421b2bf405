//! The keyfront, which applications call: on loopback, under a certificate of an authority that vouches for this machine alone.

use std::fs;
use std::path::{Path, PathBuf};

use sceau_hsm::durable::{self, write_public, write_secret};
use sceau_pki::{Authority, AuthorityProfile, PrivateKey, ServerProfile};
use sceau_store::{Clock as _, SystemClock};

use super::{Layout, ourselves};
use crate::failure::Failure;
use crate::serve::settings::Settings;
use crate::supervise::Role;

/// By what names it is called.
const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];
/// For how many organisations the element has keys.
pub(super) const TENANTS: &str = "10";
/// The longest key that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// The settings of the platform and the keyfront: those that were given, or ones that switch the protection of data on.
pub(super) fn settings(layout: &Layout, config: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(config) = config {
        // Roles are started in the folder that this program was started in.
        return std::path::absolute(config).map_err(|cause| Failure::file("find", config, &cause));
    }
    let file = layout.settings();
    write_secret(
        &file,
        b"# Written by `sceau up` at each start: give another one with --config.\n[protect]\n",
    )?;
    Ok(file)
}

/// How the keyfront is started; none where the settings have no section `[protect]`.
pub(super) fn role(layout: &Layout, settings: &Path) -> Result<Option<Role>, Failure> {
    if Settings::read(Some(settings))?.protect.is_none() {
        return Ok(None);
    }
    let arguments = vec![
        "serve".into(),
        "keyfront".into(),
        "--config".into(),
        settings.as_os_str().to_owned(),
        "--data".into(),
        layout.platform().into_os_string(),
        "--element".into(),
        layout.socket().into_os_string(),
        "--listen".into(),
        format!("127.0.0.1:{}", layout.ports().keyfront).into(),
        "--tls".into(),
        certificate(layout)?.into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Some(Role { name: "keyfront", program: ourselves()?, arguments, logs: layout.logs() }))
}

/// The file with chain and key, new at each start.
fn certificate(layout: &Layout) -> Result<PathBuf, Failure> {
    let failed = |error: sceau_pki::Error| Failure::role("keyfront", &error);
    let issued = authority(layout)?
        .issue_server(&ServerProfile::for_hosts(HOSTS), SystemClock.now_ms())
        .map_err(failed)?;
    let path = layout.keyfront().join("tls.pem");
    let both = zeroize::Zeroizing::new(format!("{}{}", issued.chain_pem(), *issued.key().to_pem()));
    write_secret(&path, both.as_bytes())?;
    Ok(path)
}

/// The authority that applications trust; made the first time.
fn authority(layout: &Layout) -> Result<Authority, Failure> {
    let failed = |error: sceau_pki::Error| Failure::role("keyfront", &error);
    let (shown, key) = (layout.keyfront_authority(), layout.keyfront().join("authority.key"));
    if let (Ok(shown), true) = (fs::read_to_string(&shown), key.exists()) {
        durable::check_secret(&key)?;
        let text = durable::read_secret(&key, LONGEST)?;
        let key = PrivateKey::from_pem(&String::from_utf8_lossy(&text)).map_err(failed)?;
        return Authority::load(&shown, key).map_err(failed);
    }
    let permitted_hosts = HOSTS.map(str::to_owned).to_vec();
    let profile = AuthorityProfile { permitted_hosts, ..AuthorityProfile::of("sceau up") };
    let authority = Authority::create(&profile, SystemClock.now_ms()).map_err(failed)?;
    write_secret(&key, authority.key().to_pem().as_bytes())?;
    write_public(&shown, authority.certificate().to_pem().as_bytes())?;
    Ok(authority)
}
