//! What a signature is judged by when the servers that said it are gone (ISO 32000-2 §12.8.4.3, ETSI EN 319 142-1 §5.4): certificates, revocation lists and responders' answers, kept in the document.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::{
    document::Document,
    error::PdfError,
    form::{self, Signed, Value},
    ground::Ground,
    object::{Dictionary, Object, Reference},
    source::{Extended, Source},
    update::Update,
};

/// The most pieces of each kind that are read.
const MOST: usize = 128;
/// What all of it has at most, unpacked.
const LONGEST: usize = 64 << 20;

/// The most signatures that are judged, and that evidence is added for.
pub(crate) const SIGNATURES: usize = 64;

/// What signatures are judged by: the DER of each piece.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// Revocation lists.
    pub lists: Vec<Vec<u8>>,
    /// OCSPResponses.
    pub answers: Vec<Vec<u8>>,
}

const KINDS: [(&str, &str); 3] = [("Certs", "Cert"), ("CRLs", "CRL"), ("OCSPs", "OCSP")];

impl Evidence {
    fn of_kinds(&self) -> [&[Vec<u8>]; 3] {
        [&self.certificates, &self.lists, &self.answers]
    }

    /// What a document keeps.
    pub(crate) fn kept<S: Source>(document: &Document<S>) -> Result<Self, PdfError> {
        let (_, catalog) = document.catalog()?;
        let store = document.dictionary(&catalog, "DSS")?.unwrap_or_default();
        let (mut seen, mut length) = (BTreeSet::new(), 0);
        let mut all = |key| -> Result<Vec<Vec<u8>>, PdfError> {
            let mut pieces = Vec::new();
            for reference in document.array(&store, key)?.iter().take(MOST).filter_map(Object::reference) {
                // One that is named often is read once.
                if seen.insert(reference) {
                    let piece = document.stream(reference)?;
                    length += piece.len();
                    if length > LONGEST {
                        return Err(PdfError::TooMuch("evidence that it keeps"));
                    }
                    pieces.push(piece);
                }
            }
            Ok(pieces)
        };
        let [(certificates, _), (lists, _), (answers, _)] = KINDS;
        Ok(Self { certificates: all(certificates)?, lists: all(lists)?, answers: all(answers)? })
    }
}

/// Adds evidence behind a document, for each of its signatures.
///
/// # Errors
/// [`PdfError`]; a document without a signature has nothing to keep it for.
pub fn add_evidence<'a, S: Source>(
    document: &'a Document<S>,
    evidence: &Evidence,
) -> Result<Extended<&'a S>, PdfError> {
    let (root, catalog) = document.catalog()?;
    let ground = Ground::of(document, &catalog)?;
    ground.may_rewrite(root)?;
    let (mut signed, mut seen) = (Vec::new(), BTreeSet::new());
    for field in form::signatures(document)? {
        let is_new = field.value.as_ref().and_then(Object::reference).is_some_and(|it| seen.insert(it));
        if let (true, Value::Signed(one)) = (is_new, field.signed(document)?) {
            signed.push(one);
        }
        if signed.len() > SIGNATURES {
            return Err(PdfError::TooMuch("signatures"));
        }
    }
    if signed.is_empty() {
        return Err(PdfError::NotTaken("it has no signature for which anything could be kept"));
    }
    let mut update = Update::of(document, ground.next);
    let mut store = document.dictionary(&catalog, "DSS")?.unwrap_or_default();
    let mut said = document.dictionary(&store, "VRI")?.unwrap_or_default();
    let mut added: Vec<(&str, Vec<Reference>)> = Vec::new();
    for ((key, single), pieces) in KINDS.into_iter().zip(evidence.of_kinds()) {
        let mut references = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            if !pieces.iter().take(at).any(|earlier| earlier == piece) {
                let reference = update.new_reference();
                update.put_stream(reference, Dictionary::default(), piece);
                references.push(reference);
            }
        }
        let mut all = document.array(&store, key)?;
        all.extend(references.iter().map(|reference| Object::from(*reference)));
        if !all.is_empty() {
            store.set(key, Object::Array(all));
        }
        added.push((single, references));
    }
    for signature in signed {
        let name = name_of(&signature);
        let mut entry = document.dictionary(&said, &name)?.unwrap_or_default();
        for (single, references) in added.iter().filter(|(_, references)| !references.is_empty()) {
            let mut all = document.array(&entry, single)?;
            all.extend(references.iter().map(|reference| Object::from(*reference)));
            entry.set(single, Object::Array(all));
        }
        said.set(&name, update.add(&entry.into()).into());
    }
    store.set("VRI", update.add(&said.into()).into());
    let store = update.add(&store.into());
    update.put(root, &catalog.with("DSS", store.into()).into());
    let base = document.end;
    Ok(Extended::new(&document.source, base, update.finish()?.tail))
}

/// By which a signature is known in the store: the SHA-1 of its `/Contents`, which protects nothing.
fn name_of(signature: &Signed) -> String {
    let contents = match signature.dictionary.get("Contents") {
        Some(Object::Text(contents)) => contents.as_slice(),
        _ => &[],
    };
    hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, contents))
}
