//! Time stamps of an authority (RFC 3161) on the checkpoint of an evidence file: asked for, verified, kept in the file, and verified again offline.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sceau_pki::{Anchors, StampRequest, TimeStamp};
use sceau_trace::{Evidence, VerifiedCheckpoint, VerifiedEvidence, VerifierKey};
use serde_json::{Value, json};
use url::Url;

use super::words;
use crate::cert::web;
use crate::command::output::{Access, Output};
use crate::command::{fault, input};
use crate::failure::{Exit, Failure};
use crate::say;

/// The longest answer of an authority, in bytes, and how long it may take.
const LONGEST: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(30);
/// Tokens of a file at most.
const MOST: usize = 16;

/// A time stamp to ask for.
#[derive(Debug, clap::Args)]
pub(crate) struct StampOptions {
    /// The evidence file
    #[arg(value_name = "EVIDENCE")]
    evidence: PathBuf,
    /// Address of the time-stamping authority
    #[arg(long, value_name = "URL")]
    authority: Url,
    /// Certificates (PEM) of the roots that vouch for the authority
    #[arg(long, value_name = "FILE")]
    stamp_anchors: PathBuf,
    /// The log's public key, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE")]
    log_key: String,
    /// File to write: the evidence with the time stamp; it must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Asks, and writes the evidence with what it got.
pub(super) fn run(options: &StampOptions) -> Result<(), Failure> {
    let label = options.evidence.display().to_string();
    let bytes = input::read_small(&options.evidence, super::evidence::LONGEST, "evidence")?;
    let evidence = Evidence::parse(&bytes).map_err(|error| fault::evidence(&error, &label))?;
    let key = super::log_key(&options.log_key)?;
    let verified = evidence.verify(Some(&key)).map_err(|error| fault::evidence(&error, &label))?;
    let anchors = anchors(&options.stamp_anchors)?;
    let mut tokens = tokens(&verified, &label)?;
    let request =
        StampRequest::new(imprint(&verified.checkpoint, &key, &label)?, sceau_crypto::random::<16>());
    let sent = ("application/timestamp-query", request.to_der());
    let answer = web::fetch(options.authority.clone(), Some(sent), LONGEST, PATIENCE);
    let answer = answer
        .map_err(|why| Failure::new(Exit::System, "unreachable", format!("{}: {why}", options.authority)))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let stamp = request.judge(&answer, &anchors, now);
    let stamp = stamp.map_err(|error| fault::stamp(error, options.authority.as_str()))?;
    tokens.push(stamp.token.clone());
    let kept: Value = tokens.iter().map(|token| STANDARD.encode(token)).collect();
    let mut output = Output::file(&options.output, Access::Shared, false)?;
    let written = output.write_all(&evidence.attach(Evidence::TIME_STAMPS, kept).to_bytes());
    written.map_err(|cause| Failure::file("write", &options.output, &cause))?;
    output.commit()?;
    if options.json {
        return say::json(&json(&[stamp]));
    }
    say::result(&lines(&[stamp]).join("\n"))
}

/// Verifies every time stamp of an evidence file; that there is none is an error.
pub(super) fn verify(
    evidence: &VerifiedEvidence,
    log: &VerifierKey,
    anchors_file: &Path,
    label: &str,
) -> Result<Vec<TimeStamp>, Failure> {
    let anchors = anchors(anchors_file)?;
    let imprint = imprint(&evidence.checkpoint, log, label)?;
    let tokens = tokens(evidence, label)?;
    if tokens.is_empty() {
        let words = format!("{label}: it has no time stamp (`sceau trace stamp` adds one)");
        return Err(Failure::new(Exit::Proof, "stamp.none", words));
    }
    let judged = tokens.iter().map(|token| TimeStamp::verify(token, &imprint, &anchors));
    judged.map(|stamp| stamp.map_err(|error| fault::stamp(error, label))).collect()
}

/// For people: a line for each.
pub(super) fn lines(stamps: &[TimeStamp]) -> Vec<String> {
    let said = |stamp: &TimeStamp| {
        words::line("Stamped", &format!("on {}, by {}", words::moment(stamp.time), stamp.signer))
    };
    stamps.iter().map(said).collect()
}

/// For scripts.
pub(super) fn json(stamps: &[TimeStamp]) -> Value {
    let said = |stamp: &TimeStamp| json!({"time": stamp.time, "signer": stamp.signer.to_string(), "serial": stamp.serial, "policy": stamp.policy.to_string()});
    stamps.iter().map(said).collect()
}

/// What is stamped.
fn imprint(checkpoint: &VerifiedCheckpoint, log: &VerifierKey, label: &str) -> Result<[u8; 32], Failure> {
    Ok(*checkpoint.imprint(log).map_err(|error| fault::checkpoint(&error, label))?.as_bytes())
}

fn tokens(evidence: &VerifiedEvidence, label: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let malformed =
        || Failure::new(Exit::Input, "stamp.malformed", format!("{label}: its time stamps are none"));
    let Some(attached) = evidence.attachments.get(Evidence::TIME_STAMPS) else { return Ok(Vec::new()) };
    let all = attached.as_array().filter(|all| all.len() <= MOST).ok_or_else(malformed)?;
    let decode = |token: &Value| STANDARD.decode(token.as_str()?).ok();
    all.iter().map(decode).collect::<Option<_>>().ok_or_else(malformed)
}

fn anchors(file: &Path) -> Result<Anchors, Failure> {
    let text = String::from_utf8_lossy(&input::read_small(file, 1 << 20, "certificates")?).into_owned();
    Anchors::from_pem(&text, &file.display().to_string())
        .map_err(|error| Failure::new(Exit::Usage, "certificate", format!("--stamp-anchors: {error}")))
}
