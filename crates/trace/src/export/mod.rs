//! Entries of the log as the systems of a security operations centre take them: syslog (RFC 5424), CEF, OCSF, OpenTelemetry.
//!
//! What comes out says what the public log says: ids, hashes, codes and commitments, and no person.

mod cef;
pub(crate) mod moment;
mod ocsf;
mod otlp;
mod syslog;

pub use moment::rfc3339;
pub use otlp::otlp_logs;

use std::sync::Arc;

use crate::{Hash, Outcome, Record, leaf_hash};

const PRODUCT: &str = "Sceau";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One entry of a log, to be told elsewhere. An entry that is no record of a version that we know is told too, as such: an export leaves none out.
#[derive(Debug, Clone)]
pub struct LogEntry {
    origin: Arc<str>,
    index: u64,
    size: u64,
    leaf: Hash,
    raw: String,
    record: Option<Record>,
    observed: u64,
}

impl LogEntry {
    /// Entry `index` of the log of that name, as of a checkpoint of `size` entries, from its exact bytes; `observed` is when it was read (Unix milliseconds).
    pub fn read(origin: &Arc<str>, index: u64, size: u64, bytes: &[u8], observed: u64) -> Self {
        LogEntry {
            origin: Arc::clone(origin),
            index,
            size,
            leaf: leaf_hash(bytes),
            raw: String::from_utf8_lossy(bytes).into_owned(),
            record: Record::parse(bytes).ok(),
            observed,
        }
    }

    /// Where it is in the log.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Of how many entries the checkpoint was that signs it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its leaf hash: what a proof of inclusion is about.
    pub fn leaf(&self) -> Hash {
        self.leaf
    }

    /// When it was done; of what cannot be read, when it was seen.
    fn time(&self) -> u64 {
        self.record.as_ref().map_or(self.observed, Record::time)
    }

    fn action(&self) -> &str {
        self.record.as_ref().map_or("unknown", |record| record.action().as_str())
    }

    fn outcome(&self) -> Option<Outcome> {
        self.record.as_ref().map(Record::outcome)
    }

    /// Whether somebody should look at it: what was refused, and an application whose users are not proven any more.
    fn is_notable(&self) -> bool {
        let detail = |name: &str| self.record.as_ref()?.detail().get(name).map(String::as_str);
        let unproven = detail("users") == Some("asserted") && detail("users_before") == Some("proven");
        unproven || self.outcome() == Some(Outcome::Refused)
    }

    /// The host that the log is named after.
    fn host(&self) -> &str {
        self.origin.split('/').next().unwrap_or_default()
    }

    /// One line in ASCII: `application datum.open refused (user_not_authorised)`.
    fn words(&self) -> String {
        let Some(record) = &self.record else {
            return "an entry of a kind that this program does not know".to_owned();
        };
        let words =
            format!("{} {} {}", record.actor().kind.as_str(), record.action(), record.outcome().as_str());
        if record.code().is_empty() { words } else { format!("{words} ({})", record.code()) }
    }

    /// What the act was about: `datum:…`.
    fn subjects(&self) -> Vec<String> {
        let subjects = self.record.iter().flat_map(|record| record.subjects());
        subjects.map(|subject| format!("{}:{}", subject.kind, subject.id)).collect()
    }

    /// The version that it attests: `manifest:…#2`.
    fn attested(&self) -> Option<String> {
        let attested = self.record.as_ref()?.attested()?;
        Some(format!("{}:{}#{}", attested.kind, attested.id, attested.version))
    }
}

#[cfg(test)]
mod tests;
