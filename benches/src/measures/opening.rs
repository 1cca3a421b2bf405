//! Opening a document in Chromium with a warm worker, beside one bare `crypto.subtle.decrypt` of the same size.

use sceau_tests::Program;
use serde_json::Value;

use super::SEED_SIZES;
use crate::Settings;
use crate::row::{Figure, Row, Target};

pub(crate) fn measure(settings: Settings) -> Result<Vec<Row>, String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/opening.mjs");
    let out = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-browser");
    let rounds = if settings.quick { "15" } else { "60" };
    let finished =
        Program::other("node").args([script, out, rounds]).args(SEED_SIZES.map(|s| s.to_string())).run();
    if finished.code != Some(0) {
        return Err(format!("{script} failed: {}", finished.stderr.trim()));
    }
    finished.text().lines().map(row).collect()
}

fn row(line: &str) -> Result<Row, String> {
    let answer: Value = serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?;
    let number =
        |key: &str| answer.get(key).and_then(Value::as_f64).ok_or_else(|| format!("no {key} in {line}"));
    let name = format!("open {:.2} MB in Chromium", number("size")? / 1e6);
    let ms = |key: &str| number(key).map(|value| Figure::new(value, "ms"));
    Ok(Row::ratio(name, ms("ours")?, ms("bare")?, Target::AtMost(2.0)))
}
