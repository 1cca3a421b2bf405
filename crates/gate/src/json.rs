//! JSON that does nothing to whoever looks at it.

use sceau_pki::acts_on_text;

/// JSON of ASCII alone: what looks like another letter, turns the line around or moves a terminal's cursor is seen for what it is.
pub(crate) fn ascii(json: &str) -> String {
    escaped(json, |letter| !letter.is_ascii() || letter == '\u{7f}')
}

/// JSON in which letters stay as they are but for those that turn a line around or are not seen.
pub(crate) fn harmless(json: &str) -> String {
    escaped(json, acts_on_text)
}

/// Within JSON without spaces of its own between lines, such letters stand in strings alone.
fn escaped(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut all = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_escaped(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                all.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            all.push(letter);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn nothing_of_a_name_acts_on_whoever_reads_the_line() {
        let name = "a\u{202e}b\u{7f}\u{9b}31m\u{2028}\n\u{430}😀é";
        let line = ascii(&json!({"name": name}).to_string());
        assert!(line.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["name"], name, "and nothing is lost");
    }

    #[test]
    fn letters_stay_letters_where_they_do_nothing() {
        let name = "Élise \u{202e}b\u{7f}\u{200b}\u{2028}\n\u{430}😀";
        let line = harmless(&json!({"name": name}).to_string());
        assert_eq!(line, "{\"name\":\"Élise \\u202eb\\u007f\\u200b\\u2028\\n\u{430}😀\"}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["name"], name);
    }
}
