//! Results on standard output, remarks on standard error: a script reads the one, a person both.

use std::io::Write;

use serde_json::Value;

use crate::failure::Failure;

/// A remark for a person. Nobody listening is no failure.
pub(crate) fn remark(text: &str) {
    let _unheard = writeln!(std::io::stderr().lock(), "{text}");
}

/// A result for a person, on standard output.
pub(crate) fn result(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// A result for a script: one line of JSON on standard output.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    bytes(format!("{value}\n").as_bytes())
}

/// The same, on standard error where the bytes of a file have taken standard output.
pub(crate) fn json_beside(value: &Value, output_taken: bool) -> Result<(), Failure> {
    if output_taken {
        remark(&value.to_string());
        return Ok(());
    }
    json(value)
}

/// Bytes on standard output.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    output
        .write_all(bytes)
        .and_then(|()| output.flush())
        .map_err(|cause| Failure::system("write to standard output", &cause))
}

/// A size in words: `1,234,567 bytes (1.2 MiB)`.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        1 => "1 byte".to_owned(),
        0..1024 => format!("{bytes} bytes"),
        _ => format!("{} bytes ({})", count(bytes), indicatif::BinaryBytes(bytes)),
    }
}

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `1 part`, `2 parts`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// The day of a time in Unix milliseconds: `2026-11-21`, in UTC.
pub(crate) fn day(milliseconds: u64) -> String {
    let seconds = i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
    let form = time::macros::format_description!("[year]-[month]-[day]");
    let day = time::OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|time| time.format(form).ok());
    day.unwrap_or_else(|| "-".to_owned())
}

/// Hexadecimal in groups of four, as people compare it aloud.
pub(crate) fn grouped(hex: &str) -> String {
    let mut text = String::with_capacity(hex.len() * 5 / 4);
    for (at, character) in hex.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(character);
    }
    text
}
