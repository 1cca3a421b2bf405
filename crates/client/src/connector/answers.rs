//! The sealed answers in clear: a depositor's own bytes, which a program of theirs wrote. Measured before anything is built from them.

use serde_json::{Map, Value};

/// The largest that are read, in bytes: two hundred answers of 5,000 characters, each escaped, are below.
pub(super) const LARGEST: u64 = 8 << 20;
/// The deepest: `$documents` is an object in the object of the answers. Room for a later form.
const DEEPEST: usize = 4;
/// The most values: two hundred answers, the places of two hundred files, and the objects that hold them are below.
const MOST: usize = 2_000;

/// Reads answers; what no form could have asked for is none, and costs no more than one pass over its bytes.
///
/// # Errors
/// In words.
pub(super) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    if bytes.len() as u64 > LARGEST {
        return Err("the sealed answers are larger than any form’s");
    }
    measure(bytes)?;
    serde_json::from_slice(bytes).map_err(|_| "the sealed answers are not an object of answers in JSON")
}

/// One pass without recursion: how deep, and how many values. It needs not know JSON: of what is none it counts something.
fn measure(bytes: &[u8]) -> Result<(), &'static str> {
    let (mut depth, mut values, mut quoted, mut escaped) = (0_usize, 1_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => (depth, values) = (depth + 1, values + 1),
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err("the sealed answers nest more deeply than any form’s");
        }
        if values > MOST {
            return Err("the sealed answers are more than any form asks for");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn what_programs_write_is_read() {
        let text = r#"{"income": 18500, "name": "a \"[[[[[[\\", "$documents": {"f1": "proof"}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().len(), 3);
        let many: Map<String, Value> =
            (0..400).map(|at| (format!("q{at}"), "[{,".repeat(900).into())).collect();
        assert_eq!(parse(&serde_json::to_vec(&many).unwrap()).unwrap(), many);
    }

    #[test]
    fn what_nests_or_never_ends_is_refused_before_it_is_built() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5), "]".repeat(5));
        assert!(parse(deep.as_bytes()).unwrap_err().contains("nest"));
        assert!(parse("[".repeat(1 << 20).as_bytes()).unwrap_err().contains("nest"));
        let wide = format!("{{\"a\":[{}0]}}", "0,".repeat(3_000));
        assert!(parse(wide.as_bytes()).unwrap_err().contains("more"));
        assert!(parse(&vec![b' '; (8 << 20) + 1]).unwrap_err().contains("larger"));
        for none in ["", "[]", "null", "{", "\"", "{\"a\":1}}", "{\"a\\"] {
            assert!(parse(none.as_bytes()).is_err(), "{none}");
        }
    }
}
