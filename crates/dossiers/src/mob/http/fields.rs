//! Single fields of what callers send: each is as it must be, or the refusal names it, and repeats nothing of it.

use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::refusal::{Answer, Code, Refusal};

/// JSON of a shape.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => {
            // The message may hold what was sent; where it stands does not.
            let at = format!(
                "line {} column {}: a field is missing or not of its type",
                error.line(),
                error.column()
            );
            Refusal::because(Code::Invalid, at)
        }
        _ => Code::NotJson.into(),
    })
}

/// A field that is not what it must be.
pub(super) fn wrong(field: &str, must_be: &str) -> Refusal {
    Refusal::because(Code::Invalid, format!("{field}: {must_be}"))
}

/// A text of at least one character and at most so many, without control characters but the line feed.
pub(super) fn bounded(field: &str, text: &str, most: usize) -> Answer<()> {
    let length = text.chars().count();
    let good = (1..=most).contains(&length) && !text.chars().any(|c| c.is_control() && c != '\n');
    if good { Ok(()) } else { Err(wrong(field, &format!("1 to {most} characters"))) }
}

/// The same on one line: a citizen's id that no reply could name would be a subscription that nobody can decide.
pub(super) fn line(field: &str, text: &str, most: usize) -> Answer<()> {
    if text.contains('\n') { Err(wrong(field, "one line")) } else { bounded(field, text, most) }
}

/// A date and time (RFC 3339).
pub(super) fn date(field: &str, text: &str) -> Answer<()> {
    OffsetDateTime::parse(text, &Rfc3339).map(drop).map_err(|_| wrong(field, "a date and time (RFC 3339)"))
}

/// A web address that names nobody and no password.
pub(super) fn address(field: &str, text: &str) -> Answer<()> {
    let good = text.len() <= 2048
        && Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
        });
    if good { Ok(()) } else { Err(wrong(field, "a web address")) }
}
