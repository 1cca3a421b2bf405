//! The `[mob]` section of a key manager's policy: the Mon Compte Mobilité that keys are published to.
//!
//! ```toml
//! [mob]
//! api = "https://api.mcm.example"
//! identity_provider = "https://idp.mcm.example"    # realm mcm; or the whole address of its token endpoint
//! client_id = "CLIENT"
//! client_secret_file = "/etc/sceau/mob.secret"     # readable by the key manager's user only
//! funders = ["6b0e0f0c-1d0b-4a55-9a6e-1f0c6a0f8e11"]
//! anchors = "/etc/sceau/mob-ca.pem"                # who vouches for both servers; else the system's authorities
//! key = "CLIENT"                                   # name of the Transit key; else the client id
//! rotation_days = 168
//! expiry_months = 6
//! retention_days = 1095                            # how long after its end documents may need a key
//! ```

use std::path::PathBuf;

use sceau_keymanager::MobSettings;
use serde::Deserialize;
use url::Url;

/// Where MOB's identity provider gives tokens.
const TOKENS: &str = "/auth/realms/mcm/protocol/openid-connect/token";
const DAY_MS: u64 = 24 * 3600 * 1000;

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MobKeysTable {
    api: String,
    identity_provider: String,
    client_id: String,
    client_secret_file: PathBuf,
    funders: Vec<String>,
    anchors: Option<PathBuf>,
    key: Option<String>,
    rotation_days: Option<u64>,
    expiry_months: Option<u8>,
    retention_days: Option<u64>,
}

/// What the section says, or why it cannot be.
pub(super) fn settings(table: MobKeysTable) -> Result<MobSettings, String> {
    let defaults = MobSettings::default();
    let rotation_ms = days(table.rotation_days, "rotation_days", 3660)?.unwrap_or(defaults.rotation_ms);
    let expiry_months = table.expiry_months.unwrap_or(defaults.expiry_months);
    if !(1..=120).contains(&expiry_months) {
        return Err("mob.expiry_months is 1 to 120".to_owned());
    }
    // The shortest months: a key never ends before the next one is made.
    if rotation_ms >= u64::from(expiry_months) * 28 * DAY_MS + DAY_MS {
        return Err("mob.rotation_days must end before expiry_months do".to_owned());
    }
    let plain = |text: &str, more: &[u8]| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte) || more.contains(&byte);
        (1..=64).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('.')
    };
    let key = table.key.unwrap_or_else(|| table.client_id.clone());
    if !plain(&key, b".") {
        return Err("mob.key is 1 to 64 letters, digits, dot, dash and underscore".to_owned());
    }
    if table.funders.is_empty() || !table.funders.iter().all(|id| plain(id, b"")) {
        return Err("mob.funders are ids of funders, one at least".to_owned());
    }
    Ok(MobSettings {
        api: server(&table.api, "api", "")?.origin().ascii_serialization(),
        token_url: server(&table.identity_provider, "identity_provider", TOKENS)?.into(),
        client_id: table.client_id,
        client_secret_file: table.client_secret_file,
        anchors: table.anchors,
        funders: table.funders,
        key,
        rotation_ms,
        expiry_months,
        retention_ms: days(table.retention_days, "retention_days", 36_525)?.unwrap_or(defaults.retention_ms),
    })
}

/// HTTPS, or this machine; `path` stands where the text has none.
fn server(text: &str, name: &str, path: &str) -> Result<Url, String> {
    let why = || format!("mob.{name} is https://host[:port]");
    let mut url = Url::parse(text).map_err(|_| why())?;
    let near = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let secure = url.scheme() == "https" || (url.scheme() == "http" && near);
    let bare = url.path() == "/" || (!path.is_empty() && !url.path().ends_with('/'));
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !(secure && bare && plain && url.password().is_none()) {
        return Err(why());
    }
    if url.path() == "/" {
        url.set_path(path);
    }
    Ok(url)
}

fn days(days: Option<u64>, name: &str, most: u64) -> Result<Option<u64>, String> {
    match days {
        None => Ok(None),
        Some(days) if (1..=most).contains(&days) => Ok(Some(days * DAY_MS)),
        Some(_) => Err(format!("mob.{name} is 1 to {most}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const LEAST: &str = "api = \"https://api.mcm.example\"\nidentity_provider = \"https://idp.mcm.example\"\n\
        client_id = \"CLIENT\"\nclient_secret_file = \"/s\"\nfunders = [\"f-1\"]\n";

    fn parse(text: &str) -> Result<MobSettings, String> {
        settings(toml::from_str(text).map_err(|error| error.to_string())?)
    }

    #[test]
    fn what_is_left_out_is_as_at_mob() {
        let mob = parse(LEAST).unwrap();
        assert_eq!(mob.token_url, format!("https://idp.mcm.example{TOKENS}"));
        assert_eq!((mob.key.as_str(), mob.api.as_str()), ("CLIENT", "https://api.mcm.example"));
        assert_eq!((mob.rotation_ms, mob.expiry_months), (168 * DAY_MS, 6));
    }

    #[test]
    fn what_is_misspelt_in_clear_or_impossible_is_refused() {
        for more in [
            "rotation_days = 180",
            "rotation_days = 0",
            "expiry_months = 0",
            "key = \"../x\"",
            "retention = 3",
        ] {
            assert!(parse(&format!("{LEAST}{more}")).is_err(), "{more}");
        }
        for (from, to) in [
            ("https://api", "http://api"),
            ("https://idp.mcm.example", "https://idp.mcm.example/?x"),
            ("\"f-1\"", ""),
            ("\"f-1\"", "\"../f\""),
        ] {
            assert!(parse(&LEAST.replace(from, to)).is_err(), "{to}");
        }
    }
}
