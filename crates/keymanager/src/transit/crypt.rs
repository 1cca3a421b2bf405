//! Using named keys: encrypt, decrypt, rewrap, data keys, sign, verify, HMAC; one item or many, under one record.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_crypto::SecretBytes;
use sceau_crypto::transit::TransitPurpose;
use serde_json::{Map, Value, json};

use super::key::NamedKey;
use super::{Permit, Refusal, Use};
use crate::error::Error;
use crate::manager::KeyManager;

/// Items in one request.
const ITEMS: usize = 250;
const PREFIX: &str = "vault:v";

/// What is done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Encrypt,
    Decrypt,
    Rewrap,
    Sign,
    Verify,
    Hmac,
}

/// What came of it: the answer's data, and the status that some failed items make.
pub(crate) struct Batched {
    pub(crate) data: Value,
    pub(crate) status: u16,
}

impl Act {
    pub(super) const ALL: [Self; 6] =
        [Self::Encrypt, Self::Decrypt, Self::Rewrap, Self::Sign, Self::Verify, Self::Hmac];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Rewrap => "rewrap",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Hmac => "hmac",
        }
    }
}

impl KeyManager {
    /// Uses a key on one item, or on each of `batch_input`.
    pub(crate) async fn use_key(
        &self,
        permit: &Permit<Use>,
        act: Act,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<Batched, Refusal> {
        permit.check_key(name)?;
        let batch = batch(body)?;
        self.traced(&permit.token, act.as_str(), Some(name), async {
            let key = self.named_key(name).await?;
            let key = key.ok_or_else(|| Refusal::invalid("encryption key not found"))?;
            if batch.is_none() { used(act, &key, None, body) } else { self.use_on_many(act, key, body).await }
        })
        .await
    }

    /// A batch of RSA takes a second: not on the threads that answer everybody, and few at a time.
    async fn use_on_many(
        &self,
        act: Act,
        key: NamedKey,
        body: &Map<String, Value>,
    ) -> Result<Batched, Refusal> {
        let stopped = |error| Refusal::from(Error::Io { what: "using a key".to_owned(), cause: error });
        let turn = Arc::clone(&self.transit().batches).acquire_owned().await;
        let (turn, body) = (turn.map_err(|error| stopped(std::io::Error::other(error)))?, body.clone());
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            used(act, &key, batch(&body)?, &body)
        });
        working.await.map_err(|error| stopped(std::io::Error::other(error)))?
    }

    /// Makes a data key of 128, 256 or 512 bits, encrypted to a key, and in clear as well if it is asked for.
    pub(crate) async fn data_key(
        &self,
        permit: &Permit<Use>,
        name: &str,
        in_clear: bool,
        body: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        permit.check_key(name)?;
        check_context(body)?;
        let bytes = match body.get("bits").map_or(Some(256), number) {
            Some(128) => 16,
            Some(256) => 32,
            Some(512) => 64,
            _ => return Err(Refusal::invalid("invalid bit length: 128, 256 or 512")),
        };
        let operation = if in_clear { "datakey.plaintext" } else { "datakey.wrapped" };
        self.traced(&permit.token, operation, Some(name), async {
            let key = self.named_key(name).await?;
            let key = key.ok_or_else(|| Refusal::invalid("encryption key not found"))?;
            let (version, with) = key.for_encryption(wanted(body, body)?)?;
            let fresh = sceau_crypto::Secret::<64>::random();
            let fresh = fresh.expose().get(..bytes).unwrap_or_default();
            let sealed = with.encrypt(fresh, &associated(body)?)?;
            let mut data = json!({"ciphertext": spelt(version, &sealed), "key_version": version});
            if in_clear && let Some(data) = data.as_object_mut() {
                data.insert("plaintext".to_owned(), STANDARD.encode(fresh).into());
            }
            Ok(data)
        })
        .await
    }
}

/// The items of a request that has several.
pub(super) fn batch(body: &Map<String, Value>) -> Result<Option<&Vec<Value>>, Refusal> {
    match body.get("batch_input") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) if (1..=ITEMS).contains(&items.len()) => Ok(Some(items)),
        Some(_) => Err(Refusal::invalid("batch_input is a list of 1 to 250 items")),
    }
}

/// Uses a key on the request's one item, or on each of a batch.
pub(super) fn used(
    act: Act,
    key: &NamedKey,
    batch: Option<&Vec<Value>>,
    body: &Map<String, Value>,
) -> Result<Batched, Refusal> {
    let Some(items) = batch else {
        return Ok(Batched { data: one(act, key, body, body)?, status: 200 });
    };
    let mut failed = 0;
    let results: Vec<Value> = items
        .iter()
        .map(|item| {
            let done = match item.as_object() {
                Some(item) => one(act, key, item, body),
                None => Err(Refusal::invalid("an item is an object")),
            };
            done.unwrap_or_else(|refusal| {
                failed += 1;
                json!({"error": refusal.why})
            })
        })
        .collect();
    let asked = body.get("partial_failure_response_code").and_then(Value::as_u64);
    let partly = asked.and_then(|code| u16::try_from(code).ok()).filter(|code| (200..300).contains(code));
    let status = match failed {
        0 => 200,
        all if all == results.len() => 400,
        _ => partly.unwrap_or(400),
    };
    Ok(Batched { data: json!({"batch_results": results}), status })
}

