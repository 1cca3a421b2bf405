//! The body of an HTTP error: a problem document (RFC 9457) with a stable code. No web framework here.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document (RFC 9457 section 3). `code` is what programs match on; `title` and `detail` are for people.
///
/// What a person is told never holds an internal cause, a key, a token or personal data: those stay in no document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{status} {code}: {title}")]
pub struct Problem {
    /// A URI reference for the kind of problem, `urn:sceau:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// A short summary that does not change from one occurrence to the next.
    pub title: Cow<'static, str>,
    /// The HTTP status code.
    pub status: u16,
    /// The stable code, in snake case.
    pub code: Cow<'static, str>,
    /// What to do about this occurrence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Problem {
    /// A problem with a status, a stable code and a title.
    #[must_use]
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        Self {
            kind: format!("urn:sceau:problem:{code}").into(),
            title: title.into(),
            status,
            code,
            detail: None,
        }
    }

    /// Adds what to do about this occurrence.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl From<&crate::wire::Refusal> for Problem {
    /// A refusal of the element, as the platform's API answers it.
    fn from(refusal: &crate::wire::Refusal) -> Self {
        Self::new(refusal.code.http_status(), refusal.code.as_str(), refusal.code.title())
            .with_detail(refusal.detail.clone())
    }
}
