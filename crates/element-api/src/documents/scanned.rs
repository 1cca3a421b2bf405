//! Scanned intake: which intake an organisation trusts, and that intake's signed word on each file (JWS typ `sceau-intake-word`).
//!
//! Element, platform and every reader hold a manifest to these words by one function, [`Manifest::check_words`].

use std::net::IpAddr;

use sceau_crypto::{FileId, Typ, VerifyingKey, jws};
use sceau_trace::Hash;
use serde::{Deserialize, Serialize};

use super::{Manifest, SchemeDocument, SealedFile};
use crate::{Base64Url, DossierId};

/// The intake that an organisation trusts with its depositors' documents: where pages send them, and the key that signs for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeHost {
    /// Its web origin, `https://host[:port]`; `http` for loopback alone.
    pub url: String,
    /// Its public key (Ed25519, 32 raw bytes).
    pub key: Base64Url,
}

impl IntakeHost {
    /// The key that its words verify under.
    #[must_use]
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.key).ok()
    }

    /// Whether address and key are of their forms.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.verifying_key().is_some() && is_origin(&self.url)
    }
}

/// An intake's word on a file that it received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeWord {
    /// The dossier.
    pub dossier: DossierId,
    /// The file.
    pub file: FileId,
    /// What it found.
    pub found: Found,
}

/// What an intake found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case", deny_unknown_fields)]
pub enum Found {
    /// The antivirus found nothing in exactly what was sealed.
    Clean {
        /// The hash of the envelope.
        envelope_hash: Hash,
        /// Bytes that were scanned and sealed.
        size: u64,
        /// Parts of the envelope.
        parts: u32,
    },
    /// It was refused; nothing of it stays.
    Refused {
        /// The stable code of the reason.
        code: String,
    },
    /// It did not come to a verdict: cut, or no antivirus. Nothing of it stays.
    Withdrawn {},
}

impl IntakeWord {
    /// The word that `key` signed; none where it did not.
    #[must_use]
    pub fn verify(signed: &str, key: &VerifyingKey) -> Option<Self> {
        let payload = jws::verify(signed, Typ::IntakeWord, key).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// The file as a manifest names it, if it is clean.
    #[must_use]
    pub fn clean(&self) -> Option<SealedFile> {
        match self.found {
            Found::Clean { envelope_hash, size, parts } => {
                Some(SealedFile { file_id: self.file, envelope_hash, size, parts })
            }
            Found::Refused { .. } | Found::Withdrawn {} => None,
        }
    }

    /// Whether the file was judged, either way.
    #[must_use]
    pub fn is_verdict(&self) -> bool {
        self.found != Found::Withdrawn {}
    }

    /// Why it was refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.found {
            Found::Clean { .. } | Found::Withdrawn {} => None,
            Found::Refused { code } => Some(code),
        }
    }
}

/// A manifest whose files the trusted intake did not all find clean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordFault {
    /// There is not one word for each file, in the same order; or words where none belong.
    #[error("there is not one word of the intake for each file, and for none where documents come in sealed")]
    Missing,
    /// A word is not signed by the trusted intake.
    #[error("a word is not signed by the intake that the organisation trusts")]
    Signature,
    /// A word is about another dossier, another file or other bytes, or does not say that the file is clean.
    #[error("a word of the intake is not that this very file was found clean")]
    Another,
}

impl Manifest {
    /// Demands what its scheme demands: for scanned intake, for each file the word of the intake that the scheme names that exactly this file of
    /// this dossier was found clean; for sealed deposits no word at all.
    ///
    /// # Errors
    /// [`WordFault`]; nothing of the manifest is then to be taken or opened.
    pub fn check_words(&self, trusted: Option<&VerifyingKey>) -> Result<(), WordFault> {
        let Some(key) = trusted else {
            return if self.words.is_empty() { Ok(()) } else { Err(WordFault::Missing) };
        };
        if self.words.len() != self.files.len() {
            return Err(WordFault::Missing);
        }
        self.files.iter().zip(&self.words).try_for_each(|(file, signed)| {
            let word = IntakeWord::verify(signed, key).ok_or(WordFault::Signature)?;
            let about_it = word.dossier == self.dossier && word.clean().as_ref() == Some(file);
            if about_it { Ok(()) } else { Err(WordFault::Another) }
        })
    }
}

impl SchemeDocument {
    /// The key of the intake whose word each file needs; none where depositors seal.
    #[must_use]
    pub fn trusted_intake(&self) -> Option<VerifyingKey> {
        self.intake_host.as_ref().and_then(IntakeHost::verifying_key)
    }
}

/// `https://host[:port]`, or `http` on this machine.
fn is_origin(url: &str) -> bool {
    let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return false,
    };
    let usual = if secure { "443" } else { "80" };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let of_host = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let here = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    (1..=253).contains(&host.len())
        && host.bytes().all(of_host)
        && port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit())
                && port != usual
                && port.parse::<u16>().is_ok_and(|p| p > 0)
        })
        && (secure || here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_or_here() {
        for good in [
            "https://depot.example.org",
            "https://depot.example.org:8445",
            "http://depot.localhost:1",
            "http://127.0.0.1:8445",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "https://",
            "depot.example.org",
            "http://depot.example.org",
            "https://a/",
            "https://a/b",
            "https://a@b",
            "https://a:0",
            "https://a:+1",
            "https://a:99999",
            "https://a b",
            "https://A",
            "https://a?b",
            "ftp://a",
            "https://a:443",
            "http://localhost.example.org",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
