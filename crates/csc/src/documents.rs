//! Documents that are signed as a whole (section 11.11): PAdES, in a document that the application sends, or over the digest of one that it prepared itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sceau_crypto::sha256;
use sceau_pades::{Document, Wish, prepare, unfinished};
use sceau_pki::SignedAttributes;
use serde_json::Value;

use crate::CscError;
use crate::algorithms;
use crate::credentials::Credential;
use crate::input::{Input, hash};

/// The most documents of one call, and octets of them together.
const MOST: usize = 20;
const LARGEST: usize = 16 << 20;
/// What is kept for a signature beside its certificates: a time stamp brings some of its own.
const ROOM: usize = 14 * 1024;

/// Something to be signed, and what becomes of the signature.
#[derive(Debug)]
pub(crate) struct Work {
    attributes: SignedAttributes,
    /// The document with a place for the signature; none where the application has it.
    prepared: Option<Vec<u8>>,
    /// Whether the signature is stamped.
    pub(crate) stamped: bool,
}

/// A signed document, or a signature of one.
#[derive(Debug)]
pub(crate) enum Done {
    Document(String),
    Signature(String),
}

/// Reads what is to be signed, all of it in one format and by one credential.
pub(crate) fn read(
    input: &mut Input,
    credential: &Credential,
    most: usize,
    now: u64,
) -> Result<Vec<Work>, CscError> {
    let mut listed = |name: &str, wrong: &str| match input.take(name) {
        None => Ok(None),
        Some(Value::Array(all)) if all.len() <= MOST => Ok(Some(all)),
        Some(_) => Err(CscError::invalid(wrong)),
    };
    let digests = listed("documentDigests", "Invalid object parameter documentDigests")?;
    let documents = listed("documents", "Invalid array parameter documents")?;
    let works: Result<Vec<Work>, CscError> = match (digests, documents) {
        (Some(digests), None) if !digests.is_empty() => {
            let all =
                digests.into_iter().map(|one| digests_of(one, credential)).collect::<Result<Vec<_>, _>>()?;
            few(all.iter().map(|(hashes, _)| hashes.len()).sum(), most)?;
            let work = |hash: &[u8; 32], stamped| {
                Ok(Work { attributes: attributes(credential, hash)?, prepared: None, stamped })
            };
            all.iter()
                .flat_map(|(hashes, stamped)| hashes.iter().map(move |hash| work(hash, *stamped)))
                .collect()
        }
        (None, Some(documents)) if !documents.is_empty() => {
            few(documents.len(), most)?;
            let mut left = LARGEST;
            documents.into_iter().map(|one| of_document(one, credential, &mut left, now)).collect()
        }
        (Some(digests), Some(documents)) if !digests.is_empty() && !documents.is_empty() => {
            Err(CscError::invalid("Both documentDigests and documents parameters passed"))
        }
        _ => Err(CscError::invalid("Empty documentDigests and documents objects")),
    };
    works
}

impl Work {
    /// What the holder's key signs, hashed.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.attributes.to_be_signed())
    }

    /// Whether this is the holder's signature of it.
    pub(crate) fn is_signed_by(&self, signature: &[u8]) -> bool {
        self.attributes.is_signed_by(signature)
    }

    /// With its signature, and a time stamp of that where there is one.
    pub(crate) fn complete(
        self,
        credential: &Credential,
        signature: &[u8],
        stamp: Option<&[u8]>,
    ) -> Result<Done, CscError> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a signed document cannot be put together");
            CscError::server()
        };
        let message = self.attributes.complete(signature, &credential.above, stamp);
        let message = message.map_err(|error| failed(&error))?;
        let Some(prepared) = self.prepared else { return Ok(Done::Signature(STANDARD.encode(message))) };
        let place = Document::open(&prepared).and_then(|document| unfinished(&document));
        let place = place.map_err(|error| failed(&error))?;
        let mut out = Vec::with_capacity(prepared.len());
        place.fill(&prepared, &message, &mut out).map_err(|error| failed(&error))?;
        Ok(Done::Document(STANDARD.encode(out)))
    }
}

