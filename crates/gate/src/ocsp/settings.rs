//! What the file says of responders.

use std::time::Duration;

use hyper::{Uri, http::uri::Scheme};
use sceau_pki::Preferred;
use serde::Deserialize;

use super::call::{Manner, Nonce};
use crate::units::Span;

/// `ocsp` of some clients.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OcspTable {
    responder: Option<String>,
    deadline: Span,
    nonce: NonceWord,
    prefer: PreferWord,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum NonceWord {
    Sent,
    Demanded,
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PreferWord {
    Ocsp,
    List,
}

impl Default for OcspTable {
    fn default() -> Self {
        let deadline = Span(Duration::from_secs(2));
        Self { responder: None, deadline, nonce: NonceWord::Sent, prefer: PreferWord::Ocsp }
    }
}

impl OcspTable {
    /// Whom to ask and how, and who is asked first. `usual` is asked where the table names nobody; without it, whom each certificate names.
    ///
    /// # Errors
    /// What to write instead.
    pub(crate) fn read(&self, usual: Option<&str>) -> Result<(Manner, Preferred), &'static str> {
        let responder =
            self.responder.as_deref().or(usual).map(|text| http_address(text).ok_or(SHAPE)).transpose()?;
        let nonce = match self.nonce {
            NonceWord::Sent => Nonce::Sent,
            NonceWord::Demanded => Nonce::Demanded,
            NonceWord::None => Nonce::None,
        };
        let preferred = match self.prefer {
            PreferWord::Ocsp => Preferred::Ocsp,
            PreferWord::List => Preferred::List,
        };
        Ok((Manner { responder, deadline: self.deadline.0, nonce }, preferred))
    }
}

const SHAPE: &str = "the responder's address begins with http:// (its answers are signed)";

/// An address that may be called.
pub(super) fn http_address(text: &str) -> Option<Uri> {
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.scheme() == Some(&Scheme::HTTP))?;
    uri.authority().is_some_and(|it| !it.as_str().contains('@')).then_some(uri)
}
