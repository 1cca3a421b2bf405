//! What is said of named keys, and how one leaves. Each act is recorded before and after.

use sceau_crypto::transit::{TransitKind, TransitPurpose};
use serde_json::{Map, Value, json};

use super::key::NamedKey;
use super::keys::{FOLDER, check_name};
use super::{Export, Permit, Read, Refusal};
use crate::manager::KeyManager;

impl KeyManager {
    /// The names of the keys that the token reaches to.
    pub(crate) async fn key_names(&self, permit: &Permit<Read>) -> Result<Vec<String>, Refusal> {
        self.traced(&permit.token, "key.list", None, async {
            let mut names = Vec::new();
            for name in self.shelf(FOLDER) {
                if permit.check_key(&name).is_ok() && self.named_key(&name).await?.is_some() {
                    names.push(name);
                }
            }
            if names.is_empty() { Err(Refusal::not_found()) } else { Ok(names) }
        })
        .await
    }

    /// What a key is, with its public parts.
    pub(crate) async fn describe_key(&self, permit: &Permit<Read>, name: &str) -> Result<Value, Refusal> {
        check_name(name)?;
        permit.check_key(name)?;
        self.traced(&permit.token, "key.read", Some(name), async {
            let key = self.named_key(name).await?.ok_or_else(Refusal::not_found)?;
            describe(name, &key)
        })
        .await
    }

    /// Takes a key out: every version that decrypts, or one. Only where the organisation opted in, and the key was made exportable.
    pub(crate) async fn export_key(
        &self,
        permit: &Permit<Export>,
        purpose: TransitPurpose,
        name: &str,
        version: Option<&str>,
    ) -> Result<Value, Refusal> {
        check_name(name)?;
        permit.check_key(name)?;
        self.traced(&permit.token, "export", Some(name), async {
            if !self.transit_settings()?.export {
                return Err(Refusal::no_export());
            }
            let key = self.named_key(name).await?.ok_or_else(Refusal::not_found)?;
            if !key.exportable {
                return Err(Refusal {
                    code: "not_exportable",
                    ..Refusal::invalid("private key material is not exportable")
                });
            }
            if key.kind().purpose() != purpose {
                return Err(Refusal::invalid("the key is of another purpose"));
            }
            let one = match version {
                None => None,
                Some("latest") => Some(key.latest),
                Some(text) => Some(text.parse().map_err(|_| Refusal::invalid("invalid key version"))?),
            };
            let mut keys = Map::new();
            for (version, _) in key.made() {
                let wanted = one.is_none_or(|one| one == version);
                if wanted && version >= key.min_decryption_version {
                    let text = key.version(version)?.export()?;
                    keys.insert(version.to_string(), String::from_utf8_lossy(text.expose()).into());
                }
            }
            if keys.is_empty() {
                return Err(Refusal::not_found());
            }
            // As the bucket of content keys: who takes keys out takes more than one document's.
            if !self.buckets().take_key(&permit.token.actor.id, self.now()) {
                return Err(Refusal::quota());
            }
            Ok(json!({"name": name, "type": key.kind().vault_type(), "keys": keys}))
        })
        .await
    }
}

fn describe(name: &str, key: &NamedKey) -> Result<Value, Refusal> {
    let mut keys = Map::new();
    for (version, made) in key.made() {
        let shown = match key.version(version)?.public()? {
            None => json!(made / 1000),
            Some(public) => json!({
                "name": key.kind().vault_type(), "public_key": public, "creation_time": rfc3339(made),
            }),
        };
        keys.insert(version.to_string(), shown);
    }
    let encrypts = key.kind().purpose() == TransitPurpose::Encryption && key.kind() != TransitKind::Mob;
    Ok(json!({
        "name": name,
        "type": key.kind().vault_type(),
        "keys": keys,
        "derived": false,
        "exportable": key.exportable,
        "allow_plaintext_backup": false,
        "auto_rotate_period": 0,
        "deletion_allowed": key.deletion_allowed,
        "latest_version": key.latest,
        "min_available_version": key.min_available_version,
        "min_decryption_version": key.min_decryption_version,
        "min_encryption_version": key.min_encryption_version,
        "supports_derivation": false,
        "supports_encryption": encrypts,
        "supports_decryption": encrypts,
        "supports_signing": key.kind().purpose() == TransitPurpose::Signing,
    }))
}

/// A time as clients read it (RFC 3339, UTC).
pub(crate) fn rfc3339(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or_default();
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).ok();
    at.and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok()).unwrap_or_default()
}
