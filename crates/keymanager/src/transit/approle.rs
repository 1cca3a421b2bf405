//! AppRoles: machines without a certificate. Role id and secret id are made here; a secret is shown once and kept as its hash.

use std::collections::BTreeMap;

use sceau_crypto::{random, sha256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::policy::{Manage, OF_APPROLES, Policy};
use super::{Permit, Refusal, keys};
use crate::error::Error;
use crate::manager::KeyManager;

const APPROLES: &str = "approles";
/// Of each kind.
const MOST: usize = 256;

/// Every role, by name.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct AppRoles(BTreeMap<String, AppRole>);

#[derive(Serialize, Deserialize)]
pub(crate) struct AppRole {
    pub(crate) role_id: String,
    policies: Vec<String>,
    /// Zero: the policy's own.
    pub(crate) token_ms: u64,
    /// By accessor.
    secrets: BTreeMap<String, SecretId>,
}

#[derive(Serialize, Deserialize)]
struct SecretId {
    /// SHA-256, hexadecimal, of 256 random bits.
    hash: String,
    /// Zero: never.
    expires: u64,
}

/// What a role is made of.
pub(crate) struct NewAppRole {
    pub(crate) policies: Vec<String>,
    pub(crate) token_ms: u64,
}

impl NewAppRole {
    /// Reads a request: `token_policies`, a list or a text with commas, and `token_ttl`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) fn read(fields: &Map<String, Value>) -> Result<Self, Refusal> {
        let policies = match fields.get("token_policies").or_else(|| fields.get("policies")) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.split(',').map(|each| each.trim().to_owned()).collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(_) => return Err(Refusal::invalid("token_policies is a list")),
        };
        Ok(Self { policies, token_ms: duration(fields.get("token_ttl"))? })
    }
}

/// Milliseconds of seconds, or of `90s`, `10m`, `2h`; zero where there is none. A year at most.
pub(crate) fn duration(value: Option<&Value>) -> Result<u64, Refusal> {
    let bad = || Refusal::invalid("a duration is seconds, or a number with s, m or h");
    let seconds = match value {
        None | Some(Value::Null) => 0,
        Some(Value::Number(number)) => number.as_u64().ok_or_else(bad)?,
        Some(Value::String(text)) => {
            let units = [('s', 1), ('m', 60), ('h', 3600)];
            let named = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)));
            let (number, unit) = named.unwrap_or((text, 1));
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(bad)?
        }
        Some(_) => return Err(bad()),
    };
    if seconds > 366 * 24 * 3600 { Err(bad()) } else { Ok(seconds * 1000) }
}

/// A secret id, shown once.
pub(crate) struct NewSecret {
    pub(crate) secret: Zeroizing<String>,
    pub(crate) accessor: String,
}

impl AppRole {
    pub(crate) fn policies(&self) -> Vec<Policy> {
        self.policies.iter().filter_map(|text| Policy::parse(text)).collect()
    }

    pub(crate) fn policy_texts(&self) -> &[String] {
        &self.policies
    }
}

impl AppRoles {
    /// The role of this id and the accessor of the secret, if both are right.
    pub(super) fn find(self, role_id: &str, secret_id: &str, now: u64) -> Option<(String, AppRole, String)> {
        let (name, role) = self.0.into_iter().find(|(_, role)| role.role_id == role_id)?;
        let hash = hex::encode(sha256(secret_id.as_bytes()));
        let found = role.secrets.iter().find(|(_, secret)| secret.hash == hash && secret.holds(now));
        let accessor = found.map(|(accessor, _)| accessor.clone())?;
        Some((name, role, accessor))
    }

    /// What a role's tokens may now, if the secret id that they were made with still holds.
    pub(super) fn may(&self, role: &str, accessor: &str, now: u64) -> Option<Vec<Policy>> {
        let role = self.0.get(role)?;
        role.secrets.get(accessor).filter(|secret| secret.holds(now))?;
        Some(role.policies())
    }

    fn role(&mut self, name: &str) -> Result<&mut AppRole, Refusal> {
        self.0.get_mut(name).ok_or_else(Refusal::not_found)
    }
}

impl SecretId {
    fn holds(&self, now: u64) -> bool {
        self.expires == 0 || now < self.expires
    }
}

impl KeyManager {
    pub(super) async fn approles(&self) -> Result<AppRoles, Error> {
        Ok(self.shelved(APPROLES).await?.unwrap_or_default())
    }

