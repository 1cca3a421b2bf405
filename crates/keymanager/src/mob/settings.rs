//! What the organisation decides about the keys that it publishes to MOB.

use std::path::PathBuf;

use time::{Date, Month, OffsetDateTime};

const DAY: u64 = 24 * 3600 * 1000;

/// The `[mob]` section of the policy.
#[derive(Debug, Clone)]
pub struct MobSettings {
    /// Origin of MOB's API.
    pub api: String,
    /// Where its identity provider gives tokens.
    pub token_url: String,
    /// The client there.
    pub client_id: String,
    /// File with its secret, readable by this user only; read at each use.
    pub client_secret_file: PathBuf,
    /// Authorities of both servers, in PEM; none: the system's.
    pub anchors: Option<PathBuf>,
    /// The funders that this key manager is for, by their ids at MOB.
    pub funders: Vec<String>,
    /// Name of the Transit key.
    pub key: String,
    /// After how long a version is replaced, in milliseconds.
    pub rotation_ms: u64,
    /// How many calendar months after it was made MOB stops sealing to a version.
    pub expiry_months: u8,
    /// How long after its end documents sealed to a version may still be needed, in milliseconds.
    pub retention_ms: u64,
}

impl Default for MobSettings {
    /// Nobody's; 168 days, six months, three years.
    fn default() -> Self {
        Self {
            api: "https://mob.invalid".to_owned(),
            token_url: "https://mob.invalid/auth/realms/mcm/protocol/openid-connect/token".to_owned(),
            client_id: String::new(),
            client_secret_file: PathBuf::new(),
            anchors: None,
            funders: Vec::new(),
            key: "CLIENT".to_owned(),
            rotation_ms: 168 * DAY,
            expiry_months: 6,
            retention_ms: 3 * 365 * DAY,
        }
    }
}

impl MobSettings {
    /// When a version that was made then expires: the same day and time so many months later, or the last day of that month.
    pub fn expiry(&self, made: u64) -> u64 {
        let seconds = i64::try_from(made / 1000).unwrap_or_default();
        let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let months = i32::from(u8::from(at.month())) - 1 + i32::from(self.expiry_months);
        let (year, month) = (at.year() + months / 12, u8::try_from(months % 12 + 1).unwrap_or(1));
        let month = Month::try_from(month).unwrap_or(Month::January);
        let day = at.day().min(month.length(year));
        let later = Date::from_calendar_date(year, month, day).map(|date| at.replace_date(date));
        let ms = later.unwrap_or(at).unix_timestamp().saturating_mul(1000);
        u64::try_from(ms).unwrap_or(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transit::rfc3339;

    #[test]
    fn six_months_are_calendar_months() {
        let settings = MobSettings::default();
        for (made, expires) in [
            (1_781_706_121_000, "2026-12-17T14:22:01Z"),
            (1_788_134_400_000, "2027-02-28T00:00:00Z"),
            (1_766_188_800_000, "2026-06-20T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(settings.expiry(made)), expires, "{}", rfc3339(made));
        }
    }
}
