//! Keys for a real Mon Compte Mobilité: made and replaced by its calendar, published to each funder, kept as long as its documents may need them.
//!
//! The key is one of the Transit room's: what MOB's page fetches is what was published. What is published is decided by the key's versions and
//! kept with them; each message waits in the outbox until MOB took it. A version is never trimmed before the documents sealed to it are past
//! their retention, whoever asks. [`plan`] is pure.

mod plan;
mod publication;
mod send;
mod settings;

pub use settings::MobSettings;

use std::collections::BTreeMap;

use plan::{Due, due};
use publication::{Publication, Published, needed_until};
use sceau_crypto::transit::TransitKind;
use sceau_element_api::wire::RecordDraft;
use sceau_trace::Action;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::calendar::Alert;
use crate::error::Error;
use crate::manager::KeyManager;
use crate::transit::{NamedKey, Refusal};

/// The outbox topic of keys on their way to MOB.
pub(crate) const TOPIC: &str = "mob_key";
/// Where the publication is kept, among the Transit room's documents.
const PUBLICATION: &str = "mob";
/// How long before its end a version must have a successor, and how long MOB may take to take one, before the calendar says so.
const NOTICE_MS: u64 = 14 * 24 * 3600 * 1000;
const UNTAKEN_MS: u64 = 3600 * 1000;

/// A version on its way to one funder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    version: u32,
    funder: String,
}

/// What is published to MOB.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MobKeys {
    /// Name of the Transit key.
    pub name: String,
    /// Its versions, oldest first.
    pub versions: Vec<MobVersion>,
}

/// A version of the key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MobVersion {
    /// Its number.
    pub version: u32,
    /// The id that MOB keeps with each document.
    pub id: String,
    /// When it was made, in Unix milliseconds.
    pub made: u64,
    /// When the next one replaces it.
    pub replaced: u64,
    /// Until when MOB seals to it.
    pub expires: u64,
    /// Until when it is kept at least.
    pub kept_until: u64,
    /// When MOB took it for each funder; null: not yet.
    pub taken: BTreeMap<String, Option<u64>>,
}

impl KeyManager {
    /// Makes, replaces and queues what the calendar asks for now. Nothing where the policy names no MOB.
    pub(crate) async fn tend_mob(&self) -> Result<(), Error> {
        let Some(settings) = &self.settings().mob else { return Ok(()) };
        let _alone = self.changing_people().await;
        let mut key = self.kept_key(&settings.key).await?;
        if let Some(key) = &key
            && !(key.kind() == TransitKind::Mob && key.exportable)
        {
            let rule =
                "names a key of another kind: make it anew as an exportable rsa-2048 key, or name another";
            return Err(Error::Setup { field: "mob.key", rule });
        }
        let made = key.as_ref().and_then(latest_made);
        if let Due::Make(why) = due(made, settings, self.now()) {
            key = Some(self.make_version(&settings.key, key, why).await?);
        }
        let Some(key) = key else { return Ok(()) };
        let mut publication = self.publication().await?;
        let letters = publication.queue(&key, settings);
        if letters.is_empty() {
            return Ok(());
        }
        self.shelve_and_tell(PUBLICATION, &publication, TOPIC, &letters).await
    }

    async fn make_version(
        &self,
        name: &str,
        key: Option<NamedKey>,
        why: &'static str,
    ) -> Result<NamedKey, Error> {
        let (made, now) = (crate::transit::generate(TransitKind::Mob).await?, self.now());
        let key = match key {
            None => NamedKey::new(TransitKind::Mob, true, &made, now),
            Some(mut key) => {
                key.add(&made, now);
                key
            }
        };
        let draft = self.record_of_mob_key(Action::KEY_MAKE, name, key.latest).detail("reason", why);
        // The record first: a key that could be published has one.
        self.journal().append(draft.granted()).await?;
        self.shelve_key(name, Some(&key)).await?;
        Ok(key)
    }

    async fn publication(&self) -> Result<Publication, Error> {
        Ok(self.shelved(PUBLICATION).await?.unwrap_or_default())
    }

    /// What is published, for whoever administers; none where the policy names no MOB.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mob_keys(&self) -> Result<Option<MobKeys>, Error> {
        let Some(settings) = &self.settings().mob else { return Ok(None) };
        let Some(key) = self.kept_key(&settings.key).await? else {
            return Ok(Some(MobKeys { name: settings.key.clone(), versions: Vec::new() }));
        };
        let publication = self.publication().await?;
        let versions = key.made().map(|(version, made)| {
            let published = publication.of(version).cloned().unwrap_or_default();
            MobVersion {
                version,
                made,
                replaced: made.saturating_add(settings.rotation_ms),
                expires: settings.expiry(made),
                kept_until: needed_until(settings, made),
                id: published.id,
                taken: published.funders,
            }
        });
        Ok(Some(MobKeys { name: settings.key.clone(), versions: versions.collect() }))
    }

    /// Whether the key that the policy names was made, and is not past its end; nothing where the policy names none.
    pub(crate) async fn mob_key_is_made(&self) -> Result<Option<bool>, Error> {
        let Some(MobKeys { versions, .. }) = self.mob_keys().await? else { return Ok(None) };
        Ok(Some(versions.last().is_some_and(|last| self.now() < last.expires)))
    }

    /// Whether the policy asks for what needs no platform of ours.
    pub(crate) fn works_without_platform(&self) -> bool {
        self.settings().mob.is_some() || self.settings().transit.is_some()
    }

    /// What is due of these keys.
    pub(crate) async fn mob_alerts(&self) -> Result<Vec<Alert>, Error> {
        let Some(MobKeys { name, versions }) = self.mob_keys().await? else { return Ok(Vec::new()) };
        let Some(last) = versions.last() else { return Ok(Vec::new()) };
        let (now, subject) = (self.now(), Some(format!("{name}/{}", last.version)));
        let mut alerts = Vec::new();
        let untaken = last.taken.is_empty() || last.taken.values().any(Option::is_none);
        if untaken && now >= last.made.saturating_add(UNTAKEN_MS) {
            // Until then documents are sealed to the version before.
            let before = versions.iter().rev().nth(1).map_or(last.expires, |before| before.expires);
            alerts.push(Alert { kind: "mob_key_not_taken", subject: subject.clone(), by: before });
        }
        if now.saturating_add(NOTICE_MS) >= last.expires && now >= last.replaced {
            alerts.push(Alert { kind: "mob_key_expires", subject, by: last.expires });
        }
        Ok(alerts)
    }

    /// Refuses to give up the versions before `first` of the key that is published while documents may need one of them.
    pub(crate) fn check_unneeded(&self, name: &str, key: &NamedKey, first: u32) -> Result<(), Refusal> {
        let Some(mob) = self.settings().mob.as_ref().filter(|mob| mob.key == name) else { return Ok(()) };
        let needed = |(version, made)| version < first && self.now() < needed_until(mob, made);
        if key.made().any(needed) { Err(Refusal::needed()) } else { Ok(()) }
    }

    fn record_of_mob_key(&self, action: Action, name: &str, version: u32) -> RecordDraft {
        self.own_record(action)
            .detail("use", "mob-2022")
            .detail("name", name)
            .detail("version", version.to_string())
    }
}

fn latest_made(key: &NamedKey) -> Option<u64> {
    key.made().find(|(version, _)| *version == key.latest).map(|(_, made)| made)
}

impl Published {
    fn is_taken(&self, funder: &str) -> bool {
        self.funders.get(funder).is_some_and(Option::is_some)
    }
}
