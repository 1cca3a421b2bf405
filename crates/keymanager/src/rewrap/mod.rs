//! Re-wrapping: dossiers that are sealed to a key that was withdrawn are sealed to the one in use, by the owner's side.
//!
//! Where a pass stands is at the platform: a dossier whose headers name the current key is done, so a pass that was cut short is begun again and
//! goes on. What is done is kept by the manifest, and a key that was withdrawn is needed no more when each of its manifests is ended or done.
//! Whoever had the old key and the old headers can still open these: re-wrapping protects what is stolen from now on.

mod dossier;

use std::sync::{PoisonError, RwLock};

use sceau_client::KeyInUse;
use sceau_crypto::KeyId;
use sceau_element_api::documents::KeyUse;
use sceau_store::params;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::keyring::{KeyStanding, Keyring, ManagedKey};
use crate::link::Link;
use crate::manager::KeyManager;
use crate::schema::statements;

/// Dossiers that one pass goes through by itself, within a tick of the clock.
const AT_A_TIME: usize = 200;

/// What is kept in memory.
#[derive(Debug, Default)]
pub(crate) struct Rewrapping {
    /// Held by the one pass that runs.
    alone: tokio::sync::Mutex<()>,
    last: RwLock<Option<Rewrapped>>,
}

/// How a pass went, or how far it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rewrapped {
    /// Whether it is under way.
    pub running: bool,
    /// Dossiers that were sealed to another key than the one in use.
    pub found: u64,
    /// Of these, how many are sealed to it now.
    pub done: u64,
    /// Dossiers that could not be re-wrapped, each with its reason's code: their key stays.
    pub failed: Vec<NotRewrapped>,
    /// When it began, in Unix milliseconds.
    pub began: u64,
}

/// A dossier that could not be re-wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotRewrapped {
    /// The dossier.
    pub dossier: String,
    /// Why.
    pub code: String,
}

impl KeyManager {
    /// Seals each dossier that was sent, and is sealed to another key of ours, to the one in use. Done again, it goes on where it stopped.
    ///
    /// # Errors
    /// [`Error::NotConnected`], [`Error::NoCurrentKey`]; those of the platform. What befell a single dossier is in the answer.
    pub async fn rewrap(&self) -> Result<Rewrapped, Error> {
        let due = self.withdrawn_keys().await?;
        let _alone = self.rewrapping().alone.lock().await;
        let passed = self.pass(usize::MAX, |_, _| true).await?;
        self.note_whole(&passed, &due).await?;
        Ok(passed)
    }

    /// Begins [`Self::rewrap`] in a task of its own, unless a pass is under way.
    ///
    /// # Errors
    /// [`Error::NotConnected`].
    pub(crate) fn begin_rewrapping(&self) -> Result<(), Error> {
        if self.link().is_none() {
            return Err(Error::NotConnected);
        }
        if self.rewrapping().alone.try_lock().is_err() {
            return Ok(());
        }
        self.show(&Rewrapped { running: true, began: self.now(), ..Rewrapped::default() });
        let manager = self.clone();
        tokio::spawn(async move {
            if let Err(error) = manager.rewrap().await {
                tracing::warn!(%error, "a re-wrapping ended early; it goes on at the next one");
                if let Some(mut passed) = manager.rewrapped() {
                    passed.running = false;
                    manager.show(&passed);
                }
            }
        });
        Ok(())
    }

