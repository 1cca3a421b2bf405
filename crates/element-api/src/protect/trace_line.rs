//! Who was given a datum's key, or denied it, as lines of a fixed form that the element authenticates. `docs/trace-lines.md` says what each field is.

use sceau_trace::{VerifierKey, rfc3339};
use serde::{Deserialize, Serialize};

use super::{Access, DatumId, UserId};

/// The most lines that are asked about at once.
pub const MOST_TRACE_LINES: usize = 256;

/// A line, its fields in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceLine {
    /// Version of the form, 1.0.
    #[serde(rename = "Version")]
    pub version: String,
    /// A number that no other line of any log has.
    #[serde(rename = "Global-ID")]
    pub global_id: String,
    /// Index of the record in this element's log.
    #[serde(rename = "DCS-ID")]
    pub dcs_id: String,
    /// The datum, base64 of 32 octets.
    #[serde(rename = "Id-Mi")]
    pub id_mi: String,
    /// When, RFC 3339 with milliseconds, in UTC.
    #[serde(rename = "Date")]
    pub date: String,
    /// The user, in the application's words; empty where that is forgotten.
    #[serde(rename = "User")]
    pub user: String,
    /// Where the call came from; empty where that is not known, or forgotten.
    #[serde(rename = "IP")]
    pub ip: String,
    /// What became of it.
    #[serde(rename = "Action")]
    pub action: String,
    /// Base64 of the tag over all of these.
    #[serde(rename = "Signature")]
    pub signature: String,
}

/// Some of the lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceLines {
    /// The lines; none where none of the records that were looked at makes one.
    pub lines: Vec<TraceLine>,
    /// Where to go on, by index; the log's size, where it is at its end.
    pub next: u64,
}

impl TraceLine {
    /// The line of an access to the datum, without its tag; none where it neither gave nor denied the datum's key.
    #[must_use]
    pub fn unsigned(log: &VerifierKey, datum: &DatumId, access: &Access) -> Option<Self> {
        if !matches!(access.action.as_str(), "datum.create" | "datum.open") {
            return None;
        }
        let action = if access.refused.is_some() { "ACCESS DENIED" } else { "ACCESS GRANTED" };
        Some(Self {
            version: "1.0".to_owned(),
            global_id: global_id(log, access.index).to_string(),
            dcs_id: access.index.to_string(),
            id_mi: base64(datum.as_bytes()),
            date: rfc3339(access.time),
            user: words(&access.user),
            ip: access.address.map(|address| address.to_string()).unwrap_or_default(),
            action: action.to_owned(),
            signature: String::new(),
        })
    }

    /// With its tag.
    #[must_use]
    pub fn signed(self, tag: &[u8; 32]) -> Self {
        Self { signature: base64(tag), ..self }
    }

    /// What the tag is over: of each field but itself, in their order, the length (4 octets, big-endian) and the UTF-8 text.
    #[must_use]
    pub fn authenticated(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let [fields @ .., _] = self.fields();
        for (_, field) in fields {
            // A line is far below 4 GiB.
            bytes.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        bytes
    }

    /// Names and texts, in their order.
    fn fields(&self) -> [(&'static str, &str); 9] {
        [
            ("Version", &self.version),
            ("Global-ID", &self.global_id),
            ("DCS-ID", &self.dcs_id),
            ("Id-Mi", &self.id_mi),
            ("Date", &self.date),
            ("User", &self.user),
            ("IP", &self.ip),
            ("Action", &self.action),
            ("Signature", &self.signature),
        ]
    }
}

/// As it is written: a JSON object on one line, with a space after each colon and comma.
impl std::fmt::Display for TraceLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (name, text)) in self.fields().into_iter().enumerate() {
            let text = serde_json::to_string(text).map_err(|_| std::fmt::Error)?;
            write!(f, "{}\"{name}\": {text}", if at == 0 { "{" } else { ", " })?;
        }
        f.write_str("}")
    }
}

/// The key id of the log (C2SP signed-note), which is in its verifier key, before the index.
fn global_id(log: &VerifierKey, index: u64) -> u128 {
    (u128::from(u32::from_be_bytes(log.id())) << 64) | u128::from(index)
}

/// Empty where it is forgotten.
fn words<'a>(user: impl Into<Option<&'a UserId>>) -> String {
    user.into().map(|user| user.as_str().to_owned()).unwrap_or_default()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
