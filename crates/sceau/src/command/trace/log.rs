//! A whole log: its checkpoint, its entries, its tiles, and what was seen of it before.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sceau_trace::{
    Cosignature, Policy, SignedCheckpoint, VerifiedCheckpoint, VerifierKey, consistency_proof, root_at,
};
use serde_json::json;

use super::VerifyOptions;
use super::replay::Replay;
use super::source::Source;
use super::{policy, words};
use crate::command::output::{Access, Output};
use crate::command::{fault, input};
use crate::failure::{Exit, Failure};
use crate::say;

/// How old the word of witnesses may be, in seconds, where the log has grown since.
const LATELY: u64 = 3600;

pub(super) fn verify(
    source: &Source,
    pinned: Option<VerifierKey>,
    witnesses: Option<&Policy>,
    options: &VerifyOptions,
) -> Result<(), Failure> {
    let key = match &pinned {
        Some(key) => key.clone(),
        None => unpinned(source)?,
    };
    let older = options.since.as_deref().map(|path| older(path, &key)).transpose()?;
    // Before the newest, which then has it.
    let cosigned = witnesses.map(|_| source.cosigned()).transpose()?;
    let checkpoint = signed(&source.checkpoint()?, &key, &source.label)?;
    if let Some(older) = &older {
        not_shorter(&checkpoint, older, source)?;
    }
    let replay = Replay::of(source, checkpoint.size())?;
    replay.check(&checkpoint)?;
    replay.check_tiles(source)?;
    if let Some(older) = &older {
        extends(&checkpoint, older, &replay, source)?;
    }
    let watched = witnesses.zip(cosigned).map(|(policy, note)| {
        let found = watched(&note, policy, &key, &replay, source)?;
        lately(&found, checkpoint.size(), now(), &source.label).map(|()| found)
    });
    let watched = watched.transpose()?;
    if let Some(path) = &options.save {
        save(&checkpoint, path, options.since.as_deref() == Some(path))?;
    }
    let found = Found { checkpoint, older, replay, watched };
    tell(&found, &key, pinned.is_some(), options)
}

/// What there is to tell.
struct Found {
    checkpoint: VerifiedCheckpoint,
    older: Option<VerifiedCheckpoint>,
    replay: Replay,
    /// The size of what witnesses cosigned, and who did.
    watched: Option<(u64, Vec<Cosignature>)>,
}

/// What enough witnesses cosigned must be a part of the log as it was read.
fn watched(
    note: &str,
    policy: &Policy,
    key: &VerifierKey,
    replay: &Replay,
    source: &Source,
) -> Result<(u64, Vec<Cosignature>), Failure> {
    let cosigned = signed(note, key, &source.label)?;
    let witnesses = policy::judge(policy, key, &cosigned, &source.label)?;
    if root_at(cosigned.size(), &replay.tree).ok() != Some(cosigned.root()) {
        let words = format!("{}: witnesses cosigned another history than the log shows", source.label);
        return Err(fault::log("checkpoint.not_an_extension", words));
    }
    Ok((cosigned.size(), witnesses))
}

/// Entries that witnesses have not seen yet are as new as their last word: an old word would leave room for a tail that is shown to one reader only.
fn lately(
    (size, witnesses): &(u64, Vec<Cosignature>),
    shown: u64,
    now: u64,
    label: &str,
) -> Result<(), Failure> {
    let oldest = witnesses.iter().map(|cosignature| cosignature.time).min();
    if *size >= shown || oldest.is_none_or(|time| now.saturating_sub(time) <= LATELY) {
        return Ok(());
    }
    let words = format!(
        "{label}: witnesses saw {size} entries more than an hour ago, and nobody vouches for the {} that follow: fetch it again in a minute, and \
         else ask who runs the log why witnesses do not cosign",
        shown - size
    );
    Err(fault::log("checkpoint.not_witnessed_lately", words))
}

/// Unix seconds.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Without a key of the caller's, a server's own word is all there is.
fn unpinned(source: &Source) -> Result<VerifierKey, Failure> {
    let own = source.own_key()?.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "no_log_key",
            "a folder does not say whose log it is: give the key with --log-key",
        )
    })?;
    VerifierKey::parse(&own).map_err(|error| fault::checkpoint(&error.into(), &source.label))
}

fn older(path: &Path, key: &VerifierKey) -> Result<VerifiedCheckpoint, Failure> {
    let bytes = input::read_small(path, 1 << 20, "a checkpoint")?;
    signed(&String::from_utf8_lossy(&bytes), key, &path.display().to_string())
}

pub(super) fn signed(note: &str, key: &VerifierKey, label: &str) -> Result<VerifiedCheckpoint, Failure> {
    let checkpoint = SignedCheckpoint::parse(note).and_then(|checkpoint| checkpoint.verify(key));
    checkpoint.map_err(|error| fault::checkpoint(&error, label))
}