/// That no more is to be signed than one consent may be asked for.
fn few(number: usize, most: usize) -> Result<(), CscError> {
    if number <= most { Ok(()) } else { Err(CscError::invalid("Numbers of signatures is too high")) }
}

/// Hashes, and whether their signatures are stamped.
fn digests_of(one: Value, credential: &Credential) -> Result<(Vec<[u8; 32]>, bool), CscError> {
    let wrong = || CscError::invalid("Invalid object parameter documentDigests");
    let input = Input::of(one).ok_or_else(wrong)?;
    let stamped = format(&input)?;
    let implied = algorithms::judge(&input, credential.kind)?;
    input.hashed_by_sha256(implied)?;
    // A list; the specification's own example has a single text.
    let hashes = match input.get("hashes") {
        Some(Value::Array(all)) if !all.is_empty() => all.iter().map(hash).collect::<Result<Vec<_>, _>>()?,
        Some(single @ Value::String(_)) => vec![hash(single)?],
        _ => return Err(wrong()),
    };
    Ok((hashes, stamped))
}

fn of_document(one: Value, credential: &Credential, left: &mut usize, now: u64) -> Result<Work, CscError> {
    let input = Input::of(one).ok_or_else(|| CscError::invalid("Invalid array parameter documents"))?;
    let stamped = format(&input)?;
    algorithms::judge(&input, credential.kind)?;
    let wrong = || CscError::invalid("Invalid Base64 documents string parameter");
    let document = STANDARD.decode(input.text("document").map_err(|_| wrong())?).map_err(|_| wrong())?;
    *left =
        left.checked_sub(document.len()).ok_or_else(|| CscError::invalid("The documents are too large"))?;
    let subject = credential.certificate.subject();
    let certificates = std::iter::once(&credential.certificate).chain(&credential.above);
    let wish = Wish {
        time: now,
        name: subject.common_name().map_or_else(|| subject.to_string(), |name| name.into_owned()),
        reason: None,
        location: None,
        field: None,
        appearance: None,
        room: ROOM + certificates.map(|it| it.der().len()).sum::<usize>(),
    };
    let refused = |error: sceau_pades::PdfError| {
        CscError::invalid(format!("Invalid array parameter documents: {error} ({})", error.code()))
    };
    let mut prepared = Vec::new();
    let opened = Document::open(&document).map_err(refused)?;
    let made = prepare(&opened, &wish).map_err(refused)?;
    made.write(&mut prepared).map_err(|error| {
        tracing::error!(%error, "a document cannot be written to memory");
        CscError::server()
    })?;
    let place = Document::open(&prepared).and_then(|document| unfinished(&document)).map_err(refused)?;
    let covered = place.hash(&prepared).map_err(refused)?;
    Ok(Work { attributes: attributes(credential, &covered)?, prepared: Some(prepared), stamped })
}

/// That a PAdES signature is asked for which is made here; whether it is stamped.
fn format(input: &Input) -> Result<bool, CscError> {
    match input.text("signature_format")? {
        "P" => {}
        _ => return Err(CscError::parameter("signature_format")),
    }
    // The one that certifies, which the specification means where nothing is said, is not made.
    if input.get("signed_envelope_property").and_then(Value::as_str) != Some("Revision") {
        return Err(CscError::parameter("signed_envelope_property"));
    }
    if input.get("signed_props").is_some_and(|props| props.as_array().is_none_or(|all| !all.is_empty())) {
        return Err(CscError::parameter("signed_props (list of invalid attributes)"));
    }
    let level = input.optional("conformance_level")?.unwrap_or("AdES-B-B");
    match level.to_ascii_lowercase().as_str() {
        "ades-b-b" | "ades-b" => Ok(false),
        "ades-b-t" | "ades-t" => Ok(true),
        _ => Err(CscError::parameter("conformance_level")),
    }
}

fn attributes(credential: &Credential, hash: &[u8; 32]) -> Result<SignedAttributes, CscError> {
    SignedAttributes::new(&credential.certificate, hash).ok_or_else(|| CscError::parameter("credentialID"))
}
