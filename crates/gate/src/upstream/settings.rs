//! What the file says of how services are checked.

use std::time::Duration;

use hyper::http::{
    HeaderValue,
    uri::{Authority, PathAndQuery},
};
use serde::Deserialize;

use super::{
    check::{Check, Question},
    standing::Counts,
};
use crate::{error::Error, units::Span};

/// `check` of a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CheckTable {
    path: Option<String>,
    host: Option<String>,
    status: Option<Vec<u16>>,
    every: Span,
    within: Span,
    healthy: u32,
    unhealthy: u32,
}

impl Default for CheckTable {
    fn default() -> Self {
        Self {
            path: None,
            host: None,
            status: None,
            every: Span(Duration::from_secs(5)),
            within: Span(Duration::from_secs(2)),
            healthy: 2,
            unhealthy: 3,
        }
    }
}

/// Beyond, a service would stay in its turn, or out of it, for hours.
const MOST: std::ops::RangeInclusive<u32> = 1..=100;

impl CheckTable {
    /// # Errors
    /// [`Error::Setting`], whose name begins with `setting`.
    pub(super) fn read(&self, setting: &str) -> Result<Check, Error> {
        let wrong = |name: &str, reason: &'static str| Error::setting(format!("{setting}.{name}"), reason);
        let counts = [("healthy", self.healthy), ("unhealthy", self.unhealthy)];
        if let Some((name, _)) = counts.into_iter().find(|(_, count)| !MOST.contains(count)) {
            return Err(wrong(name, "how many checks in a row: from 1 to 100"));
        }
        let counts = Counts { healthy: self.healthy, unhealthy: self.unhealthy };
        let Some(path) = &self.path else {
            let others = [("host", self.host.is_some()), ("status", self.status.is_some())];
            let named = others.into_iter().find(|(_, is_there)| *is_there);
            return match named {
                Some((name, _)) => Err(wrong(name, "without `path` nothing is asked: name it")),
                None => Ok(Check { question: None, every: self.every.0, within: self.within.0, counts }),
            };
        };
        let path = path.parse::<PathAndQuery>().ok().filter(|_| path.starts_with('/'));
        let path =
            path.ok_or_else(|| wrong("path", "a path begins with a slash, and has letters of ASCII"))?;
        let host = self.host.as_ref().map(|host| {
            let authority = host.parse::<Authority>().ok().filter(|it| !it.as_str().contains('@'));
            let value = authority.as_ref().and_then(|it| HeaderValue::from_str(it.as_str()).ok());
            value.ok_or_else(|| wrong("host", "this is no host"))
        });
        let status = self.status.clone().unwrap_or_default();
        if self.status.is_some() && (status.is_empty() || !status.iter().all(|it| (200..600).contains(it))) {
            return Err(wrong("status", "numbers from 200 to 599, at least one"));
        }
        let question = Some(Question { path, host: host.transpose()?, status });
        Ok(Check { question, every: self.every.0, within: self.within.0, counts })
    }
}
