//! That a record was in its log when another log's element saw it: found in that log, kept in the evidence file, and verified again offline.

use std::io::Write as _;
use std::path::PathBuf;

use sceau_trace::{
    Action, Bundle, Evidence, Record, Seen, Sighting, TILE_WIDTH, TileReader, VerifiedEvidence, VerifierKey,
    inclusion_proof,
};
use serde_json::{Value, json};

use super::source::Source;
use super::{log, words};
use crate::command::output::{Access, Output};
use crate::command::{fault, input};
use crate::failure::{Exit, Failure};
use crate::say;

/// Sightings of a file at most.
const MOST: usize = 16;

/// What is to be found in another log.
#[derive(Debug, clap::Args)]
pub(crate) struct SeenOptions {
    /// The evidence file
    #[arg(value_name = "EVIDENCE")]
    evidence: PathBuf,
    /// The public key of its log, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    log_key: String,
    /// Its log: address, or folder of tiles
    #[arg(long, value_name = "FOLDER_OR_URL")]
    log: String,
    /// The other log, whose element saw it: address, or folder of tiles
    #[arg(long, value_name = "FOLDER_OR_URL")]
    by: String,
    /// The public key of the other log, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    by_key: String,
    /// Certificates (PEM) to trust for the addresses, instead of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// File to write: the evidence with what the other log has; it must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Finds it, and writes the evidence with it.
pub(super) fn run(options: &SeenOptions) -> Result<(), Failure> {
    let label = options.evidence.display().to_string();
    let bytes = input::read_small(&options.evidence, super::evidence::LONGEST, "evidence")?;
    let evidence = Evidence::parse(&bytes).map_err(|error| fault::evidence(&error, &label))?;
    let (key, by) = (super::log_key(&options.log_key)?, super::log_key(&options.by_key)?);
    let verified = evidence.verify(Some(&key)).map_err(|error| fault::evidence(&error, &label))?;
    let source = |what: &str| {
        let none = || Failure::new(Exit::Usage, "log_none", format!("{what} is no log"));
        Source::of(what, options.anchors.as_deref())?.ok_or_else(none)
    };
    let sighting = find(&verified, &key, &source(&options.log)?, &source(&options.by)?, &by)?;
    let seen = sighting.verify(&verified, &key, &by).map_err(|error| fault::evidence(&error, &options.by))?;
    let mut all = sightings(&verified, &label)?;
    all.push(sighting);
    let mut output = Output::file(&options.output, Access::Shared, false)?;
    let written = output.write_all(&evidence.attach(Sighting::ATTACHMENT, json!(all)).to_bytes());
    written.map_err(|cause| Failure::file("write", &options.output, &cause))?;
    output.commit()?;
    if options.json {
        return say::json(&json(&[seen]));
    }
    say::result(&lines(&[seen]).join("\n"))
}

/// Verifies what an evidence file has of a log's sightings; that there is none is an error.
pub(super) fn verify(
    evidence: &VerifiedEvidence,
    log: &VerifierKey,
    by: &VerifierKey,
    label: &str,
) -> Result<Vec<Seen>, Failure> {
    let all = sightings(evidence, label)?;
    let of_log = |sighting: &&Sighting| sighting.evidence.log_key().is_ok_and(|key| key == *by);
    let seen = all.iter().filter(of_log).map(|sighting| sighting.verify(evidence, log, by));
    let seen: Vec<Seen> = seen.collect::<Result<_, _>>().map_err(|error| fault::evidence(&error, label))?;
    if seen.is_empty() {
        let words =
            format!("{label}: it does not show that {} saw it (`sceau trace seen` adds that)", by.name());
        return Err(Failure::new(Exit::Proof, "seen.none", words));
    }
    Ok(seen)
}

/// For people: a line for each.
pub(super) fn lines(seen: &[Seen]) -> Vec<String> {
    let said = |seen: &Seen| {
        let when = words::moment(seen.time);
        words::line("Seen", &format!("by {} on {when}, in its entry {}", seen.by, say::count(seen.index)))
    };
    seen.iter().map(said).collect()
}

/// For scripts.
pub(super) fn json(seen: &[Seen]) -> Value {
    let said =
        |seen: &Seen| json!({"by": seen.by, "time": seen.time, "index": seen.index, "log_size": seen.size});
    seen.iter().map(said).collect()
}

/// The first record of the other log that saw this one with the entry.
fn find(
    evidence: &VerifiedEvidence,
    log: &VerifierKey,
    source: &Source,
    other: &Source,
    by: &VerifierKey,
) -> Result<Sighting, Failure> {
    let checkpoint = log::signed(&other.checkpoint()?, by, &other.label)?;
    let size = checkpoint.size();
    for bundle in (0..size.div_ceil(TILE_WIDTH)).filter_map(|index| Bundle::at(index, size)) {
        for (index, entry) in (bundle.start()..).zip(other.entries(&bundle)?) {
            if !Record::parse(&entry).is_ok_and(|record| *record.action() == Action::LOG_SEEN) {
                continue;
            }
            let evidence_of_it =
                Evidence::of_verified(&entry, index, path(other, size, index)?, &checkpoint, by);
            let evidence_of_it = evidence_of_it.map_err(|error| fault::evidence(&error, &other.label))?;
            let sighting = Sighting { proof: Vec::new(), evidence: evidence_of_it };
            match sighting.claimed() {
                Ok((origin, seen, _)) if origin == log.name() && seen > evidence.index => {
                    return Ok(Sighting { proof: path(source, seen, evidence.index)?, ..sighting });
                }
                _ => {}
            }
        }
    }
    let words = format!("{} has no record yet that it saw {} with this entry", other.label, log.name());
    Err(Failure::new(Exit::Proof, "seen.none", words))
}

/// The audit path of an entry in the tree of a size.
fn path(source: &Source, size: u64, index: u64) -> Result<Vec<sceau_trace::Hash>, Failure> {
    let reader = TileReader::new(size, |tile| source.tile(&tile).ok());
    inclusion_proof(size, index, &reader).map_err(|error| fault::log(error.code(), error.to_string()))
}

fn sightings(evidence: &VerifiedEvidence, label: &str) -> Result<Vec<Sighting>, Failure> {
    let Some(attached) = evidence.attachments.get(Sighting::ATTACHMENT) else { return Ok(Vec::new()) };
    let all: Option<Vec<Sighting>> = serde_json::from_value(attached.clone()).ok();
    all.filter(|all| all.len() <= MOST).ok_or_else(|| {
        Failure::new(Exit::Input, "seen.malformed", format!("{label}: what other logs saw of it is none"))
    })
}
