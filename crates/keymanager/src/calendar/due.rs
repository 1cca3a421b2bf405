//! What is due. Pure: keys, certificates, the last backup, the policy and the time decide.

use sceau_element_api::documents::KeyUse;

use crate::keyring::Keyring;
use crate::settings::Settings;

const DAY: u64 = 24 * 3600 * 1000;
/// How long before its end a key must have a successor, and a certificate another: two weeks.
pub(crate) const NOTICE_MS: u64 = 14 * DAY;
/// A key that the platform did not take for so long is worth a word: an hour.
const UNACKNOWLEDGED_MS: u64 = 3600 * 1000;

/// Something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) kind: &'static str,
    pub(crate) subject: Option<String>,
    /// When it is too late.
    pub(crate) by: u64,
}

/// A certificate and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) fingerprint: String,
    pub(crate) not_after: u64,
}

/// What the calendar looks at beside the keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) server: Option<Certificate>,
    pub(crate) clients: Vec<Certificate>,
    pub(crate) backed_up: Option<u64>,
}

/// What is due at `now`.
pub(crate) fn due(ring: &Keyring, facts: &Facts, settings: &Settings, now: u64) -> Vec<Due> {
    let keys = [KeyUse::Encrypt, KeyUse::Sign].into_iter().filter_map(|key_use| of_key(ring, key_use, now));
    let soon = |at: u64| now.saturating_add(NOTICE_MS) >= at;
    let ends = |kind| {
        move |Certificate { fingerprint, not_after }: &Certificate| Due {
            kind,
            subject: Some(fingerprint.clone()),
            by: *not_after,
        }
    };
    let server =
        facts.server.iter().filter(|each| soon(each.not_after)).map(ends("server_certificate_expires"));
    let clients =
        facts.clients.iter().filter(|each| soon(each.not_after)).map(ends("client_certificate_expires"));
    keys.chain(server).chain(clients).chain(of_backup(ring, facts, settings, now)).collect()
}

/// The next key, while there is none in its place.
fn of_key(ring: &Keyring, key_use: KeyUse, now: u64) -> Option<Due> {
    let last = ring.last(key_use);
    let newest = ring.newest(key_use)?;
    let about = |kind, by| Some(Due { kind, subject: Some(newest.statement.key_id.to_string()), by });
    if newest.index.is_none() {
        // A first key has nobody waiting for it; another one takes over from the last, which may have ended.
        let by = last.map_or(newest.statement.not_after, |last| last.statement.not_after);
        let waits = now >= newest.statement.not_before.saturating_add(UNACKNOWLEDGED_MS);
        return if waits { about("key_not_acknowledged", by) } else { None };
    }
    let ends = newest.statement.not_after;
    // The key manager makes the next one at the very moment of its lead: a day of grace, so that none is cried out in vain.
    if now.saturating_add(NOTICE_MS) >= ends.saturating_add(DAY) {
        about("next_key_not_published", ends)
    } else {
        None
    }
}

/// The last backup, or the first key where there is none.
fn of_backup(ring: &Keyring, facts: &Facts, settings: &Settings, now: u64) -> Option<Due> {
    let first = ring.all().iter().map(|key| key.statement.not_before).min();
    let by = facts.backed_up.or(first)?.saturating_add(settings.backup_age_ms);
    (now >= by).then_some(Due { kind: "backup_old", subject: None, by })
}
