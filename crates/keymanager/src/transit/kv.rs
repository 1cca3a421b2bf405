//! Key-value pairs with versions, as a Vault's KV version 2. Paths are kept sealed too: a name in one is nobody's to read in the trace.

use std::collections::BTreeMap;

use sceau_crypto::random;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::crypt::number;
use super::shown::rfc3339;
use super::{KvRead, KvWrite, Permit, Refusal};
use crate::manager::KeyManager;

const INDEX: &str = "kv";
/// Versions that are kept of one secret, and secrets.
const VERSIONS: usize = 10;
const SECRETS: usize = 4096;
const SIZE: usize = 512 * 1024;

/// Which document is at which path.
type Index = BTreeMap<String, String>;

#[derive(Default, Serialize, Deserialize)]
struct Secret {
    made: u64,
    changed: u64,
    latest: u32,
    versions: BTreeMap<u32, Version>,
}

#[derive(Serialize, Deserialize)]
struct Version {
    data: Option<Value>,
    made: u64,
    deleted: Option<u64>,
}

impl Version {
    fn metadata(&self, version: u32) -> Value {
        json!({
            "version": version,
            "created_time": rfc3339(self.made),
            "deletion_time": self.deleted.map(rfc3339).unwrap_or_default(),
            "destroyed": false,
            "custom_metadata": null,
        })
    }
}

/// Segments of letters, digits, dot, dash and underscore, none of them dots alone.
fn check_path(path: &str) -> Result<(), Refusal> {
    let segment = |text: &str| super::keys::is_name(text);
    if path.len() <= 200 && path.split('/').all(segment) {
        return Ok(());
    }
    Err(Refusal::invalid("a path is names of letters, digits, dot, dash and underscore, joined by slashes"))
}

/// What a body asks to be written, and the version that must be the latest then.
fn asked(body: &Map<String, Value>) -> Result<(&Value, Option<u32>), Refusal> {
    let data = body.get("data").filter(|data| data.is_object());
    let data = data.ok_or_else(|| Refusal::invalid("no data provided"))?;
    if data.to_string().len() > SIZE {
        return Err(Refusal::invalid("a secret is 512 KiB at most"));
    }
    // One that cannot be read is no leave to write over anything.
    let cas = body.get("options").and_then(|options| options.get("cas")).filter(|cas| !cas.is_null());
    let cas = cas.map(|cas| number(cas).ok_or_else(|| Refusal::invalid("cas is a number"))).transpose()?;
    Ok((data, cas))
}

/// What a client asks to be written at a path, as it is kept and read again; for who tries any.
pub(super) fn tried(path: &str, body: &Map<String, Value>) -> Result<(Value, Option<u32>), Refusal> {
    check_path(path)?;
    let (data, cas) = asked(body)?;
    let kept = Version { data: Some(data.clone()), made: 1, deleted: None };
    let kept = serde_json::to_vec(&kept).and_then(|kept| serde_json::from_slice::<Version>(&kept));
    Ok((kept.ok().and_then(|kept| kept.data).unwrap_or_default(), cas))
}

impl KeyManager {
    async fn kv_index(&self) -> Result<Index, Refusal> {
        Ok(self.shelved(INDEX).await?.unwrap_or_default())
    }

    async fn kv_secret(&self, path: &str) -> Result<(String, Secret), Refusal> {
        check_path(path)?;
        let id = self.kv_index().await?.remove(path).ok_or_else(Refusal::not_found)?;
        let secret = self.shelved(&format!("{INDEX}/{id}")).await?.ok_or_else(Refusal::not_found)?;
        Ok((id, secret))
    }

    /// A version of a secret, or the latest; with the metadata of one that was deleted.
    pub(crate) async fn kv_read(
        &self,
        permit: &Permit<KvRead>,
        path: &str,
        version: Option<&str>,
    ) -> Result<Value, Refusal> {
        self.traced(&permit.token, "kv.read", None, async {
            let (_, secret) = self.kv_secret(path).await?;
            let version = match version {
                None | Some("" | "0") => secret.latest,
                Some(text) => text.parse().map_err(|_| Refusal::invalid("version is a number"))?,
            };
            let kept = secret.versions.get(&version).ok_or_else(Refusal::not_found)?;
            let data = if kept.deleted.is_some() { &None } else { &kept.data };
            Ok(json!({"data": data, "metadata": kept.metadata(version)}))
        })
        .await
    }

