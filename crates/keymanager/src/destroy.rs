//! Destroying a recipient key: only when the platform's own log shows that nothing sealed to it waits for an answer.
//!
//! The platform's list of dossiers is no proof: one that it leaves out would be lost. The log is. Each manifest of ours is in it with the key
//! that it is sealed to, and so is what ended it: another manifest of the same dossier, or a final decision that this key manager signed. To know
//! that the log was not shown as it was long ago, the intent to destroy is delivered first: a log that holds it holds everything before it.

use sceau_client::KeyInUse;
use sceau_crypto::KeyId;
use sceau_element_api::documents::KeyUse;
use sceau_element_api::wire::RecordDraft;
use sceau_store::params;
use sceau_trace::{Action, Evidence, sha256};

use crate::deliver::Delivery;
use crate::error::Error;
use crate::keyring::{KeyStanding, Keyring, ManagedKey};
use crate::letters::{KEY_DESTROYED, Letter};
use crate::link::Link;
use crate::manager::{KeyManager, Watching};
use crate::schema::statements;

/// How long after its replacement a key stays, in milliseconds: twice the 30 days that a draft may live, since a draft begun before the
/// replacement may still be sent.
const DRAFTS_MS: u64 = 60 * 24 * 3600 * 1000;

impl KeyManager {
    /// Destroys the private half of a recipient key: nothing that was sealed to it will ever open again. Asked for again, it finishes what a crash
    /// cut short.
    ///
    /// # Errors
    /// [`Error::KeyNeeded`] unless it was replaced longer ago than a draft may live and expired longer ago than the retention, or was withdrawn and what
    /// was sealed to it re-wrapped; the platform's log, read to its end now, holds no open manifest that is sealed to it; and the platform names no
    /// dossier either; [`Error::UnknownKey`]; those of the platform.
    pub async fn destroy_key(&self, key_id: &KeyId) -> Result<(), Error> {
        let _alone = self.alone().await;
        let ring = self.keyring();
        let key = ring.by_id(key_id).ok_or(Error::UnknownKey)?;
        // Nothing more that is sealed to a key that was withdrawn is taken, and what was sealed to it is sealed to another one.
        let withdrawn = ring.standing(key, self.now()) == KeyStanding::Withdrawn;
        let early = withdrawn && self.is_rewrapped(key_id).await?;
        if !early {
            may_end(&ring, key, self.now(), self.settings().retention_ms)?;
        }
        let link = self.link().ok_or(Error::NotConnected)?;
        // Recorded first: a key must not vanish without a word.
        let intent = self.journal().append(self.record_of_key(Action::KEY_DESTROY, &key.statement)).await?;
        if let Err(error) = self.nobody_needs(&link, key_id, intent, withdrawn).await {
            self.journal()
                .append(self.record_of_key(Action::KEY_DESTROY, &key.statement).refused(error.code()))
                .await?;
            return Err(error);
        }
        self.destroy_private(key)?;
        let mut append = self.journal().begin().await?;
        let position = append.record(self.record_of_destruction(key, early).await?).await?;
        let values = params![key_id.to_string(), self.now(), position];
        append.transaction().execute(statements::KEY_DESTROYED, values).await?;
        let letter = Letter { kind: KEY_DESTROYED.to_owned(), subject: Some(key_id.to_string()), by: None };
        self.post(append.transaction(), &letter).await?;
        append.commit().await?;
        self.reload_keyring().await
    }

    /// The certificate of a destruction: evidence that this key manager's trace holds its record. It says which key, when, on what grounds, and how many
    /// manifests had been sealed to it; anybody with the platform's log computes the same digest of these. `sceau trace verify` checks the file offline.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for a key that was not destroyed here, or before certificates were kept.
    pub async fn certificate_of_destruction(&self, key_id: &KeyId) -> Result<Evidence, Error> {
        let row = self
            .database()
            .fetch_optional(statements::RECORD_OF_DESTRUCTION, params![key_id.to_string()])
            .await?;
        let position = row.map(|row| row.get::<Option<u64>>("destroyed_record")).transpose()?.flatten();
        let evidence = self.journal().evidence(position.ok_or(Error::UnknownKey)?).await?;
        evidence.ok_or(Error::UnknownKey)
    }

