//! ArcSight's Common Event Format (CEF), version 0.

use super::{LogEntry, PRODUCT, VERSION};

/// Of 10.
const NOTABLE: u8 = 6;
const ORDINARY: u8 = 2;

impl LogEntry {
    /// As one line.
    pub fn to_cef(&self) -> String {
        let severity = if self.is_notable() { NOTABLE } else { ORDINARY };
        let header = [PRODUCT, PRODUCT, VERSION, self.action(), &self.words()].map(in_header).join("|");
        let fields: Vec<String> =
            self.extension().iter().map(|(key, value)| format!("{key}={}", in_extension(value))).collect();
        format!("CEF:0|{header}|{severity}|{}", fields.join(" "))
    }

    /// Keys of CEF's dictionary; what it has no key for, as custom strings with labels.
    fn extension(&self) -> Vec<(String, String)> {
        let named = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let mut all = vec![
            named("rt", &self.time().to_string()),
            named("dvchost", self.host()),
            named("deviceExternalId", &self.origin),
            named("externalId", &self.index().to_string()),
            named("act", self.action()),
            named("cn1Label", "checkpointSize"),
            named("cn1", &self.size().to_string()),
        ];
        let mut custom = vec![("leafHash", self.leaf().to_string())];
        if let Some(record) = &self.record {
            all.push(named("outcome", record.outcome().as_str()));
            all.push(named("suid", &record.actor().id));
            all.push(named("spriv", record.actor().kind.as_str()));
            all.extend((!record.code().is_empty()).then(|| named("reason", record.code())));
            custom.push(("asserted", record.asserted().as_str().to_owned()));
            custom
                .extend(record.organisation().map(|organisation| ("organisation", organisation.to_owned())));
            custom.push(("subjects", self.subjects().join(" ")));
            custom.extend(self.attested().map(|attested| ("attested", attested)));
            let detail: Vec<String> =
                record.detail().iter().map(|(name, value)| format!("{name}={value}")).collect();
            custom.push(("detail", detail.join(" ")));
        }
        let custom = custom.into_iter().filter(|(_, value)| !value.is_empty());
        for (number, (label, value)) in (1..).zip(custom) {
            all.push((format!("cs{number}Label"), label.to_owned()));
            all.push((format!("cs{number}"), value));
        }
        all
    }
}

/// Backslash and pipe are escaped; a header has one line.
fn in_header(text: &str) -> String {
    text.replace('\\', r"\\").replace('|', r"\|").replace(['\r', '\n'], " ")
}

/// Backslash and equals sign are escaped, and ends of lines written.
fn in_extension(text: &str) -> String {
    text.replace('\\', r"\\").replace('=', r"\=").replace('\r', r"\r").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_escaped() {
        assert_eq!(in_header("a|b\\c\nd=e"), r"a\|b\\c d=e");
        assert_eq!(in_extension("a|b\\c\nd=e"), r"a|b\\c\nd\=e");
    }
}