    /// Makes a role, or changes what it may.
    pub(crate) async fn put_approle(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        new: NewAppRole,
    ) -> Result<(), Refusal> {
        if !keys::is_name(name) {
            return Err(Refusal::invalid(
                "a role's name is 1 to 64 letters, digits, dot, dash and underscore",
            ));
        }
        let fits =
            |text: &String| Policy::parse(text).is_some_and(|policy| OF_APPROLES.contains(&policy.power));
        if !new.policies.iter().all(fits) {
            let why = "token_policies are read, use, export (or use/NAME …), kv-read and kv-write";
            return Err(Refusal::invalid(why));
        }
        self.changing_approles(permit, "approle.put", name, |roles| {
            if roles.0.len() >= MOST && !roles.0.contains_key(name) {
                return Err(Refusal::invalid("there are too many roles"));
            }
            let made = AppRole {
                role_id: hex::encode(random::<16>()),
                policies: Vec::new(),
                token_ms: 0,
                secrets: BTreeMap::new(),
            };
            let role = roles.0.entry(name.to_owned()).or_insert(made);
            (role.policies, role.token_ms) = (new.policies, new.token_ms);
            Ok(())
        })
        .await
    }

    /// What a role is.
    pub(crate) async fn approle(&self, _: &Permit<Manage>, name: &str) -> Result<AppRole, Refusal> {
        self.approles().await?.0.remove(name).ok_or_else(Refusal::not_found)
    }

    /// Their names.
    pub(crate) async fn approle_names(&self, _: &Permit<Manage>) -> Result<Vec<String>, Refusal> {
        Ok(self.approles().await?.0.into_keys().collect())
    }

    /// Ends a role with all its secrets and tokens.
    pub(crate) async fn delete_approle(&self, permit: &Permit<Manage>, name: &str) -> Result<(), Refusal> {
        self.changing_approles(permit, "approle.delete", name, |roles| {
            roles.0.remove(name);
            Ok(())
        })
        .await
    }

    /// Makes a secret id. It is the only time that it is shown.
    pub(crate) async fn new_secret_id(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        ms: u64,
    ) -> Result<NewSecret, Refusal> {
        let secret = sceau_crypto::Secret::<32>::random();
        let secret = Zeroizing::new(hex::encode(secret.expose()));
        let accessor = hex::encode(random::<12>());
        let now = self.now();
        self.changing_approles(permit, "approle.secret", name, |roles| {
            let role = roles.role(name)?;
            role.secrets.retain(|_, secret| secret.holds(now));
            if role.secrets.len() >= MOST {
                return Err(Refusal::invalid("the role has too many secret ids: revoke some"));
            }
            let expires = if ms == 0 { 0 } else { now.saturating_add(ms) };
            let hash = hex::encode(sha256(secret.as_bytes()));
            role.secrets.insert(accessor.clone(), SecretId { hash, expires });
            Ok(())
        })
        .await?;
        Ok(NewSecret { secret, accessor })
    }

    /// Revokes a secret id, by its accessor, with the tokens that were made with it.
    pub(crate) async fn revoke_secret_id(
        &self,
        permit: &Permit<Manage>,
        name: &str,
        accessor: &str,
    ) -> Result<(), Refusal> {
        self.changing_approles(permit, "approle.revoke", name, |roles| {
            roles.role(name)?.secrets.remove(accessor).ok_or_else(Refusal::not_found)?;
            Ok(())
        })
        .await
    }

    /// How many secret ids work.
    pub(crate) async fn count_secret_ids(&self) -> Result<u64, Error> {
        let now = self.now();
        let roles = self.approles().await?;
        let held = roles.0.values().flat_map(|role| role.secrets.values()).filter(|secret| secret.holds(now));
        Ok(held.count() as u64)
    }

    /// Revokes each secret id, in a key manager that is made anew: which of them were revoked since its backup is in no log.
    pub(crate) async fn revoke_all_secret_ids(&self) -> Result<u64, Error> {
        let held = self.count_secret_ids().await?;
        if held > 0 {
            let _alone = self.changing_people().await;
            let mut roles = self.approles().await?;
            roles.0.values_mut().for_each(|role| role.secrets.clear());
            self.shelve(APPROLES, &roles).await?;
        }
        Ok(held)
    }

    async fn changing_approles(
        &self,
        permit: &Permit<Manage>,
        operation: &'static str,
        name: &str,
        change: impl FnOnce(&mut AppRoles) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.traced(&permit.token, operation, Some(name), async {
            let _alone = self.changing_people().await;
            let mut roles = self.approles().await?;
            change(&mut roles)?;
            Ok(self.shelve(APPROLES, &roles).await?)
        })
        .await
    }
}
