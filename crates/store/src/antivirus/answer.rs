//! What a daemon answers, in the `z` form: one text, ended by one zero byte, and nothing after it.

use super::{AntivirusError, Verdict};

/// The longest answer that is read.
pub(super) const LONGEST: usize = 1024;

/// The verdict that `bytes`, everything that the daemon wrote, holds.
///
/// # Errors
/// Whatever is not word for word a verdict.
pub(super) fn verdict(bytes: &[u8]) -> Result<Verdict, AntivirusError> {
    let Some((0, text)) = bytes.split_last() else {
        return Err(if bytes.len() < LONGEST { AntivirusError::Lost } else { AntivirusError::Garbage });
    };
    let text = std::str::from_utf8(text).map_err(|_| AntivirusError::Garbage)?;
    if text.chars().any(char::is_control) {
        return Err(AntivirusError::Garbage);
    }
    if text == "stream: OK" {
        return Ok(Verdict::Clean);
    }
    if text.starts_with("INSTREAM size limit exceeded") {
        return Err(AntivirusError::TooLarge);
    }
    if let Some(reason) = text.strip_suffix(" ERROR") {
        return Err(AntivirusError::Failed(reason.to_owned()));
    }
    match text.strip_prefix("stream: ").and_then(|rest| rest.strip_suffix(" FOUND")) {
        Some(name) if !name.is_empty() => Ok(Verdict::Infected { name: name.to_owned() }),
        _ => Err(AntivirusError::Garbage),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn only_the_whole_word_is_clean() {
        assert_eq!(verdict(b"stream: OK\0").unwrap(), Verdict::Clean);
        for answer in [
            &b""[..],
            b"stream: OK",
            b"stream: OK\n",
            b"stream: OK\0\0",
            b"stream: OK\0stream: OK\0",
            b"stream: O\0",
            b"Stream: OK\0",
            b" stream: OK\0",
            b"stream:  FOUND\0",
            b"1: stream: OK\0",
            b"stream: OK. ERROR\0",
            b"\xff\xfe\0",
            b"\0",
        ] {
            assert!(verdict(answer).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn each_answer_of_the_protocol_is_told_apart() {
        let found = verdict(b"stream: Win.Test.EICAR_HDB-1 FOUND\0").unwrap();
        assert_eq!(found, Verdict::Infected { name: "Win.Test.EICAR_HDB-1".into() });
        // What it could not look into was not found clean.
        for name in ["Heuristics.Encrypted.PDF", "Heuristics.Limits.Exceeded.MaxFileSize"] {
            let found = verdict(format!("stream: {name} FOUND\0").as_bytes()).unwrap();
            assert_eq!(found, Verdict::Infected { name: name.into() });
        }
        let large = verdict(b"INSTREAM size limit exceeded. ERROR\0");
        assert!(matches!(large, Err(AntivirusError::TooLarge)));
        let failed = verdict(b"stream: Can't allocate memory ERROR\0");
        assert!(matches!(failed, Err(AntivirusError::Failed(reason)) if reason.contains("memory")));
    }
}
