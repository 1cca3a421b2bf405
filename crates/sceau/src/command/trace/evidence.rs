//! One evidence file, without any network.

use std::path::Path;

use sceau_trace::{Evidence, Policy, VerifiedEvidence, VerifierKey};
use serde_json::json;

use super::{VerifyOptions, policy, seen, stamp, words};
use crate::command::protect::erase;
use crate::command::{fault, input};
use crate::failure::{Exit, Failure};
use crate::say;

/// What the trace room reads at most.
pub(super) const LONGEST: u64 = 8 << 20;

pub(super) fn verify(
    options: &VerifyOptions,
    key: Option<&VerifierKey>,
    witnesses: Option<&Policy>,
) -> Result<(), Failure> {
    let path = Path::new(&options.what);
    let label = path.display().to_string();
    let bytes = input::read_small(path, LONGEST, "evidence")?;
    if erase::is_certificate(&bytes) {
        if witnesses.is_some() || options.stamp_anchors.is_some() || options.seen_by.is_some() {
            let words = "--policy, --seen-by and --stamp-anchors are for evidence files: a certificate of erasure has the log's word";
            return Err(Failure::new(Exit::Usage, "erasure_alone", words));
        }
        return erase::verify(&bytes, &label, key, options.json);
    }
    let evidence = Evidence::parse(&bytes).map_err(|error| fault::evidence(&error, &label))?;
    let verified = evidence.verify(key).map_err(|error| fault::evidence(&error, &label))?;
    let log_key = evidence.log_key().map_err(|error| fault::evidence(&error, &label))?;
    let judge = |policy| policy::judge(policy, &log_key, &verified.checkpoint, &label);
    let witnesses = witnesses.map(judge).transpose()?;
    let stamps = options.stamp_anchors.as_deref();
    let stamps = stamps.map(|anchors| stamp::verify(&verified, &log_key, anchors, &label)).transpose()?;
    let by = options.seen_by.as_deref().map(super::log_key).transpose()?;
    let seen = by.map(|by| seen::verify(&verified, &log_key, &by, &label)).transpose()?;
    if options.json {
        return say::json(&json!({
            "verified": true,
            "key_pinned": verified.key_pinned,
            "log_key": log_key.to_string(),
            "index": verified.index,
            "log_size": verified.size,
            "root": verified.checkpoint.root(),
            "record": verified.record,
            "witnesses": policy::json(witnesses.as_deref()),
            "time_stamps": stamps.as_deref().map(stamp::json),
            "seen": seen.as_deref().map(seen::json),
            "attachments": verified.attachments.keys().collect::<Vec<_>>(),
        }));
    }
    let mut more = policy::lines(witnesses.as_deref().unwrap_or_default());
    more.extend(stamp::lines(stamps.as_deref().unwrap_or_default()));
    more.extend(seen::lines(seen.as_deref().unwrap_or_default()));
    say::result(&in_words(&verified, &log_key, more))
}

fn in_words(verified: &VerifiedEvidence, log_key: &VerifierKey, more: Vec<String>) -> String {
    let mut lines = vec![words::sentence(&verified.record)];
    lines.extend(words::details(&verified.record));
    let size = say::count(verified.size);
    lines.push(words::line("Entry", &format!("{} of a log of {size}", say::count(verified.index))));
    lines.push(words::line("Log", log_key.name()));
    lines.extend(more);
    if !verified.attachments.is_empty() {
        let names = verified.attachments.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        lines.push(words::line("With it", &format!("{names} (not verified here)")));
    }
    lines.push(String::new());
    lines.push(if verified.key_pinned {
        "Verified: the log signed this record, under the key that you gave.".to_owned()
    } else {
        words::not_pinned(log_key)
    });
    lines.join("\n")
}
