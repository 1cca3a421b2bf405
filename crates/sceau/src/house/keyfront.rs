//! The keyfront, which applications call: on loopback, under a certificate of this machine's authority.

use std::path::Path;

use super::{Layout, local, ourselves};
use crate::failure::Failure;
use crate::serve::settings::Settings;
use crate::supervise::Role;

/// For how many organisations the element has keys.
pub(super) const TENANTS: &str = "10";

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
        local::server(layout, &layout.keyfront())?.into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Some(Role { name: "keyfront", program: ourselves()?, arguments, logs: layout.logs() }))
}
