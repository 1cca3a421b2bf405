//! `sceau hsm check`: what a gate that starts with this key would find.

use sceau_hsm::pkcs11::TokenKey;
use sceau_pki::{CertificateKey as _, CertificateRequest, Name, Oid, key_facts};
use serde_json::json;

use crate::cert::fault;
use crate::cert::token::{must_be_address, of_token};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau hsm check 'pkcs11:token=gate;object=server?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sceau/pin'

Ends with 0 where the key signs and cannot leave its token, with 5 where it signs and may leave it or once could, else with what is wrong.";

/// Of which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckOptions {
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The key's address (RFC 7512)
    #[arg(value_name = "pkcs11:…")]
    key: String,
}

pub(super) fn run(options: &CheckOptions) -> Result<(), Failure> {
    let key = TokenKey::find(&must_be_address(&options.key)?).map_err(|error| of_token(&error))?;
    let public = key.public_key_info().map_err(|error| fault::pki(&error))?;
    // A request is verified as it is made: the key signs, and what it signs is its public part's.
    let subject = Name::default().with(Oid::COMMON_NAME, "sceau hsm check");
    CertificateRequest::make(&subject, &[], &key).map_err(|error| fault::pki(&error))?;
    let stays = key.stays().map_err(|error| of_token(&error))?;
    let facts = key_facts(&public);
    if options.json {
        say::json(&json!({"key": facts, "signs": true, "never_extractable": stays}))?;
    } else {
        let bits = facts.bits.map(|bits| format!(", {bits} bits")).unwrap_or_default();
        say::result(&format!(
            "Key      {}{bits}, SHA-256 {}\nSigns    yes\nLeaves   {}",
            facts.kind,
            facts.sha256,
            if stays { "never" } else { "it may, or once could" }
        ))?;
    }
    if stays {
        return Ok(());
    }
    let words =
        "the key may be read out of the token, or once could: make one there with sceau cert csr --key";
    Err(Failure::new(Exit::Proof, "key_may_leave", words))
}
