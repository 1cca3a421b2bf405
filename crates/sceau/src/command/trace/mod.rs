//! `sceau trace`: evidence verified offline, or a whole log, under a log key that the caller holds; and a log told elsewhere.

mod evidence;
mod export;
mod log;
mod policy;
mod replay;
mod seen;
mod source;
mod stamp;
pub(super) mod words;

use std::path::PathBuf;

use sceau_trace::VerifierKey;

use super::input;
use crate::failure::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  sceau trace verify receipt.evidence --log-key @log.vkey
  sceau trace verify /mnt/copy-of-the-log --log-key @log.vkey
  sceau trace verify https://sceau.example.org/trace --log-key @log.vkey --save seen
  sceau trace verify https://sceau.example.org/trace --log-key @log.vkey --since seen --save seen
  sceau trace verify receipt.evidence --policy witnesses.policy

Evidence is one record with the proof that the log holds it; it is verified without any network. A whole log is \
verified from its entries up: each hash is computed anew. With --since, nothing that was in the log then may be \
missing or changed now. Get the log's key, and the policy, through another channel than the evidence or the log.";

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TraceCommand {
    /// Verify an evidence file, or a whole log
    Verify(VerifyOptions),
    /// Have the checkpoint of an evidence file time-stamped by an authority (RFC 3161)
    Stamp(stamp::StampOptions),
    /// Find in another log that its element saw this one when an evidence file's record was in it
    Seen(seen::SeenOptions),
    /// Send a log's entries to a security operations centre: syslog over TLS, CEF, OCSF, OpenTelemetry
    Export(export::ExportOptions),
}

impl TraceCommand {
    /// Whether results, and a failure too, are asked for as JSON.
    pub(super) fn json(&self) -> bool {
        match self {
            Self::Verify(options) => options.json,
            Self::Stamp(options) => options.json,
            Self::Seen(options) => options.json,
            Self::Export(options) => options.json,
        }
    }
}

/// What to verify, and under which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyOptions {
    /// An evidence file, a folder of tiles, or the address of a log
    #[arg(value_name = "FILE_OR_URL")]
    what: String,
    /// The log's public key, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    log_key: Option<String>,
    /// Which witnesses must have cosigned the checkpoint (C2SP tlog-policy); where it names one log, that is the key
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The element's socket: the file holds lines of `sceau trace export --format dws`, and the element says whether it made them
    #[arg(long, value_name = "SOCKET", conflicts_with_all = ["policy", "stamp_anchors", "since", "save", "anchors"])]
    element: Option<PathBuf>,
    /// Roots (PEM) of authorities of time stamps: the evidence must be stamped by them, and each of its time stamps must hold
    #[arg(long, value_name = "FILE")]
    stamp_anchors: Option<PathBuf>,
    /// The public key of another log, or @FILE that holds it: the evidence must show that its element saw this one with the record
    #[arg(long, value_name = "VKEY|@FILE")]
    seen_by: Option<String>,
    /// A checkpoint that was saved before, which the log must extend
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Save the checkpoint once all is verified; may replace the one given with --since
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Certificates (PEM) to trust for the address, instead of the system's
    #[arg(long, value_name = "FILE")]
    anchors: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(command: &TraceCommand) -> Result<(), Failure> {
    let options = match command {
        TraceCommand::Verify(options) => options,
        TraceCommand::Stamp(options) => return stamp::run(options),
        TraceCommand::Seen(options) => return seen::run(options),
        TraceCommand::Export(options) => return export::run(options),
    };
    if let Some(element) = &options.element {
        return export::verify_lines(options.what.as_ref(), element, options.json);
    }
    let policy = options.policy.as_deref().map(policy::read).transpose()?;
    let key = options.log_key.as_deref().map(log_key).transpose()?;
    let key = key.or_else(|| policy.as_ref().and_then(policy::only_log));
    match source::Source::of(&options.what, options.anchors.as_deref())? {
        Some(_) if options.seen_by.is_some() => Err(Failure::new(
            Exit::Usage,
            "whole_log",
            "--seen-by is for evidence files: what other logs saw is kept there",
        )),
        Some(_) if options.stamp_anchors.is_some() => Err(Failure::new(
            Exit::Usage,
            "whole_log",
            "--stamp-anchors is for evidence files: time stamps are kept there",
        )),
        Some(source) => log::verify(&source, key, policy.as_ref(), options),
        None if options.since.is_some() || options.save.is_some() => Err(Failure::new(
            Exit::Usage,
            "evidence_only",
            "--since and --save are for whole logs: give a folder or an address",
        )),
        None => evidence::verify(options, key.as_ref(), policy.as_ref()),
    }
}

/// A verifier key, given itself or in a file.
pub(super) fn log_key(given: &str) -> Result<VerifierKey, Failure> {
    let text = match given.strip_prefix('@') {
        Some(path) => {
            let bytes = input::read_small(path.as_ref(), 4096, "a log key")?;
            String::from_utf8_lossy(&bytes).trim().to_owned()
        }
        None => given.to_owned(),
    };
    VerifierKey::parse(&text).map_err(|error| {
        let words = format!("--log-key: {error}; it looks like sceau.example.org/log+1a2b3c4d+AbC…=");
        Failure::new(Exit::Usage, error.code(), words)
    })
}
