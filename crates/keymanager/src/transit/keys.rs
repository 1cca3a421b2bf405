//! Making and changing named keys. Each act is recorded before and after.

use std::future::Future;

use sceau_crypto::transit::{TransitKey, TransitKind, TransitPurpose};
use sceau_element_api::wire::RecordDraft;
use sceau_store::Rule;
use sceau_trace::Action;
use serde::Deserialize;
use serde_json::Value;

use super::key::NamedKey;
use super::{LiveToken, Manage, Permit, Refusal};
use crate::error::Error;
use crate::manager::KeyManager;

pub(super) const FOLDER: &str = "key";
/// Versions of a key.
const VERSIONS: usize = 1000;

/// How a key is made. What is not known is not done, so it is refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewKey {
    #[serde(rename = "type")]
    kind: Option<String>,
    derived: bool,
    convergent_encryption: bool,
    exportable: bool,
    allow_plaintext_backup: bool,
    auto_rotate_period: Value,
}

/// What may be changed of a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Configuration {
    min_decryption_version: Option<u32>,
    min_encryption_version: Option<u32>,
    deletion_allowed: Option<bool>,
    exportable: Option<bool>,
    allow_plaintext_backup: Option<bool>,
    auto_rotate_period: Value,
}

/// Letters, digits, dot, dash and underscore, 1 to 64, no dot first: nothing that means something in a path.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let why = "a key's name is 1 to 64 letters, digits, dot, dash and underscore, no dot first";
    if is_name(name) { Ok(()) } else { Err(Refusal::invalid(why)) }
}

impl NewKey {
    pub(super) fn kind(&self) -> Result<TransitKind, Refusal> {
        if self.derived || self.convergent_encryption {
            let why = "derived and convergent_encryption are not offered here: leave them away, and bind a context with associated_data";
            return Err(Refusal { code: "derived_not_offered", ..Refusal::invalid(why) });
        }
        if self.allow_plaintext_backup || !is_zero(&self.auto_rotate_period) {
            let why = "allow_plaintext_backup and auto_rotate_period are not offered here: export one key, rotate by a call";
            return Err(Refusal::invalid(why));
        }
        let name = self.kind.as_deref().unwrap_or("aes256-gcm96");
        let kind = TransitKind::ALL.into_iter().find(|kind| kind.vault_type() == name);
        let kind = kind.ok_or_else(|| Refusal::invalid("there is no such type of key here"))?;
        match (kind, self.exportable) {
            // One key, one purpose: what leaves for MOB, whose OAEP is with SHA-1, never decrypts here with SHA-256.
            (TransitKind::Rsa2048, true) => Ok(TransitKind::Mob),
            (TransitKind::Rsa3072 | TransitKind::Rsa4096, true) => {
                Err(Refusal::invalid("an RSA key that is exportable has 2048 bits"))
            }
            (kind, true) if kind.purpose() == TransitPurpose::Signing => {
                Err(Refusal::invalid("keys that sign are not exportable"))
            }
            (kind, _) => Ok(kind),
        }
    }
}

fn is_zero(period: &Value) -> bool {
    match period {
        Value::Null => true,
        Value::Number(number) => number.as_u64() == Some(0),
        Value::String(text) => matches!(text.as_str(), "" | "0" | "0s" | "0h"),
        _ => false,
    }
}

impl KeyManager {
    /// Does something under a record of the intent before, and of the outcome after it; without both, nothing leaves.
    pub(super) async fn traced<T>(
        &self,
        token: &LiveToken,
        operation: &'static str,
        on: Option<&str>,
        act: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let about = |action: Action| -> RecordDraft {
            let mut draft = self.own_record(action).detail("operation", operation);
            draft.actor = token.actor.clone();
            match on {
                Some(on) => draft.detail("name", on),
                None => draft,
            }
        };
        let quota = self.transit_settings()?.quota;
        let rule = Rule::per_hour(quota.burst, quota.per_hour);
        let taken = self.transit().uses.take(&token.actor.id, rule, self.now());
        if taken.is_err() {
            let refused = about(Action::TRANSIT_OUTCOME).refused(Refusal::quota().code);
            self.record_refusal(Some(&token.actor.id), refused).await?;
            return Err(Refusal::quota());
        }
        if self.standing().is_outdated() {
            let refused = about(Action::TRANSIT_OUTCOME).refused(Refusal::outdated().code);
            self.record_refusal(Some(&token.actor.id), refused).await?;
            return Err(Refusal::outdated());
        }
        self.journal().append(about(Action::TRANSIT_INTENT)).await?;
        let done = act.await;
        let outcome = match &done {
            Ok(_) => about(Action::TRANSIT_OUTCOME).granted(),
            Err(refusal) => about(Action::TRANSIT_OUTCOME).refused(refusal.code),
        };
        self.journal().append(outcome).await?;
        done
    }

    pub(super) async fn named_key(&self, name: &str) -> Result<Option<NamedKey>, Refusal> {
        check_name(name)?;
        Ok(self.kept_key(name).await?)
    }

    /// The key of this name, if there is one.
    pub(crate) async fn kept_key(&self, name: &str) -> Result<Option<NamedKey>, Error> {
        Ok(self.shelved::<Option<NamedKey>>(&format!("{FOLDER}/{name}")).await?.flatten())
    }