/// Said before hours of reading.
pub(super) fn not_shorter(
    checkpoint: &VerifiedCheckpoint,
    older: &VerifiedCheckpoint,
    source: &Source,
) -> Result<(), Failure> {
    if checkpoint.size() >= older.size() {
        return Ok(());
    }
    let refused = checkpoint.extends(older, &[]);
    refused.map_err(|error| fault::checkpoint(&error, &source.label))
}

fn extends(
    checkpoint: &VerifiedCheckpoint,
    older: &VerifiedCheckpoint,
    replay: &Replay,
    source: &Source,
) -> Result<(), Failure> {
    let proof = consistency_proof(older.size(), checkpoint.size(), &replay.tree)
        .map_err(|error| fault::log(error.code(), error.to_string()))?;
    checkpoint.extends(older, &proof).map_err(|error| fault::checkpoint(&error, &source.label))
}

fn save(checkpoint: &VerifiedCheckpoint, path: &Path, replaces_older: bool) -> Result<(), Failure> {
    use std::io::Write;
    let mut output = Output::file(path, Access::Shared, replaces_older).map_err(|failure| {
        match failure.code.as_str() {
            "exists" => {
                let words =
                    format!("{} exists already: give it with --since too, or save elsewhere", path.display());
                Failure::new(Exit::Usage, "exists", words)
            }
            _ => failure,
        }
    })?;
    output
        .write_all(checkpoint.note().to_string().as_bytes())
        .map_err(|cause| Failure::file("write", path, &cause))?;
    output.commit()
}

fn tell(found: &Found, key: &VerifierKey, pinned: bool, options: &VerifyOptions) -> Result<(), Failure> {
    let Found { checkpoint, older, replay, watched } = found;
    if options.json {
        return say::json(&json!({
            "verified": true,
            "key_pinned": pinned,
            "log_key": key.to_string(),
            "size": checkpoint.size(),
            "root": checkpoint.root(),
            "map_root": checkpoint.map_root(),
            "since": older.as_ref().map(|older| older.size()),
            "cosigned": watched.as_ref().map(|(size, _)| size),
            "witnesses": policy::json(watched.as_ref().map(|(_, witnesses)| witnesses.as_slice())),
            "unknown_entries": replay.unknown,
            "first_record": replay.times.map(|(first, _)| first),
            "last_record": replay.times.map(|(_, last)| last),
        }));
    }
    let mut lines = vec![
        format!("The log is whole: {}, each hashed anew.", entries(checkpoint.size())),
        words::line("Log", checkpoint.origin()),
        words::line("Root", &checkpoint.root().to_string()),
    ];
    if let Some((first, last)) = replay.times {
        lines.push(words::line("Records", &format!("{} to {}", words::moment(first), words::moment(last))));
    }
    if replay.unknown > 0 {
        let words = format!("{} of a kind that this program does not know", entries(replay.unknown));
        lines.push(words::line("Unknown", &words));
    }
    if let Some(older) = older {
        let words = format!("unchanged since the saved checkpoint, which had {}", entries(older.size()));
        lines.push(words::line("Since", &words));
    }
    if let Some((size, witnesses)) = watched {
        lines.push(words::line("Cosigned", &entries(*size)));
        lines.extend(policy::lines(witnesses));
    }
    if let Some(path) = &options.save {
        lines.push(words::line("Saved", &path.display().to_string()));
    }
    lines.push(String::new());
    lines.push(if pinned {
        "Verified: the log signed this, under the key that you gave.".to_owned()
    } else {
        format!(
            "NOT pinned: the log agrees with itself, but its key came from the same server. Get the log's key through another channel,\n\
             and verify again with --log-key. The server's key:\n  {key}"
        )
    });
    say::result(&lines.join("\n"))
}

fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", say::count(number)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;
    use sceau_trace::KeyKind;

    #[test]
    fn a_tail_is_as_new_as_the_last_word_of_witnesses() {
        let witness = VerifierKey::new("witness.example/w", KeyKind::Cosignature, [7; 32]).unwrap();
        let found = |size| (size, vec![Cosignature { witness: witness.clone(), time: 1_000_000 }]);
        let code =
            |size, shown, now| lately(&found(size), shown, now, "log").err().map(|failure| failure.code);
        assert_eq!(code(10, 10, 9_000_000), None, "nothing follows");
        assert_eq!(code(10, 12, 1_000_000 + LATELY), None);
        assert_eq!(code(10, 12, 1_000_001 + LATELY).as_deref(), Some("checkpoint.not_witnessed_lately"));
        assert_eq!(code(10, 12, 1), None, "a clock that is behind");
    }
}