    async fn record_of_destruction(&self, key: &ManagedKey, early: bool) -> Result<RecordDraft, Error> {
        let of_key = params![key.statement.key_id.to_string()];
        let manifests = self.database().fetch_all(statements::MANIFESTS_OF_KEY, of_key).await?;
        let mut list = String::new();
        for row in &manifests {
            let (hash, index): (String, u64) = (row.get("hash")?, row.get("log_index")?);
            let ended = row.get::<Option<u64>>("ended")?.map(|index| index.to_string());
            list.push_str(&format!("{index} {hash} {}\n", ended.as_deref().unwrap_or("rewrapped")));
        }
        let draft = self.record_of_key(Action::KEY_DESTROY, &key.statement).granted();
        let grounds = if early { "withdrawn_and_rewrapped" } else { "replaced_expired_and_no_open_manifest" };
        Ok(draft
            .detail("grounds", grounds)
            .detail("not_after", key.statement.not_after.to_string())
            .detail("statement", key.hash.to_string())
            .detail("manifests", manifests.len().to_string())
            .detail("manifests_sha256", sha256(list.as_bytes()).to_string()))
    }

    /// Neither the log, read to an end that holds the record at `intent`, nor the platform's own list.
    async fn nobody_needs(
        &self,
        link: &Link,
        key_id: &KeyId,
        intent: u64,
        withdrawn: bool,
    ) -> Result<(), Error> {
        self.deliver_intent(intent).await?;
        let alone = self.watching().await;
        self.is_in_log(link, intent, &alone).await?;
        if self.open_manifests(key_id).await? > 0 {
            return Err(Error::KeyNeeded(
                "the log holds a manifest that is sealed to it and not finally decided",
            ));
        }
        drop(alone);
        let needed = link.machine.keys_in_use().await?;
        // The element takes no draft any more that is sealed to a key that was withdrawn.
        let lost = |dossier: &KeyInUse| withdrawn && dossier.state == "draft";
        if needed.iter().any(|dossier| dossier.key_id == key_id.to_string() && !lost(dossier)) {
            return Err(Error::KeyNeeded("a dossier is sealed to it"));
        }
        Ok(())
    }

    /// How many manifests that are sealed to this key the platform's log holds, as far as it was read, that nothing ended.
    pub(crate) async fn open_manifests(&self, key_id: &KeyId) -> Result<u64, Error> {
        let key_id = params![key_id.to_string()];
        Ok(self.database().fetch_one(statements::COUNT_OPEN_MANIFESTS, key_id).await?.get("n")?)
    }

    async fn deliver_intent(&self, position: u64) -> Result<(), Error> {
        match self.send_one(position).await {
            Ok(()) => Ok(()),
            Err(Delivery::Broken(error)) => Err(error),
            Err(Delivery::Later(_) | Delivery::Refused(_)) => Err(BEHIND),
        }
    }

    /// Reads the log to its end, which must show the record at `position`.
    async fn is_in_log(&self, link: &Link, position: u64, alone: &Watching<'_>) -> Result<(), Error> {
        let to_its_end = self.watch(link, alone).await?;
        let logged = self.database().fetch_one(statements::RECORD_IN_LOG, params![position]).await?;
        let shown = logged.get::<Option<u64>>("logged")?.is_some();
        if to_its_end && shown { Ok(()) } else { Err(BEHIND) }
    }

    /// Also when it is gone already.
    fn destroy_private(&self, key: &ManagedKey) -> Result<(), Error> {
        let destroyed = self.keys().find(&key.uri).and_then(|entry| self.keys().destroy(&entry.key));
        match destroyed {
            Ok(()) | Err(sceau_hsm::Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

const BEHIND: Error = Error::KeyNeeded("the platform's log was not read to its end: ask again in a minute");

/// What the key itself must be. Pure.
fn may_end(ring: &Keyring, key: &ManagedKey, now: u64, retention_ms: u64) -> Result<(), Error> {
    let replaced = matches!(ring.standing(key, now), KeyStanding::Retired | KeyStanding::Withdrawn);
    if !replaced || key.statement.key_use != KeyUse::Encrypt {
        return Err(Error::KeyNeeded("it is in use, was destroyed before, or is no recipient key"));
    }
    let replaced = ring.replaced_at(key).ok_or(Error::KeyNeeded("no other key has replaced it"))?;
    if now < key.statement.not_after.saturating_add(retention_ms) {
        return Err(Error::KeyNeeded("it expired too recently"));
    }
    if now < replaced.saturating_add(DRAFTS_MS) {
        return Err(Error::KeyNeeded("it was replaced too recently: a draft begun before may still arrive"));
    }
    Ok(())
}
