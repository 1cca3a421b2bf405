//! `sceau keyring outcome`: what became of a request, verified against the element's word.

use std::path::{Path, PathBuf};

use sceau_client::keyring::{Became, became};
use sceau_element_api::KeyringRequestId;
use sceau_pki::Certificate;
use serde_json::json;

use super::{ActorOptions, Opened, PinnedElement, PlatformOptions, wait_for};
use crate::command::output::Access;
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau keyring outcome --at https://sceau.example.org --element element.json \\
      --certificate sp.pem --key sp.key --request ID --wait 25 \\
      --out lease.sig --holder lease.pem --proof lease.proof

It prints the state: pending, signed, rejected or expired. Files are written once it is signed. The element's word is verified: the host is believed of nothing. Of several \
items, the signatures go to lease.sig.1, lease.sig.2 and so on.";

/// Of which request.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OutcomeOptions {
    /// The request, as `sceau keyring request` named it
    #[arg(long, value_name = "ID")]
    request: KeyringRequestId,
    /// How many seconds the answer may wait for the holder's, 25 at most
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=25))]
    wait: u64,
    /// Where the signature goes
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Where the holder's certificate goes, and those above it, PEM
    #[arg(long, value_name = "FILE")]
    holder: Option<PathBuf>,
    /// Where the element's proof of the transaction goes
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    #[command(flatten)]
    element: PinnedElement,
    #[command(flatten)]
    actor: ActorOptions,
    #[command(flatten)]
    platform: PlatformOptions,
}

pub(super) fn run(options: &OutcomeOptions) -> Result<(), Failure> {
    let (signer, element) = (options.actor.signer()?, options.element.read()?);
    let host = options.platform.server_as(&options.actor)?;
    let became = wait_for(became(&host, &signer, &element, options.request, options.wait))?;
    let (outcome, proof) = match became {
        Became::Pending => return say::json(&json!({"state": "pending"})),
        Became::Rejected => return say::json(&json!({"state": "rejected"})),
        Became::Expired => return say::json(&json!({"state": "expired"})),
        Became::Signed(signed) => *signed,
    };
    let shared = |path: &Path, bytes: &[u8]| Opened::at(path, Access::Shared)?.write(bytes);
    for (at, signature) in outcome.signatures.iter().enumerate() {
        let Some(out) = &options.out else { break };
        let several = || PathBuf::from(format!("{}.{}", out.display(), at + 1));
        let out = if outcome.signatures.len() == 1 { out.clone() } else { several() };
        shared(&out, signature)?;
    }
    if let Some(holder) = &options.holder {
        let mut pem = String::new();
        for der in outcome.certificate.iter().chain(&outcome.chain) {
            let read = Certificate::from_der(der, "the holder's certificate");
            let words = "the host gave something else than a certificate with it";
            pem += &read.map_err(|_| Failure::new(Exit::Proof, "certificate", words))?.to_pem();
        }
        shared(holder, pem.as_bytes())?;
    }
    if let Some(path) = &options.proof {
        shared(path, outcome.proof.as_bytes())?;
    }
    say::json(
        &json!({"state": "signed", "signatures": outcome.signatures.len(), "index": outcome.index, "time": proof.time}),
    )
}
