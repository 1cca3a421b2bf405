//! One question to a server that publishes lists: conditional, bounded in size and time, on a connection that ends with it.

use std::time::Duration;

use bytes::Bytes;
use hyper::{
    Method, StatusCode, Uri,
    header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
};

use super::cache::Note;
use crate::question::{self, Unanswered};

/// How much is taken, and how long all of it may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) octets: usize,
    pub(crate) time: Duration,
}

/// What a server answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A list, and what to ask with next time.
    Body(Vec<u8>, Note),
    /// None newer than the one that was asked with.
    NotModified,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Unanswered(#[from] Unanswered),
    #[error("the server answers {0}, and redirections are not followed")]
    Status(StatusCode),
    #[error("the server takes longer than `time_out` in [lists]")]
    TooSlow,
}

impl Failure {
    /// The stable code, for the log and for metrics.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unanswered(Unanswered::Unreachable(_)) => "list_away",
            Self::Unanswered(Unanswered::Broken(_)) => "list_broken",
            Self::Unanswered(Unanswered::TooLarge(_)) => "list_too_large",
            Self::Status(_) => "list_status",
            Self::TooSlow => "list_too_slow",
        }
    }
}

/// Asks for a list, unless it is the one that `known` speaks of.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn fetch(uri: &Uri, known: &Note, limits: Limits) -> Result<Answer, Failure> {
    tokio::time::timeout(limits.time, ask(uri, known, limits.octets)).await.map_err(|_| Failure::TooSlow)?
}

async fn ask(uri: &Uri, known: &Note, octets: usize) -> Result<Answer, Failure> {
    let conditions = [(IF_NONE_MATCH, &known.tag), (IF_MODIFIED_SINCE, &known.modified)];
    let conditions = conditions.into_iter().filter_map(|(name, value)| {
        let value = HeaderValue::from_str(value.as_deref()?).ok()?;
        Some((name, value))
    });
    let conditions: HeaderMap = conditions.collect();
    let is_conditional = !conditions.is_empty();
    let answer = question::ask(uri, Method::GET, conditions, Bytes::new()).await?;
    match answer.status {
        // Of a list that was not asked with there is nothing that could be the same (RFC 9110 §15.4.5).
        StatusCode::NOT_MODIFIED if is_conditional => return Ok(Answer::NotModified),
        StatusCode::OK => {}
        other => return Err(Failure::Status(other)),
    }
    let note = Note {
        of: Vec::new(),
        fetched: None,
        tag: text(&answer.headers, &ETAG),
        modified: text(&answer.headers, &LAST_MODIFIED),
    };
    Ok(Answer::Body(answer.body(octets).await?.to_vec(), note))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
