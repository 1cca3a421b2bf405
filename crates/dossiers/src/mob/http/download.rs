//! Fetching a sealed file: by default as MOB sends it, each byte as a code point in UTF-8; raw for who says so.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, VARY};
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use sceau_store::ObjectName;
use sceau_trace::Action;

use super::callers::{Funder, Reader};
use super::refusal::{Answer, Code};
use super::rows::Status;
use super::{MobHost, record};
use crate::Fault;

/// `GET /v1/subscriptions/{id}/attachments/{filename}`.
pub(super) async fn fetch(
    State(host): State<MobHost>,
    Path((id, name)): Path<(String, String)>,
    caller: Funder,
    headers: HeaderMap,
) -> Answer<Response> {
    let request = host.readable(&Reader::Funder(caller.clone()), &id, Action::DOCUMENT_FETCH).await?;
    let draft = record(caller.actor(), Action::DOCUMENT_FETCH, &id, request.funder);
    if !matches!(request.status, Status::ToProcess | Status::Validated) {
        return Err(host.refused(draft, Code::Denied.into()).await);
    }
    let attachments = host.attachments(&id).await?;
    let file = attachments.iter().find(|file| file.name == name).ok_or(Code::NoAttachment)?;
    let parts = host.sealed_parts(&id, &file.name).await?;
    let draft = draft.subject("file", &file.hash);
    // The first part is there before anything is answered; what fails later cuts the answer.
    let first = match parts.first() {
        Some((object, digest)) => host.part(object, digest).await?,
        None => return Err(Code::Tampered.into()),
    };
    host.dossiers().element().append(draft.granted()).await?;
    let raw = wants_raw(&headers);
    let rest = stream::iter(parts.into_iter().skip(1)).then(move |(object, digest)| {
        let host = host.clone();
        async move {
            host.part(&object, &digest)
                .await
                .map_err(|refusal| std::io::Error::other(refusal.code().as_str()))
        }
    });
    let whole = stream::once(async { Ok::<_, std::io::Error>(first) }).chain(rest);
    Ok(answer(raw, whole))
}

fn answer(raw: bool, whole: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static) -> Response {
    let body = if raw {
        Body::from_stream(whole)
    } else {
        Body::from_stream(whole.map(|part| Ok::<_, std::io::Error>(widened(&part?))))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let kind = if raw { "application/octet-stream" } else { "application/octet-stream; charset=utf-8" };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// Each byte as the code point of its number, in UTF-8: what MOB's page undoes.
fn widened(bytes: &[u8]) -> Bytes {
    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()
}

/// Whether the type is named: what accepts anything gets what MOB always sent.
fn wants_raw(headers: &HeaderMap) -> bool {
    let named = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let none = parts.any(|it| it.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0));
        kind.eq_ignore_ascii_case("application/octet-stream") && !none
    };
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(named))
}

impl MobHost {
    /// A part, if it is the one that was stored.
    async fn part(&self, object: &ObjectName, digest: &[u8]) -> Answer<Bytes> {
        let bytes = self.dossiers().objects.get(object).await?;
        match bytes.filter(|bytes| sceau_crypto::sha256(bytes).as_slice() == digest) {
            Some(bytes) => Ok(bytes),
            None => {
                let fault = Fault::Tampered { kind: "part", id: object.as_str().to_owned() };
                self.dossiers().note_tampering(&fault).await;
                Err(Code::Tampered.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn bytes_are_widened_as_a_page_undoes() {
        let all: Vec<u8> = (0..=255).collect();
        let text = String::from_utf8(widened(&all).to_vec()).unwrap();
        let undone: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        assert_eq!(undone, all);
        assert_eq!(text.len(), 128 + 2 * 128, "half as much again");
    }

    #[test]
    fn raw_bytes_are_for_who_names_them() {
        let asked = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            wants_raw(&headers)
        };
        assert!(asked("application/octet-stream"));
        assert!(asked("text/plain, Application/Octet-Stream;q=0.5"));
        for accept in
            ["*/*", "application/json, text/plain, */*", "application/*", "application/octet-stream;q=0"]
        {
            assert!(!asked(accept), "{accept}");
        }
        assert!(!wants_raw(&HeaderMap::new()));
    }
}
