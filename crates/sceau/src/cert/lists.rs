//! Revocation lists, from files and over HTTP, for one verdict.

use std::path::Path;
use std::time::Duration;

use sceau_pki::{Certificate, CertificateFacts, RevocationLists};
use url::Url;

use super::{fault, web};
use crate::command::input::read_small;
use crate::failure::{Exit, Failure};

/// The longest list that is read: millions of entries.
const LONGEST: usize = 256 << 20;
/// How long a list may take as a whole.
const PATIENCE: Duration = Duration::from_secs(60);

/// A list that was asked for.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is from: a path or an address.
    pub(super) from: String,
    /// What was read.
    pub(super) lists: RevocationLists,
}

/// Reads a list from a file, or from an address that begins with `http://` or `https://`.
pub(super) fn read(from: &str) -> Result<Source, Failure> {
    let bytes = match Url::parse(from) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => fetch(url)?,
        _ => read_small(Path::new(from), LONGEST as u64, "a revocation list")?,
    };
    let lists = RevocationLists::read(&bytes, from).map_err(|error| fault::pki(&error))?;
    Ok(Source { from: from.to_owned(), lists })
}

/// Where these certificates say that their lists are, each place once. Only HTTP is spoken.
pub(super) fn places(certificates: &[Certificate]) -> Vec<String> {
    let facts = certificates.iter().filter_map(|one| CertificateFacts::of(one).ok());
    let mut places: Vec<String> = facts
        .flat_map(|facts| facts.revocation_lists)
        .filter(|place| place.starts_with("http://") || place.starts_with("https://"))
        .collect();
    places.sort();
    places.dedup();
    places
}

fn fetch(url: Url) -> Result<Vec<u8>, Failure> {
    let told = url.to_string();
    let failed = |why| Failure::new(Exit::System, "list_away", format!("cannot fetch {told}: {why}"));
    web::fetch(url, None, LONGEST, PATIENCE).map_err(failed)
}
