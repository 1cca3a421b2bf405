//! Transit keys and their use.

use axum::extract::{Path, State};
use axum::http::{Method, Uri};
use sceau_crypto::transit::TransitPurpose;
use serde_json::{Value, json};

use super::answer::{Answer, Answered, Fields};
use crate::manager::KeyManager;
use crate::transit::{Act, Export, Manage, Permit, Read, Refusal, Use};

/// The method LIST, or GET with `?list=true`.
pub(super) fn is_list(method: &Method, uri: &Uri) -> bool {
    let asked = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "list=true"));
    method.as_str() == "LIST" || (method == Method::GET && asked)
}

pub(super) async fn list(
    State(manager): State<KeyManager>,
    permit: Permit<Read>,
    method: Method,
    uri: Uri,
) -> Answered {
    if !is_list(&method, &uri) {
        return Err(Refusal::not_found().into());
    }
    Ok(Answer::Data(json!({"keys": manager.key_names(&permit).await?})))
}

pub(super) async fn describe(
    State(manager): State<KeyManager>,
    permit: Permit<Read>,
    Path(name): Path<String>,
) -> Answered {
    Ok(Answer::Data(manager.describe_key(&permit, &name).await?))
}

pub(super) async fn make(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
    fields: Fields,
) -> Answered {
    manager.make_named_key(&permit, &name, &fields.read()?).await?;
    Ok(Answer::Done)
}

pub(super) async fn delete(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path(name): Path<String>,
) -> Answered {
    manager.delete_key(&permit, &name).await?;
    Ok(Answer::Done)
}

/// `config`, `rotate` or `trim`.
pub(super) async fn change(
    State(manager): State<KeyManager>,
    permit: Permit<Manage>,
    Path((name, change)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    match change.as_str() {
        "rotate" => manager.rotate_key(&permit, &name).await?,
        "config" => manager.configure_key(&permit, &name, fields.read()?).await?,
        "trim" => {
            let first = fields.0.get("min_available_version").and_then(Value::as_u64);
            let first = first.and_then(|first| u32::try_from(first).ok()).unwrap_or_default();
            manager.trim_key(&permit, &name, first).await?;
        }
        _ => return Err(Refusal::not_found().into()),
    }
    Ok(Answer::Done)
}

pub(super) async fn export(
    State(manager): State<KeyManager>,
    permit: Permit<Export>,
    Path((purpose, name)): Path<(String, String)>,
) -> Answered {
    let purpose = purpose_of(&purpose)?;
    Ok(Answer::Data(manager.export_key(&permit, purpose, &name, None).await?))
}

pub(super) async fn export_version(
    State(manager): State<KeyManager>,
    permit: Permit<Export>,
    Path((purpose, name, version)): Path<(String, String, String)>,
) -> Answered {
    let purpose = purpose_of(&purpose)?;
    Ok(Answer::Data(manager.export_key(&permit, purpose, &name, Some(&version)).await?))
}

fn purpose_of(text: &str) -> Result<TransitPurpose, Refusal> {
    match text {
        "encryption-key" => Ok(TransitPurpose::Encryption),
        "signing-key" => Ok(TransitPurpose::Signing),
        "hmac-key" => Ok(TransitPurpose::Hmac),
        _ => Err(Refusal::invalid("invalid export type")),
    }
}

pub(super) async fn data_key(
    State(manager): State<KeyManager>,
    permit: Permit<Use>,
    Path((kind, name)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let in_clear = match kind.as_str() {
        "plaintext" => true,
        "wrapped" => false,
        _ => return Err(Refusal::invalid("invalid path, must be plaintext or wrapped").into()),
    };
    Ok(Answer::Data(manager.data_key(&permit, &name, in_clear, &fields.0).await?))
}

pub(super) async fn act(
    State(manager): State<KeyManager>,
    permit: Permit<Use>,
    Path((act, name)): Path<(String, String)>,
    fields: Fields,
) -> Answered {
    let act = match act.as_str() {
        "encrypt" => Act::Encrypt,
        "decrypt" => Act::Decrypt,
        "rewrap" => Act::Rewrap,
        "sign" => Act::Sign,
        "verify" => Act::Verify,
        "hmac" => Act::Hmac,
        _ => return Err(Refusal::not_found().into()),
    };
    let done = manager.use_key(&permit, act, &name, &fields.0).await?;
    Ok(Answer::DataAs(done.status, done.data))
}

/// The hash in the path, as `sign/NAME/sha2-256`.
pub(super) async fn act_with(
    State(manager): State<KeyManager>,
    permit: Permit<Use>,
    Path((which, name, algorithm)): Path<(String, String, String)>,
    mut fields: Fields,
) -> Answered {
    if !matches!(which.as_str(), "sign" | "verify" | "hmac") {
        return Err(Refusal::not_found().into());
    }
    fields.0.insert("hash_algorithm".to_owned(), algorithm.into());
    act(State(manager), permit, Path((which, name)), fields).await
}
