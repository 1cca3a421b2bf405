//! The `[transit]` section of a key manager's policy.
//!
//! ```toml
//! [transit]
//! export = true                                # keys that were made exportable may leave; false by default
//! page_origin = "https://platform.example"     # the one page of another origin that may log in and fetch keys
//! token_minutes = 60
//!
//! [transit.quota]                              # requests of one caller
//! burst = 500
//! per_hour = 20000
//!
//! [[transit.role]]                             # with any, a certificate must fit one
//! name = "hr"
//! common_names = ["connector-1"]
//! organizational_units = ["RH"]
//! policies = ["use/CLIENT", "export/CLIENT", "kv-read"]
//! token_minutes = 10
//! ```

use sceau_keymanager::{LoginRole, Policy, Quota, TransitSettings};
use serde::Deserialize;
use url::Url;

use super::policy::QuotaTable;

/// A token is valid a day at most, in minutes.
const MAX_MINUTES: u64 = 24 * 60;

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TransitTable {
    export: Option<bool>,
    page_origin: Option<String>,
    token_minutes: Option<u64>,
    quota: Option<QuotaTable>,
    #[serde(default)]
    role: Vec<RoleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleTable {
    name: String,
    #[serde(default)]
    common_names: Vec<String>,
    #[serde(default)]
    organizational_units: Vec<String>,
    policies: Vec<String>,
    token_minutes: Option<u64>,
}

/// What the section says, or why it cannot be.
pub(super) fn settings(table: TransitTable) -> Result<TransitSettings, String> {
    let defaults = TransitSettings::default();
    let quota = table.quota.map(|QuotaTable { burst, per_hour }| Quota { burst, per_hour });
    let roles = table.role.into_iter().map(role).collect::<Result<_, _>>()?;
    Ok(TransitSettings {
        export: table.export.unwrap_or(defaults.export),
        page_origin: table.page_origin.map(origin).transpose()?,
        token_ms: milliseconds(table.token_minutes)?.unwrap_or(defaults.token_ms),
        quota: quota.unwrap_or(defaults.quota),
        roles,
    })
}

/// An origin to the byte, as browsers send it: nothing else would ever match.
fn origin(text: String) -> Result<String, String> {
    let canonical = Url::parse(&text).map(|url| url.origin().ascii_serialization());
    let secure = text.starts_with("https://");
    if secure && canonical.is_ok_and(|canonical| canonical == text) {
        return Ok(text);
    }
    Err("transit.page_origin is https://host[:port] and nothing more".to_owned())
}

fn milliseconds(minutes: Option<u64>) -> Result<Option<u64>, String> {
    match minutes {
        None => Ok(None),
        Some(minutes @ 1..=MAX_MINUTES) => Ok(Some(minutes * 60_000)),
        Some(_) => Err(format!("token_minutes is 1 to {MAX_MINUTES}")),
    }
}

fn role(table: RoleTable) -> Result<(String, LoginRole), String> {
    let parse = |text: &String| {
        let why = "manage, read, use, export (each also as use/NAME), kv-read or kv-write";
        Policy::parse(text)
            .ok_or_else(|| format!("a policy of the role {:?} is {why}, not {text:?}", table.name))
    };
    if table.common_names.is_empty() && table.organizational_units.is_empty() {
        return Err(format!("the role {:?} names no common name and no organizational unit", table.name));
    }
    let policies = table.policies.iter().map(parse).collect::<Result<_, _>>()?;
    let token_ms = milliseconds(table.token_minutes)?;
    let (common_names, organizational_units) = (table.common_names, table.organizational_units);
    Ok((table.name, LoginRole { common_names, organizational_units, policies, token_ms }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    fn parse(text: &str) -> Result<TransitSettings, String> {
        settings(toml::from_str(text).map_err(|error| error.to_string())?)
    }

    #[test]
    fn an_empty_section_lets_no_key_leave_and_no_page_in() {
        let transit = parse("").unwrap();
        assert!(!transit.export && transit.page_origin.is_none() && transit.roles.is_empty());
    }

    #[test]
    fn each_choice_is_taken() {
        let text = "export = true\npage_origin = \"https://mcm.example\"\ntoken_minutes = 5\n\
                    [quota]\nburst = 3\nper_hour = 5\n\
                    [[role]]\nname = \"hr\"\ncommon_names = [\"c\"]\npolicies = [\"use/CLIENT\"]\ntoken_minutes = 1\n";
        let transit = parse(text).unwrap();
        assert!(transit.export);
        assert_eq!(transit.page_origin.as_deref(), Some("https://mcm.example"));
        assert_eq!((transit.token_ms, transit.quota), (300_000, Quota { burst: 3, per_hour: 5 }));
        let (name, role) = &transit.roles[0];
        assert_eq!((name.as_str(), role.token_ms), ("hr", Some(60_000)));
        assert_eq!(role.policies, [Policy::parse("use/CLIENT").unwrap()]);
    }

    #[test]
    fn what_is_misspelt_or_too_wide_is_refused() {
        for text in [
            "exports = true",
            "page_origin = \"*\"",
            "page_origin = \"http://mcm.example\"",
            "page_origin = \"https://mcm.example/\"",
            "token_minutes = 0",
            "token_minutes = 100000",
            "[[role]]\nname = \"hr\"\npolicies = [\"use\"]",
            "[[role]]\nname = \"hr\"\ncommon_names = [\"c\"]\npolicies = [\"root\"]",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
