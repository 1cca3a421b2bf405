//! The host of keyrings, which providers and holders' terminals call: on loopback, under a certificate of this machine's authority; and the security officer, whom the
//! element is told at its start.

use std::path::{Path, PathBuf};

use super::{Layout, local, ourselves};
use crate::failure::Failure;
use crate::serve::settings::Settings;
use crate::supervise::Role;

/// Whether the settings have a section `[keyrings]`.
pub(super) fn wanted(settings: &Path) -> Result<bool, Failure> {
    Ok(Settings::read(Some(settings))?.keyrings.is_some())
}

/// The security officer's certificate; made with its key the first time.
pub(super) fn officer(layout: &Layout) -> Result<PathBuf, Failure> {
    local::actor(&layout.keyrings(), "officer", "Security officer")?;
    Ok(layout.keyrings().join("officer.pem"))
}

/// How the host is started.
pub(super) fn role(layout: &Layout, settings: &Path) -> Result<Role, Failure> {
    let arguments = vec![
        "serve".into(),
        "keyrings".into(),
        "--config".into(),
        settings.as_os_str().to_owned(),
        "--data".into(),
        layout.platform().into_os_string(),
        "--element".into(),
        layout.socket().into_os_string(),
        "--listen".into(),
        format!("127.0.0.1:{}", layout.ports().keyrings).into(),
        "--tls".into(),
        local::server(layout, &layout.keyrings())?.into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Role { name: "keyrings", program: ourselves()?, arguments, logs: layout.logs() })
}
