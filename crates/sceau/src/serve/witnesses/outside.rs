//! Servers outside: how they are reached, how much of an answer is read, and what the log says of them.

use std::fmt;

use reqwest::{Certificate, Response};

use super::TraceSettings;
use crate::failure::{Exit, Failure};
use crate::serve::settings::authorities;

/// A client of the servers that watch over the log, or show theirs.
pub(super) fn http(settings: &TraceSettings) -> Result<reqwest::Client, Failure> {
    let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    if let Some(pem) = authorities(settings.ca_file.as_deref())? {
        let anchors = Certificate::from_pem_bundle(&pem).ok().filter(|anchors| !anchors.is_empty());
        let words = "trace.ca_file holds no certificate";
        http = http.tls_certs_only(anchors.ok_or_else(|| Failure::new(Exit::Usage, "settings", words))?);
    }
    http.build().map_err(|error| Failure::role("client of witnesses", &error))
}

/// Why an answer was not read.
#[derive(Debug)]
pub(super) enum Unread {
    Unreachable(reqwest::Error),
    TooLong,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "it cannot be reached: {error}"),
            Self::TooLong => write!(f, "its answer is too long"),
        }
    }
}

impl From<reqwest::Error> for Unread {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(error)
    }
}

/// The body of an answer, of at most `longest` bytes.
pub(super) async fn read_within(mut answer: Response, longest: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > longest {
            return Err(Unread::TooLong);
        }
    }
    Ok(body)
}

/// What was last said of a server, so that nothing is said twice.
#[derive(Debug, Default)]
pub(super) struct Trouble(Option<String>);

impl Trouble {
    /// Says what changed: `worse` with the words of a trouble that is new, `better` where there is none any more.
    pub(super) fn told(&mut self, now: Option<String>, worse: impl FnOnce(&str), better: impl FnOnce()) {
        match (&self.0, &now) {
            (before, Some(now)) if before.as_ref() != Some(now) => worse(now),
            (Some(_), None) => better(),
            _ => {}
        }
        self.0 = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn a_trouble_is_said_once_and_so_is_its_end() {
        let said = RefCell::new(Vec::new());
        let mut trouble = Trouble::default();
        for now in [None, Some("away"), Some("away"), Some("late"), None, None, Some("late")] {
            let worse = |words: &str| said.borrow_mut().push(words.to_owned());
            trouble.told(now.map(str::to_owned), worse, || said.borrow_mut().push("well".to_owned()));
        }
        assert_eq!(said.into_inner(), ["away", "late", "well", "late"]);
    }
}