fn one(
    act: Act,
    key: &NamedKey,
    item: &Map<String, Value>,
    whole: &Map<String, Value>,
) -> Result<Value, Refusal> {
    check_context(item)?;
    match act {
        Act::Encrypt => {
            let (version, with) = key.for_encryption(wanted(item, whole)?)?;
            let sealed = with.encrypt(bytes(item, "plaintext")?.expose(), &associated(item)?)?;
            Ok(json!({"ciphertext": spelt(version, &sealed), "key_version": version}))
        }
        Act::Decrypt => {
            let (version, sealed) = read(item, "ciphertext")?;
            let plain = key.for_decryption(version)?.decrypt(&sealed, &associated(item)?);
            let plain = plain.map_err(|_| Refusal {
                code: "decryption_failed",
                ..Refusal::invalid("invalid ciphertext: unable to decrypt")
            })?;
            Ok(json!({"plaintext": STANDARD.encode(plain.expose())}))
        }
        Act::Rewrap => {
            let (version, sealed) = read(item, "ciphertext")?;
            let associated = associated(item)?;
            let plain = key.for_decryption(version)?.decrypt(&sealed, &associated);
            let plain = plain.map_err(|_| Refusal {
                code: "decryption_failed",
                ..Refusal::invalid("invalid ciphertext: unable to decrypt")
            })?;
            let (version, with) = key.for_encryption(wanted(item, whole)?)?;
            let sealed = with.encrypt(plain.expose(), &associated)?;
            Ok(json!({"ciphertext": spelt(version, &sealed), "key_version": version}))
        }
        Act::Sign => {
            check_hash(whole)?;
            let (version, with) = key.for_encryption(wanted(item, whole)?)?;
            let signature = with.sign(bytes(item, "input")?.expose())?;
            Ok(json!({"signature": spelt(version, &signature), "key_version": version}))
        }
        Act::Hmac => {
            check_hash(whole)?;
            let (version, with) = key.for_encryption(wanted(item, whole)?)?;
            Ok(json!({"hmac": spelt(version, &with.mac(bytes(item, "input")?.expose())?)}))
        }
        Act::Verify => {
            check_hash(whole)?;
            let input = bytes(item, "input")?;
            if key.kind().purpose() == TransitPurpose::Hmac {
                let (version, tag) = read(item, "hmac")?;
                let own = key.for_decryption(version)?.mac(input.expose())?;
                let same = sceau_crypto::SecretBytes::from(&own[..]) == SecretBytes::from(&tag[..]);
                return Ok(json!({"valid": same}));
            }
            let (version, signature) = read(item, "signature")?;
            let valid = key.for_decryption(version)?.verifies(input.expose(), &signature)?;
            Ok(json!({"valid": valid}))
        }
    }
}

fn check_context(item: &Map<String, Value>) -> Result<(), Refusal> {
    let given = |name: &str| item.get(name).is_some_and(|value| !value.is_null() && *value != json!(""));
    if given("context") || given("nonce") {
        let why = "context and nonce are for derived and convergent keys, which are not offered here: use associated_data";
        return Err(Refusal { code: "derived_not_offered", ..Refusal::invalid(why) });
    }
    Ok(())
}

/// Only SHA-256 over the whole input, ASN.1.
fn check_hash(body: &Map<String, Value>) -> Result<(), Refusal> {
    let is = |name: &str, allowed: &[&str]| match body.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| allowed.contains(&text)),
    };
    let hashed = is("hash_algorithm", &["", "sha2-256"]) && is("algorithm", &["", "sha2-256"]);
    let plain = !matches!(body.get("prehashed"), Some(Value::Bool(true)));
    if hashed && plain && is("marshaling_algorithm", &["", "asn1"]) {
        Ok(())
    } else {
        Err(Refusal::invalid("offered are sha2-256 over the whole input, and asn1"))
    }
}

/// The version to use: the item's, else the request's, else zero for the latest.
fn wanted(item: &Map<String, Value>, whole: &Map<String, Value>) -> Result<u32, Refusal> {
    let given = item.get("key_version").or_else(|| whole.get("key_version"));
    match given {
        None | Some(Value::Null) => Ok(0),
        Some(value) => number(value).ok_or_else(|| Refusal::invalid("key_version is a number")),
    }
}

/// A number, also as a string, as Vault's command line sends it.
pub(super) fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn bytes(item: &Map<String, Value>, field: &'static str) -> Result<SecretBytes, Refusal> {
    let text = item.get(field).and_then(Value::as_str);
    let text = text.ok_or_else(|| Refusal::invalid(format!("missing {field}, in base64")))?;
    STANDARD
        .decode(text)
        .map(SecretBytes::new)
        .map_err(|_| Refusal::invalid(format!("failed to base64-decode {field}")))
}

fn associated(item: &Map<String, Value>) -> Result<Vec<u8>, Refusal> {
    match item.get("associated_data") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(_) => Ok(bytes(item, "associated_data")?.expose().to_vec()),
    }
}

fn spelt(version: u32, bytes: &[u8]) -> String {
    format!("{PREFIX}{version}:{}", STANDARD.encode(bytes))
}

/// `vault:v1:…`.
fn read(item: &Map<String, Value>, field: &'static str) -> Result<(u32, Vec<u8>), Refusal> {
    let text = item.get(field).and_then(Value::as_str).unwrap_or_default();
    let parts = text.strip_prefix(PREFIX).and_then(|rest| rest.split_once(':'));
    let read = parts.and_then(|(version, content)| {
        let version: u32 = version.parse().ok()?;
        Some((version, STANDARD.decode(content).ok()?))
    });
    match read {
        Some((version, content)) if version >= 1 => Ok((version, content)),
        _ => Err(Refusal::invalid(format!("invalid {field}: no prefix, or not base64"))),
    }
}
