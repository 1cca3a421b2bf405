//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Unix milliseconds.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Unix milliseconds as RFC 3339 writes them, in UTC; of what no calendar holds, the number.
pub(crate) fn written(at: u64) -> String {
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000);
    let date = date.ok().and_then(|date| date.format(&Rfc3339).ok());
    date.unwrap_or_else(|| at.to_string())
}