    /// Writes a version; with `options.cas`, only if that is the latest.
    pub(crate) async fn kv_write(
        &self,
        permit: &Permit<KvWrite>,
        path: &str,
        body: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        check_path(path)?;
        let (data, cas) = asked(body)?;
        self.traced(&permit.token, "kv.write", None, async {
            let _alone = self.changing_people().await;
            let mut index = self.kv_index().await?;
            let known = index.get(path).cloned();
            let id = known.clone().unwrap_or_else(|| hex::encode(random::<16>()));
            let kept = if known.is_some() { self.shelved(&format!("{INDEX}/{id}")).await? } else { None };
            let now = self.now();
            let mut secret: Secret = kept.unwrap_or(Secret { made: now, ..Secret::default() });
            if cas.is_some_and(|cas| cas != secret.latest) {
                return Err(Refusal::invalid("check-and-set parameter did not match the current version"));
            }
            if known.is_none() && index.len() >= SECRETS {
                return Err(Refusal::invalid("there are too many secrets"));
            }
            secret.latest += 1;
            secret.changed = now;
            let written = Version { data: Some(data.clone()), made: now, deleted: None };
            let metadata = written.metadata(secret.latest);
            secret.versions.insert(secret.latest, written);
            while secret.versions.len() > VERSIONS {
                secret.versions.pop_first();
            }
            // The document first: an index never names one that is not there.
            self.shelve(&format!("{INDEX}/{id}"), &secret).await?;
            if known.is_none() {
                index.insert(path.to_owned(), id);
                self.shelve(INDEX, &index).await?;
            }
            Ok(metadata)
        })
        .await
    }

    /// Deletes the latest version; what was written stays readable to nobody but in a backup.
    pub(crate) async fn kv_delete(&self, permit: &Permit<KvWrite>, path: &str) -> Result<(), Refusal> {
        self.traced(&permit.token, "kv.delete", None, async {
            let _alone = self.changing_people().await;
            let (id, mut secret) = self.kv_secret(path).await?;
            let now = self.now();
            if let Some(version) = secret.versions.get_mut(&secret.latest) {
                (version.deleted, version.data) = (Some(now), None);
            }
            secret.changed = now;
            Ok(self.shelve(&format!("{INDEX}/{id}"), &secret).await?)
        })
        .await
    }

    /// What versions there are.
    pub(crate) async fn kv_metadata(&self, permit: &Permit<KvRead>, path: &str) -> Result<Value, Refusal> {
        self.traced(&permit.token, "kv.metadata", None, async {
            let (_, secret) = self.kv_secret(path).await?;
            let versions: Map<String, Value> = secret
                .versions
                .iter()
                .map(|(version, kept)| (version.to_string(), kept.metadata(*version)))
                .collect();
            Ok(json!({
                "created_time": rfc3339(secret.made), "updated_time": rfc3339(secret.changed),
                "current_version": secret.latest, "max_versions": VERSIONS,
                "oldest_version": secret.versions.keys().next(), "versions": versions,
                "cas_required": false, "custom_metadata": null, "delete_version_after": "0s",
            }))
        })
        .await
    }

    /// Forgets a secret with all its versions.
    pub(crate) async fn kv_forget(&self, permit: &Permit<KvWrite>, path: &str) -> Result<(), Refusal> {
        self.traced(&permit.token, "kv.forget", None, async {
            let _alone = self.changing_people().await;
            let (id, _) = self.kv_secret(path).await?;
            let mut index = self.kv_index().await?;
            index.remove(path);
            self.shelve(INDEX, &index).await?;
            Ok(self.shelve(&format!("{INDEX}/{id}"), &Secret::default()).await?)
        })
        .await
    }

    /// What is under a folder: names, and folders with a slash after them.
    pub(crate) async fn kv_list(
        &self,
        permit: &Permit<KvRead>,
        folder: &str,
    ) -> Result<Vec<String>, Refusal> {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            check_path(folder)?;
        }
        self.traced(&permit.token, "kv.list", None, async {
            let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
            let index = self.kv_index().await?;
            let mut names: Vec<String> = index
                .keys()
                .filter_map(|path| path.strip_prefix(&prefix))
                .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(first, _)| format!("{first}/")))
                .collect();
            names.dedup();
            if names.is_empty() { Err(Refusal::not_found()) } else { Ok(names) }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn a_version_that_cannot_be_read_is_no_leave_to_write() {
        let of = |options: Value| {
            let body = json!({"data": {"a": 1}, "options": options});
            asked(body.as_object().unwrap()).map(|(_, cas)| cas).map_err(|refusal| refusal.status)
        };
        assert_eq!(of(json!({})), Ok(None));
        assert_eq!(of(json!({"cas": null})), Ok(None));
        assert_eq!(of(json!({"cas": 0})), Ok(Some(0)));
        assert_eq!(of(json!({"cas": "3"})), Ok(Some(3)));
        for unreadable in [json!("three"), json!(-1), json!(1.5), json!([3]), json!(u64::MAX)] {
            assert_eq!(of(json!({"cas": unreadable})), Err(400));
        }
    }
}
