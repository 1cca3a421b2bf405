//! `sceau keyring verify`: the element's word on a use of a keyring, verified without any network.

use std::path::PathBuf;

use sceau_client::keyring::transaction;
use sceau_element_api::Base64Url;
use sceau_element_api::keyring::RequestKind;
use sceau_keyring::TransactionProof;
use sceau_trace::{Action, Evidence, Outcome};
use serde_json::json;

use super::{LONGEST, NotDone, PinnedElement, read_text};
use crate::command::fault;
use crate::command::input::read_small;
use crate::command::trace::log_key;
use crate::failure::{Exit, Failure};
use crate::say;

/// What is read of evidence at most.
const LONGEST_EVIDENCE: u64 = 8 << 20;

const EXAMPLES: &str = "\
Examples:
  sceau keyring verify --element element.json --request login.request login.proof
  sceau keyring verify --element element.json --request lease.request \\
      --signature lease.sig lease.proof
  sceau keyring verify … --evidence lease.evidence --log-key @log.vkey lease.proof

It says who agreed, to what, on which terminal and when, in the element's word; with evidence, that its log holds the record too. Nothing is asked of anybody. A proof is \
of one request: a service provider that logs somebody in holds it against its own, which it takes once.";

/// Which proof, and against what.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyOptions {
    /// The proof that `sceau terminal sign` or `authenticate` wrote
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The request that it must be of
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// A signature that it must be of; once for each item, in their order
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
    /// Evidence of the record in the element's log
    #[arg(long, value_name = "FILE", requires = "log_key")]
    evidence: Option<PathBuf>,
    /// The log's public key, or @FILE that holds it
    #[arg(long, value_name = "VKEY|@FILE", requires = "evidence")]
    log_key: Option<String>,
    #[command(flatten)]
    element: PinnedElement,
}

pub(super) fn run(options: &VerifyOptions) -> Result<(), Failure> {
    let element = options.element.read()?;
    let (proof, request) = (read_text(&options.proof, "a proof")?, read_text(&options.request, "a request")?);
    let (proof, asked) = transaction(&proof, &request, &element).map_err(NotDone::from)?;
    let signatures = options.signature.iter().map(|path| read_small(path, LONGEST, "a signature"));
    let signatures: Vec<Base64Url> = signatures.map(|read| read.map(Base64Url)).collect::<Result<_, _>>()?;
    if !signatures.is_empty() && TransactionProof::signatures_hash(&signatures) != proof.signatures {
        return Err(unproven("the proof is of other signatures, or of these in another order"));
    }
    options.held_in_log(&proof, &element.origin)?;
    say::json(&json!({
        "verified": true,
        "kind": proof.kind,
        "keyring": proof.keyring,
        "identity": proof.identity,
        "provider": proof.provider,
        "terminal": proof.terminal,
        "request": proof.id,
        "nonce": proof.nonce,
        "description": asked.description,
        "items": asked.items,
        "policy": proof.policy,
        "factors": proof.factors,
        "time": proof.time,
        "index": proof.index,
        "signatures_checked": !signatures.is_empty(),
        "log_checked": options.evidence.is_some(),
    }))
}

impl VerifyOptions {
    /// Whether the evidence is of the record that this proof is about.
    fn held_in_log(&self, proof: &TransactionProof, origin: &str) -> Result<(), Failure> {
        let (Some(path), Some(key)) = (&self.evidence, &self.log_key) else { return Ok(()) };
        let (key, label) = (log_key(key)?, path.display().to_string());
        let read = Evidence::parse(&read_small(path, LONGEST_EVIDENCE, "evidence")?);
        let verified = read.and_then(|evidence| evidence.verify(Some(&key)));
        let verified = verified.map_err(|error| fault::evidence(&error, &label))?;
        let action = match proof.kind {
            RequestKind::Authenticate => Action::KEYRING_AUTHENTICATE,
            _ => Action::KEYRING_SIGN,
        };
        let record = &verified.record;
        let told = record.detail().get("proof").is_some_and(|told| *told == proof.record_hash().to_string());
        let same = *record.action() == action && record.outcome() == Outcome::Granted;
        if key.name() == origin && Some(verified.index) == proof.index && same && told {
            Ok(())
        } else {
            Err(unproven("the evidence is of another record, or another log"))
        }
    }
}

fn unproven(words: &str) -> Failure {
    Failure::new(Exit::Proof, "unproven", words)
}