    /// The last pass, or the one under way; none since the start.
    pub fn rewrapped(&self) -> Option<Rewrapped> {
        self.rewrapping().last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is due after a withdrawal, some dossiers at a time.
    pub(crate) async fn tend_rewrapping(&self) -> Result<(), Error> {
        let (due, now) = (self.withdrawn_keys().await?, self.now());
        if due.is_empty() {
            return Ok(());
        }
        let _alone = self.rewrapping().alone.lock().await;
        let passed = self.pass(AT_A_TIME, |ring, key| is_withdrawn(ring, key, now)).await?;
        if passed.found < AT_A_TIME as u64 { self.note_whole(&passed, &due).await } else { Ok(()) }
    }

    /// Keys that were withdrawn, and that dossiers may still be sealed to.
    async fn withdrawn_keys(&self) -> Result<Vec<KeyId>, Error> {
        let (ring, now, mut keys) = (self.keyring(), self.now(), Vec::new());
        for key in ring.all().iter().filter(|key| is_withdrawn(&ring, key, now)) {
            if !self.is_rewrapped(&key.statement.key_id).await? {
                keys.push(key.statement.key_id);
            }
        }
        Ok(keys)
    }

    async fn note_whole(&self, passed: &Rewrapped, keys: &[KeyId]) -> Result<(), Error> {
        if !passed.failed.is_empty() || passed.found != passed.done {
            return Ok(());
        }
        for key in keys {
            let values = params![key.to_string(), self.now()];
            self.database().execute(statements::KEY_REWRAPPED, values).await?;
        }
        Ok(())
    }

    /// Whether each dossier that the platform named under a withdrawn key is sealed to another one.
    pub(crate) async fn is_rewrapped(&self, key: &KeyId) -> Result<bool, Error> {
        let row = self.database().fetch_optional(statements::IS_REWRAPPED, params![key.to_string()]).await?;
        Ok(row.is_some())
    }

    async fn pass(
        &self,
        most: usize,
        of: impl Fn(&Keyring, &ManagedKey) -> bool,
    ) -> Result<Rewrapped, Error> {
        let link = self.link().ok_or(Error::NotConnected)?;
        self.check_newest().await.map_err(|denial| Error::NotCompared(denial.to_string()))?;
        let ring = self.keyring();
        let now = self.now();
        let target = ring.current(KeyUse::Encrypt).filter(|key| key.statement.is_valid_at(now));
        let target = target.ok_or(Error::NoCurrentKey)?.clone();
        let elsewhere = |dossier: &KeyInUse| {
            let key = dossier.key_id.parse().ok().and_then(|id| ring.by_id(&id));
            let other = key.is_some_and(|key| {
                key.statement.key_id != target.statement.key_id && !key.destroyed && of(&ring, key)
            });
            other && dossier.state != "draft"
        };
        let begun = self.database().fetch_all(statements::REWRAPPING, params![]).await?;
        let mut found = begun.iter().map(|row| row.get("dossier")).collect::<Result<Vec<String>, _>>()?;
        let named = link.machine.keys_in_use().await?;
        let more: Vec<String> = named
            .into_iter()
            .filter(elsewhere)
            .map(|named| named.dossier)
            .filter(|id| !found.contains(id))
            .collect();
        found.extend(more);
        found.truncate(most);
        let mut passed =
            Rewrapped { running: true, found: found.len() as u64, began: now, ..Rewrapped::default() };
        for dossier in found {
            self.show(&passed);
            self.one(&link, &target, &dossier, &mut passed).await?;
        }
        passed.running = false;
        self.show(&passed);
        Ok(passed)
    }

    async fn one(
        &self,
        link: &Link,
        target: &ManagedKey,
        dossier: &str,
        passed: &mut Rewrapped,
    ) -> Result<(), Error> {
        match self.rewrap_dossier(link, target, dossier).await {
            Ok(()) => passed.done += 1,
            Err(failure) => {
                // The others are not held back; one whose platform is away would only wait for each in turn.
                if let crate::release::Failure::Broken(Error::Platform(error)) = &failure
                    && error.is_passing()
                {
                    passed.running = false;
                    self.show(passed);
                    let crate::release::Failure::Broken(error) = failure else { return Ok(()) };
                    return Err(error);
                }
                let code = failure.record_code().to_owned();
                tracing::warn!(dossier, code, "a dossier was not re-wrapped; its key stays");
                passed.failed.push(NotRewrapped { dossier: dossier.to_owned(), code });
            }
        }
        Ok(())
    }

    fn show(&self, passed: &Rewrapped) {
        *self.rewrapping().last.write().unwrap_or_else(PoisonError::into_inner) = Some(passed.clone());
    }
}

fn is_withdrawn(ring: &Keyring, key: &ManagedKey, now: u64) -> bool {
    key.statement.key_use == KeyUse::Encrypt && ring.standing(key, now) == KeyStanding::Withdrawn
}
