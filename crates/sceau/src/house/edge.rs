//! The gate before the platform, as on an organisation's machines: whoever comes to the platform comes through it.
//!
//! It answers browsers of this machine without TLS, since they take `http://*.localhost` for a secure context and no certificate of ours for a
//! good one: with that, they would refuse passkeys.

use sceau_hsm::durable::write_secret;

use super::{Layout, ourselves};
use crate::failure::Failure;
use crate::supervise::Role;

/// Writes the gate's file, and says how the gate is started.
pub(super) fn gate(layout: &Layout) -> Result<Role, Failure> {
    let file = layout.gate().join("gate.toml");
    write_secret(&file, settings(layout).as_bytes())?;
    let arguments = vec![
        "gate".into(),
        "run".into(),
        "--config".into(),
        file.into_os_string(),
        "--die-with-parent".into(),
    ];
    Ok(Role { name: "gate", program: ourselves()?, arguments, logs: layout.logs() })
}

fn settings(layout: &Layout) -> String {
    let upstream = toml::Value::from(format!("unix:{}", layout.platform_socket().display()));
    format!(
        "# Written by `sceau up` at each start: change another one.\n\
         [[listener]]\n\
         address = \"127.0.0.1:{port}\"\n\
         plain = true\n\n\
         [[listener.route]]\n\
         upstream = {upstream}\n",
        port = layout.ports().platform,
    )
}
