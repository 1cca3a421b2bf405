//! What signatures are judged by later, put into the document (PAdES B-LT).

use std::path::{Path, PathBuf};

use sceau_pades::{Document, Evidence, add_evidence};
use sceau_pki::{Certificate, RevocationList};

use super::{open, told};
use crate::command::input::read_small;
use crate::command::output::{Access, Output};
use crate::failure::{Exit, Failure};

/// Longest file of evidence.
const LONGEST: u64 = 8 << 20;

pub(super) fn add(file: &Path, pieces: &[PathBuf], output: &Path) -> Result<(), Failure> {
    let label = file.display().to_string();
    let mut evidence = Evidence::default();
    for piece in pieces {
        take(&mut evidence, piece)?;
    }
    let file = open(file)?;
    let document = Document::open(&file).map_err(|error| told(&error, &label))?;
    let with = add_evidence(&document, &evidence).map_err(|error| told(&error, &label))?;
    let mut out = Output::file(output, Access::Private, false)?;
    with.write(&mut out).map_err(|cause| Failure::file("write", output, &cause))?;
    out.commit()
}

/// A file by what it is: certificates in PEM, or DER of a certificate, a revocation list, or an answer of a responder.
fn take(evidence: &mut Evidence, path: &Path) -> Result<(), Failure> {
    let label = path.display().to_string();
    let bytes = read_small(path, LONGEST, "evidence")?;
    if let Ok(text) = std::str::from_utf8(&bytes)
        && let Ok(all) = Certificate::all_from_pem(text, &label)
    {
        evidence.certificates.extend(all.into_iter().map(|it| it.der().to_vec()));
        return Ok(());
    }
    let list = pem_list(&bytes).unwrap_or_else(|| bytes.clone());
    if RevocationList::read(&list).is_ok() {
        evidence.lists.push(list);
    } else if Certificate::from_der(&bytes, &label).is_ok() {
        evidence.certificates.push(bytes);
    } else if sceau_pki::is_ocsp_response(&bytes) {
        evidence.answers.push(bytes);
    } else {
        let words = format!(
            "{label} is no certificate, no complete revocation list and no answer of a responder (OCSP)"
        );
        return Err(Failure::new(Exit::Input, "not_evidence", words));
    }
    Ok(())
}

/// The DER of a list in PEM.
fn pem_list(bytes: &[u8]) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("-----BEGIN X509 CRL-----")?;
    let (inside, _) = rest.split_once("-----END X509 CRL-----")?;
    let plain: String = inside.chars().filter(|character| !character.is_whitespace()).collect();
    STANDARD.decode(plain).ok()
}
