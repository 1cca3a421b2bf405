//! `sceau hsm check`: what a gate that starts with this key, or an element or key manager with this keystore, would find.

use std::path::{Path, PathBuf};

use sceau_hsm::pkcs11::{Pkcs11Uri, TokenKeeping, TokenKey, TokenKeystore};
use sceau_pki::{CertificateKey as _, CertificateRequest, Name, Oid, key_facts};
use serde_json::json;

use crate::cert::fault;
use crate::cert::token::{must_be_address, of_token};
use crate::failure::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  sceau hsm check 'pkcs11:token=gate;object=server?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/sceau/pin'
  sceau hsm check --keystore /var/lib/sceau-element/token 'pkcs11:token=keys;object=element?module-path=…&pin-source=…'

Ends with 0 where the key signs and cannot leave its token, with 5 where it signs and may leave it or once could, else with what is wrong.";

/// Of which key.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckOptions {
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Folder that belongs to a keystore in the token: each of its keys is looked at, beside the process that uses them
    #[arg(long, value_name = "FOLDER")]
    keystore: Option<PathBuf>,
    /// The address of the key, or of the keystore's token (RFC 7512)
    #[arg(value_name = "pkcs11:…")]
    key: String,
}

pub(super) fn run(options: &CheckOptions) -> Result<(), Failure> {
    let uri = must_be_address(&options.key)?;
    if let Some(folder) = &options.keystore {
        return keystore(folder, &uri, options.json);
    }
    let key = TokenKey::find(&uri).map_err(|error| of_token(&error))?;
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

/// Opening it unseals each entry by the token: so it is there, and is the right one.
fn keystore(folder: &Path, uri: &Pkcs11Uri, as_json: bool) -> Result<(), Failure> {
    let all = TokenKeystore::look(folder, uri)?.kept()?;
    let (mut leaving, mut gone) = (0, 0);
    for (entry, keeping) in &all {
        let (word, words) = match keeping {
            TokenKeeping::InToken => ("in_token", "made in the token, and never leaves it"),
            TokenKeeping::Brought => {
                ("brought", "in the token and not to be read; it was brought there, so that copies may exist")
            }
            TokenKeeping::Sealed => {
                ("sealed", "software, sealed under the token: in memory while it is used")
            }
            TokenKeeping::Loose => ("loose", "the token would let it go, or it is not the one that was made"),
            TokenKeeping::Gone => ("gone", "the token has it no more"),
            _ => ("other", "kept in a way that this program does not know"),
        };
        leaving += usize::from(*keeping == TokenKeeping::Loose);
        gone += usize::from(*keeping == TokenKeeping::Gone);
        let (key, version) = (&entry.key, entry.version);
        if as_json {
            let value = json!({"key": key.uri(), "kind": key.kind(), "version": version, "kept": word});
            say::json(&value)?;
        } else {
            say::result(&format!("{key}  {}, version {version}: {words}", key.kind()))?;
        }
    }
    if gone > 0 {
        let words =
            format!("{gone} of the keystore's keys are no more in the token: restore it from its own backup");
        return Err(Failure::new(Exit::Key, "key_gone", words));
    }
    if leaving > 0 {
        let words =
            format!("{leaving} of the keystore's keys may be read out of the token, or were exchanged there");
        return Err(Failure::new(Exit::Proof, "key_may_leave", words));
    }
    Ok(())
}
