//! What the organisation decides: whether there is a Transit at all, whether keys leave, who may log in as what.

use sceau_pki::CertificateRole;

use crate::settings::Quota;

/// The `[transit]` section of the policy.
#[derive(Debug, Clone)]
pub struct TransitSettings {
    /// Whether keys that were made exportable leave. What it gives up: whoever had one can open, for ever and without a trace here, everything
    /// that was and will be encrypted to it.
    pub export: bool,
    /// The one web origin whose pages may log in and fetch keys from another origin; none: no page may.
    pub page_origin: Option<String>,
    /// How long a token is valid, in milliseconds.
    pub token_ms: u64,
    /// How many requests one caller may make.
    pub quota: Quota,
    /// Roles by name. With any, a certificate must fit one of them; with none, each kind of certificate has its own powers.
    pub roles: Vec<(String, LoginRole)>,
}

/// Which certificates a role is for, and what their tokens may.
#[derive(Debug, Clone)]
pub struct LoginRole {
    /// Common names; empty: any.
    pub common_names: Vec<String>,
    /// Organizational units, one of which the certificate must have; empty: any.
    pub organizational_units: Vec<String>,
    /// What its tokens may, as far as the kind of certificate may at all.
    pub policies: Vec<Policy>,
    /// How long its tokens are valid, in milliseconds, where it differs.
    pub token_ms: Option<u64>,
}

impl Default for TransitSettings {
    /// No export, no foreign page, an hour, 500 requests at once and 20,000 an hour, no roles.
    fn default() -> Self {
        Self {
            export: false,
            page_origin: None,
            token_ms: 3600 * 1000,
            quota: Quota { burst: 500, per_hour: 20_000 },
            roles: Vec::new(),
        }
    }
}

/// What a token may, for every key or for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub(crate) power: Power,
    pub(crate) key: Option<String>,
}

/// A power.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    Manage,
    Read,
    Use,
    Export,
    KvRead,
    KvWrite,
}

impl Power {
    const ALL: [Self; 6] = [Self::Manage, Self::Read, Self::Use, Self::Export, Self::KvRead, Self::KvWrite];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Read => "read",
            Self::Use => "use",
            Self::Export => "export",
            Self::KvRead => "kv-read",
            Self::KvWrite => "kv-write",
        }
    }
}

impl Policy {
    /// `manage`, `read`, `use`, `export`, `kv-read`, `kv-write`; the first four also as `use/NAME`, for one key.
    pub fn parse(text: &str) -> Option<Self> {
        let (power, key) = text.split_once('/').map_or((text, None), |(power, key)| (power, Some(key)));
        let power = Power::ALL.into_iter().find(|each| each.as_str() == power)?;
        let of_keys = !matches!(power, Power::KvRead | Power::KvWrite);
        match key {
            None => Some(Self { power, key: None }),
            Some(key) if of_keys && super::keys::is_name(key) => {
                Some(Self { power, key: Some(key.to_owned()) })
            }
            Some(_) => None,
        }
    }

    pub(crate) const fn every(power: Power) -> Self {
        Self { power, key: None }
    }

    pub(crate) fn text(&self) -> String {
        match &self.key {
            None => self.power.as_str().to_owned(),
            Some(key) => format!("{}/{key}", self.power.as_str()),
        }
    }
}

/// The most that a certificate of this kind may have, whatever a role says: who reads documents administers no key, and who administers
/// keys uses none.
pub(crate) const fn ceiling(role: CertificateRole) -> &'static [Power] {
    match role {
        CertificateRole::CaseOfficer | CertificateRole::Connector => {
            &[Power::Read, Power::Use, Power::Export, Power::KvRead]
        }
        CertificateRole::Administrator => &[Power::Manage, Power::Read, Power::KvRead, Power::KvWrite],
        #[allow(unreachable_patterns, reason = "roles may be added")]
        _ => &[],
    }
}

/// The most that an AppRole may have.
pub(crate) const OF_APPROLES: &[Power] =
    &[Power::Read, Power::Use, Power::Export, Power::KvRead, Power::KvWrite];

/// A power as a type, so that a handler's arguments say who may call it.
pub(crate) trait Right: Send + Sync {
    const POWER: Power;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $power:ident;)*) => {
        $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub(crate) struct $name;
        impl Right for $name { const POWER: Power = Power::$power; })*
    };
}

rights! {
    /// Makes, rotates, configures, trims and deletes keys; makes AppRoles.
    Manage = Manage;
    /// Sees keys' public parts and states.
    Read = Read;
    /// Encrypts, decrypts, signs.
    Use = Use;
    /// Takes a key out.
    Export = Export;
    /// Reads key-value pairs.
    KvRead = KvRead;
    /// Writes them.
    KvWrite = KvWrite;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn policies_have_one_spelling_and_no_wildcard() {
        for good in ["manage", "use", "use/CLIENT", "export/hr.2-a", "kv-read"] {
            assert_eq!(Policy::parse(good).unwrap().text(), good);
        }
        for bad in ["", "root", "use/", "use/*", "use/a/b", "use/..", "kv-read/x", "USE"] {
            assert!(Policy::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn no_kind_of_certificate_both_administers_keys_and_uses_them() {
        for role in [CertificateRole::CaseOfficer, CertificateRole::Connector, CertificateRole::Administrator]
        {
            let has = |power| ceiling(role).contains(&power);
            assert!(!(has(Power::Manage) && (has(Power::Use) || has(Power::Export))), "{role:?}");
        }
        assert!(!OF_APPROLES.contains(&Power::Manage));
    }
}