    pub(crate) async fn shelve_key(&self, name: &str, key: Option<&NamedKey>) -> Result<(), Error> {
        self.shelve(&format!("{FOLDER}/{name}"), &key).await
    }

    /// Makes a key; one that is there stays as it is, as a Vault's does.
    pub(crate) async fn make_named_key(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        new: &NewKey,
    ) -> Result<(), Refusal> {
        check_name(name)?;
        permit.check_key(name)?;
        let kind = new.kind()?;
        self.traced(&permit.token, "key.make", Some(name), async {
            let made = generate(kind).await?;
            let _alone = self.changing_people().await;
            if self.named_key(name).await?.is_some() {
                return Ok(());
            }
            Ok(self.shelve_key(name, Some(&NamedKey::new(kind, new.exportable, &made, self.now()))).await?)
        })
        .await
    }

    /// Adds a version.
    pub(crate) async fn rotate_key(&self, permit: &Permit<Manage>, name: &str) -> Result<(), Refusal> {
        let found = self.named_key(name).await?.ok_or_else(missing)?;
        let kind = found.kind();
        self.changing_key(permit, "key.rotate", name, async |key| {
            if key.made().count() >= VERSIONS {
                return Err(Refusal::invalid("the key has too many versions: trim it"));
            }
            key.add(&generate(kind).await?, self.now());
            Ok(())
        })
        .await
    }

    /// Changes what its versions may be used for.
    pub(crate) async fn configure_key(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        new: Configuration,
    ) -> Result<(), Refusal> {
        self.changing_key(permit, "key.config", name, async |key| {
            if new.exportable.is_some_and(|wanted| wanted != key.exportable) {
                return Err(Refusal::invalid(
                    "whether a key is exportable is decided when it is made: make another",
                ));
            }
            if new.allow_plaintext_backup == Some(true) || !is_zero(&new.auto_rotate_period) {
                return Err(Refusal::invalid(
                    "allow_plaintext_backup and auto_rotate_period are not offered here",
                ));
            }
            let decryption = new.min_decryption_version.unwrap_or(key.min_decryption_version).max(1);
            let encryption = new.min_encryption_version.unwrap_or(key.min_encryption_version);
            let possible = decryption <= key.latest
                && encryption <= key.latest
                && (encryption == 0 || encryption >= decryption)
                && decryption >= key.min_available_version;
            if !possible {
                return Err(Refusal::invalid("these minimum versions cannot be"));
            }
            if decryption > key.min_decryption_version {
                self.check_unneeded(name, key, decryption)?;
            }
            (key.min_decryption_version, key.min_encryption_version) = (decryption, encryption);
            key.deletion_allowed = new.deletion_allowed.unwrap_or(key.deletion_allowed);
            Ok(())
        })
        .await
    }

    /// Destroys the versions before `first`, which decrypt nothing any more.
    pub(crate) async fn trim_key(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        first: u32,
    ) -> Result<(), Refusal> {
        self.changing_key(permit, "key.trim", name, async |key| {
            // A Vault demands that both minima are above; a version that still decrypts is never lost by a trim.
            let unused = first >= 1 && first <= key.min_decryption_version && first >= key.min_available_version;
            let unused = unused && key.min_encryption_version != 0 && first <= key.min_encryption_version;
            if !unused {
                let why = "minimum available version cannot be above min_decryption_version and min_encryption_version, which must both be set";
                return Err(Refusal::invalid(why));
            }
            self.check_unneeded(name, key, first)?;
            key.trim(first);
            Ok(())
        })
        .await
    }

    /// Destroys a key with all its versions.
    pub(crate) async fn delete_key(&self, permit: &Permit<Manage>, name: &str) -> Result<(), Refusal> {
        check_name(name)?;
        permit.check_key(name)?;
        self.traced(&permit.token, "key.delete", Some(name), async {
            let _alone = self.changing_people().await;
            let key = self.named_key(name).await?.ok_or_else(missing)?;
            if !key.deletion_allowed {
                return Err(Refusal::invalid("deletion is not allowed for this key"));
            }
            self.check_unneeded(name, &key, u32::MAX)?;
            Ok(self.shelve_key(name, None).await?)
        })
        .await
    }

    async fn changing_key(
        &self,
        permit: &Permit<Manage>,
        operation: &'static str,
        name: &str,
        change: impl AsyncFnOnce(&mut NamedKey) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        check_name(name)?;
        permit.check_key(name)?;
        self.traced(&permit.token, operation, Some(name), async {
            let _alone = self.changing_people().await;
            let mut key = self.named_key(name).await?.ok_or_else(missing)?;
            change(&mut key).await?;
            Ok(self.shelve_key(name, Some(&key)).await?)
        })
        .await
    }
}

/// RSA takes up to seconds: not on a thread that others wait for.
pub(crate) async fn generate(kind: TransitKind) -> Result<TransitKey, Error> {
    let made = tokio::task::spawn_blocking(move || TransitKey::generate(kind)).await;
    let failed = |cause| Error::Io { what: "making a key".to_owned(), cause };
    match made {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(cause)) => Err(failed(std::io::Error::other(cause))),
        Err(cause) => Err(failed(std::io::Error::other(cause))),
    }
}

fn missing() -> Refusal {
    Refusal { code: "not_found", ..Refusal::invalid("no existing key found") }
}
