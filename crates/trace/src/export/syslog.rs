//! Syslog messages (RFC 5424).

use super::{LogEntry, VERSION, moment};

/// Log audit (§6.2.1).
const FACILITY: u8 = 13;
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;
/// The highest `sequenceId`; the one after is 1 again (§7.3.1).
const LAST_SEQUENCE: u64 = 2_147_483_647;

impl LogEntry {
    /// As one message, its fields as structured data under the private enterprise number `enterprise` (§7.2.2).
    pub fn to_syslog(&self, enterprise: u32) -> String {
        let mut data = format!("[sceau@{enterprise}");
        for (name, value) in self.parameters() {
            data.push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
        data.push(']');
        self.framed(&data, &self.words())
    }

    /// Around a message of another form, such as CEF.
    pub fn in_syslog(&self, message: &str) -> String {
        self.framed("", message)
    }

    fn framed(&self, data: &str, message: &str) -> String {
        let priority = FACILITY * 8 + if self.is_notable() { WARNING } else { INFORMATIONAL };
        let time = moment::rfc3339(self.time());
        let (host, id) = (printable(self.host(), 255), printable(self.action(), 32));
        let sequence = self.index() % LAST_SEQUENCE + 1;
        let standard =
            format!("[origin software=\"sceau\" swVersion=\"{VERSION}\"][meta sequenceId=\"{sequence}\"]");
        format!("<{priority}>1 {time} {host} sceau - {id} {standard}{data} {message}")
    }

    /// Names have at most 32 characters (§6.3.3), so that what has a name of its own is a value.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("log", self.origin.to_string()),
            ("index", self.index().to_string()),
            ("checkpointSize", self.size().to_string()),
            ("leaf", self.leaf().to_string()),
            ("action", self.action().to_owned()),
        ];
        let Some(record) = &self.record else { return all };
        all.push(("outcome", record.outcome().as_str().to_owned()));
        all.push(("actorKind", record.actor().kind.as_str().to_owned()));
        all.push(("actor", record.actor().id.clone()));
        all.push(("asserted", record.asserted().as_str().to_owned()));
        all.extend((!record.code().is_empty()).then(|| ("code", record.code().to_owned())));
        all.extend(record.organisation().map(|organisation| ("organisation", organisation.to_owned())));
        all.extend(self.subjects().into_iter().map(|subject| ("subject", subject)));
        all.extend(self.attested().map(|attested| ("attested", attested)));
        all.extend(record.detail().iter().map(|(name, value)| ("detail", format!("{name}={value}"))));
        all
    }
}

/// A value of structured data: backslash, quotation mark and closing bracket are escaped (§6.3.3).
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for letter in value.chars() {
        if matches!(letter, '\\' | '"' | ']') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A field of the header: printable ASCII without spaces, and nothing as `-` (§6).
fn printable(text: &str, longest: usize) -> String {
    let letters =
        text.chars().take(longest).map(|letter| if letter.is_ascii_graphic() { letter } else { '?' });
    let field: String = letters.collect();
    if field.is_empty() { "-".to_owned() } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_or_a_field_is_escaped() {
        assert_eq!(escaped(r#"a"b]c\d=é"#), r#"a\"b\]c\\d=é"#);
        assert_eq!(printable("a b\né", 9), "a?b??");
        assert_eq!(printable("", 9), "-");
        assert_eq!(printable("abcdef", 3), "abc");
    }
}
