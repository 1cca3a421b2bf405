//! Revocation lists, from files and over HTTP, for one verdict.

use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use sceau_pki::{Certificate, CertificateFacts, RevocationLists};
use url::Url;

use super::fault;
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::system("start the runtime", &cause))?;
    let told = url.to_string();
    let fetched = runtime.block_on(async { tokio::time::timeout(PATIENCE, body(url)).await });
    let failed = |why: &str| Failure::new(Exit::System, "list_away", format!("cannot fetch {told}: {why}"));
    fetched.map_err(|_| failed("it takes more than a minute"))?.map_err(|why| failed(&why))
}

async fn body(url: Url) -> Result<Vec<u8>, String> {
    let said = |error: reqwest::Error| {
        let mut words = error.without_url().to_string();
        words.truncate(300);
        words
    };
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().map_err(said)?;
    let answer = client.get(url).send().await.map_err(said)?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("its server answers {}", answer.status()));
    }
    let (mut bytes, mut parts) = (Vec::new(), answer.bytes_stream());
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(said)?);
        if bytes.len() > LONGEST {
            return Err("it is longer than any list should be".to_owned());
        }
    }
    Ok(bytes)
}
