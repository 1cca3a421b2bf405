//! The `[vault]` section of a key manager's policy: the Vault or OpenBao that keeps its keys.
//!
//! ```toml
//! [vault]
//! address = "https://vault.internal:8200"
//! authorities = "/etc/sceau/vault-ca.pem"          # who vouches for its certificate: nobody else is trusted
//! mount = "transit"
//! prefix = "sceau-"                                # what the names of the keys begin with
//! certificate = "/etc/sceau/vault-client.pem"      # chain and key; or role_id and secret_id_file
//! role = "sceau"
//! timeout_seconds = 10
//!
//! [vault.maker]                                    # where who makes and destroys keys is not who uses them
//! role_id = "…"
//! secret_id_file = "/etc/sceau/vault-maker.secret"
//! ```

use std::path::PathBuf;

use sceau_hsm::{VaultLogin, VaultSettings};
use serde::Deserialize;

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VaultTable {
    address: String,
    authorities: PathBuf,
    mount: Option<String>,
    prefix: Option<String>,
    certificate: Option<PathBuf>,
    role: Option<String>,
    role_id: Option<String>,
    secret_id_file: Option<PathBuf>,
    timeout_seconds: Option<u64>,
    maker: Option<LoginTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginTable {
    certificate: Option<PathBuf>,
    role: Option<String>,
    role_id: Option<String>,
    secret_id_file: Option<PathBuf>,
}

/// What the section says, or why it cannot be.
pub(super) fn settings(table: VaultTable) -> Result<VaultSettings, String> {
    let VaultTable { certificate, role, role_id, secret_id_file, .. } = table;
    let timeout = table.timeout_seconds.unwrap_or(10);
    if !(1..=60).contains(&timeout) {
        return Err("vault.timeout_seconds is 1 to 60".to_owned());
    }
    if !table.address.starts_with("https://") {
        return Err("vault.address is https://host[:port]".to_owned());
    }
    Ok(VaultSettings {
        address: table.address,
        authorities: table.authorities,
        mount: table.mount.unwrap_or_else(|| "transit".to_owned()),
        prefix: table.prefix.unwrap_or_else(|| "sceau-".to_owned()),
        login: login(LoginTable { certificate, role, role_id, secret_id_file }, "vault")?,
        maker: table.maker.map(|maker| login(maker, "vault.maker")).transpose()?,
        timeout_ms: timeout * 1000,
    })
}

fn login(table: LoginTable, name: &str) -> Result<VaultLogin, String> {
    match (table.certificate, table.role_id, table.secret_id_file) {
        (Some(identity), None, None) => Ok(VaultLogin::Certificate { identity, role: table.role }),
        (None, Some(role_id), Some(secret_id)) if table.role.is_none() => {
            Ok(VaultLogin::AppRole { role_id, secret_id })
        }
        _ => Err(format!("{name} has a certificate (and a role), or a role_id and a secret_id_file")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const LEAST: &str = "address = \"https://vault:8200\"\nauthorities = \"/ca.pem\"\n";

    fn parse(text: &str) -> Result<VaultSettings, String> {
        settings(toml::from_str(text).map_err(|error| error.to_string())?)
    }

    #[test]
    fn each_login_is_taken_and_what_is_left_out_has_a_default() {
        let vault = parse(&format!("{LEAST}certificate = \"/c.pem\"")).unwrap();
        assert_eq!(
            (vault.mount.as_str(), vault.prefix.as_str(), vault.timeout_ms),
            ("transit", "sceau-", 10_000)
        );
        assert!(matches!(vault.login, VaultLogin::Certificate { role: None, .. }) && vault.maker.is_none());
        let text =
            format!("{LEAST}role_id = \"r\"\nsecret_id_file = \"/s\"\n[maker]\ncertificate = \"/m.pem\"");
        let vault = parse(&text).unwrap();
        assert!(matches!(vault.login, VaultLogin::AppRole { .. }));
        assert!(matches!(vault.maker, Some(VaultLogin::Certificate { .. })));
    }

    #[test]
    fn no_login_two_logins_and_clear_text_are_refused() {
        for more in [
            "",
            "role_id = \"r\"",
            "certificate = \"/c.pem\"\nrole_id = \"r\"\nsecret_id_file = \"/s\"",
            "certificate = \"/c.pem\"\ntoken = \"root\"",
            "certificate = \"/c.pem\"\ntimeout_seconds = 0",
        ] {
            assert!(parse(&format!("{LEAST}{more}")).is_err(), "{more}");
        }
        let clear = format!("{LEAST}certificate = \"/c.pem\"").replace("https", "http");
        assert!(parse(&clear).is_err());
    }
}
