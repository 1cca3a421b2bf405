//! When the next version is due. Pure: when the latest was made, the policy and the time decide.

use super::MobSettings;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing.
    Rest,
    /// Make a version, for this reason.
    Make(&'static str),
}

/// Decides, from when the latest version was made.
pub(super) fn due(made: Option<u64>, settings: &MobSettings, now: u64) -> Due {
    match made {
        None => Due::Make("first"),
        Some(made) if now >= made.saturating_add(settings.rotation_ms) => Due::Make("expiring"),
        Some(_) => Due::Rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_replaced_on_its_168th_day() {
        let settings = MobSettings::default();
        let day = 24 * 3600 * 1000;
        assert_eq!(due(None, &settings, 0), Due::Make("first"));
        assert_eq!(due(Some(day), &settings, 169 * day - 1), Due::Rest);
        assert_eq!(due(Some(day), &settings, 169 * day), Due::Make("expiring"));
    }
}
