//! Key-value pairs.

use axum::extract::{Path, State};
use axum::http::{Method, Uri};
use serde_json::json;

use super::answer::{Answer, Answered, Fields};
use super::keys::is_list;
use crate::manager::KeyManager;
use crate::transit::{KvRead, KvWrite, LiveToken, Permit, Refusal};

pub(super) async fn read(
    State(manager): State<KeyManager>,
    permit: Permit<KvRead>,
    Path(path): Path<String>,
    uri: Uri,
) -> Answered {
    let query = uri.query().unwrap_or_default();
    let version = query.split('&').find_map(|pair| pair.strip_prefix("version="));
    let data = manager.kv_read(&permit, &path, version).await?;
    // A version that was deleted is not there, and its metadata is.
    let status = if data.get("data").is_some_and(|data| data.is_null()) { 404 } else { 200 };
    Ok(Answer::DataAs(status, data))
}

pub(super) async fn write(
    State(manager): State<KeyManager>,
    permit: Permit<KvWrite>,
    Path(path): Path<String>,
    fields: Fields,
) -> Answered {
    Ok(Answer::Data(manager.kv_write(&permit, &path, &fields.0).await?))
}

pub(super) async fn delete(
    State(manager): State<KeyManager>,
    permit: Permit<KvWrite>,
    Path(path): Path<String>,
) -> Answered {
    manager.kv_delete(&permit, &path).await?;
    Ok(Answer::Done)
}

/// Reads, lists or forgets: the method LIST is none that a router knows.
pub(super) async fn metadata(
    State(manager): State<KeyManager>,
    token: LiveToken,
    Path(path): Path<String>,
    method: Method,
    uri: Uri,
) -> Answered {
    if method == Method::DELETE {
        manager.kv_forget(&token.permit::<KvWrite>()?, &path).await?;
        return Ok(Answer::Done);
    }
    let permit = token.permit::<KvRead>()?;
    if is_list(&method, &uri) {
        return Ok(Answer::Data(json!({"keys": manager.kv_list(&permit, &path).await?})));
    }
    if method != Method::GET {
        return Err(Refusal::not_found().into());
    }
    Ok(Answer::Data(manager.kv_metadata(&permit, &path).await?))
}

pub(super) async fn list_all(
    State(manager): State<KeyManager>,
    permit: Permit<KvRead>,
    method: Method,
    uri: Uri,
) -> Answered {
    if !is_list(&method, &uri) {
        return Err(Refusal::not_found().into());
    }
    Ok(Answer::Data(json!({"keys": manager.kv_list(&permit, "").await?})))
}
