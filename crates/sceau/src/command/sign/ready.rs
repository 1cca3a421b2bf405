//! A document that waits for a signature, as `sceau keyring request` asks for it.

use std::path::{Path, PathBuf};

use sceau_crypto::sha256;
use sceau_pades::{Document, unfinished};

use super::{attributes, certificates, open, told};
use crate::failure::Failure;

/// Documents that were prepared for a holder.
#[derive(Debug, clap::Args)]
pub(crate) struct Prepared {
    /// A PDF that `sceau sign --prepare` prepared for the holder; once for each
    #[arg(long, value_name = "FILE", requires = "holder")]
    prepared: Vec<PathBuf>,
    /// The holder's certificate, with which they were prepared
    #[arg(long, value_name = "FILE")]
    holder: Option<PathBuf>,
}

impl Prepared {
    /// The name of each file, and the SHA-256 that its signature is of.
    pub(crate) fn hashes(&self) -> Result<Vec<(String, [u8; 32])>, Failure> {
        let holder = self.holder.as_deref().map_or(Ok(Vec::new()), certificates)?;
        let hash = |path: &PathBuf| {
            let file = open(path)?;
            let label = path.display().to_string();
            let place = Document::open(&file).and_then(|document| unfinished(&document));
            let covered = place.and_then(|place| place.hash(&file)).map_err(|error| told(&error, &label))?;
            Ok((name(path), sha256(attributes(&holder, &covered)?.to_be_signed())))
        };
        self.prepared.iter().map(hash).collect()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
