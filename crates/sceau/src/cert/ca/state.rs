//! What an authority remembers: the number of its last list, what it issued, and what it took back.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sceau_hsm::durable::write_public;
use sceau_pki::{RevocationReason, Revoked};
use serde::{Deserialize, Serialize};

use crate::command::input::read_small;
use crate::failure::{Exit, Failure};

/// A million certificates that were taken back.
const LONGEST: u64 = 128 << 20;

/// `authority.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Of the last list.
    list_number: u64,
    revoked: Vec<Entry>,
    /// Serial numbers of what it issued, hexadecimal; none in a folder that began before that was remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Hexadecimal.
    serial: String,
    /// Unix milliseconds.
    at: u64,
    reason: String,
}

impl State {
    /// Of a new authority.
    pub(super) fn new() -> Self {
        Self { issued: Some(Vec::new()), ..Self::default() }
    }

    /// Remembers that a certificate was issued.
    pub(super) fn issue(&mut self, serial: &str) {
        self.issued.iter_mut().for_each(|issued| issued.push(serial.to_owned()));
    }

    /// What was issued, where that is known.
    pub(super) fn issued(&self) -> Option<HashSet<Vec<u8>>> {
        let issued = self.issued.as_ref()?;
        Some(issued.iter().filter_map(|serial| hex::decode(serial).ok()).collect())
    }

    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let bytes = read_small(&path(folder), LONGEST, "an authority's memory")?;
        serde_json::from_slice(&bytes).map_err(|_| damaged(folder))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n"; // string keys only: cannot fail
        Ok(write_public(&path(folder), text.as_bytes())?)
    }

    /// Whether it was not there yet.
    pub(super) fn revoke(&mut self, serial: &str, at: u64, reason: RevocationReason) -> bool {
        let new = self.revoked.iter().all(|entry| entry.serial != serial);
        if new {
            self.revoked.push(Entry { serial: serial.to_owned(), at, reason: reason.as_str().to_owned() });
        }
        new
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.list_number += 1;
        self.list_number
    }

    pub(super) fn revoked(&self) -> Result<Vec<Revoked>, Failure> {
        let one = |entry: &Entry| {
            let serial = hex::decode(&entry.serial).ok()?;
            Some(Revoked { serial, at: entry.at, reason: RevocationReason::parse(&entry.reason)? })
        };
        let all: Option<Vec<_>> = self.revoked.iter().map(one).collect();
        all.ok_or_else(|| {
            Failure::new(
                Exit::Input,
                "authority_damaged",
                "the authority's memory holds something that it did not write",
            )
        })
    }
}

pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("authority.json")
}

fn damaged(folder: &Path) -> Failure {
    let words = format!("{} is damaged: without it nobody knows what was taken back", path(folder).display());
    Failure::new(Exit::Input, "authority_damaged", words)
}
