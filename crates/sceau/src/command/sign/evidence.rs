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
const BEGIN: &str = "-----BEGIN ";

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

/// A file by what it is: certificates and lists in PEM, or DER of a certificate, a revocation list, or an answer of a responder. Of what it has, nothing is left out.
fn take(evidence: &mut Evidence, path: &Path) -> Result<(), Failure> {
    let label = path.display().to_string();
    let bytes = read_small(path, LONGEST, "evidence")?;
    let blocks = std::str::from_utf8(&bytes).map(blocks).unwrap_or_default();
    if blocks.is_empty() {
        return take_der(evidence, bytes, &label);
    }
    for (kind, text) in blocks {
        match kind {
            "CERTIFICATE" => {
                let read = Certificate::all_from_pem(text, &label).map_err(|_| not_evidence(&label))?;
                evidence.certificates.extend(read.into_iter().map(|it| it.der().to_vec()));
            }
            "X509 CRL" => {
                let list = inside(text).filter(|list| RevocationList::read(list).is_ok());
                evidence.lists.push(list.ok_or_else(|| not_evidence(&label))?);
            }
            _ => return Err(not_evidence(&label)),
        }
    }
    Ok(())
}

fn take_der(evidence: &mut Evidence, bytes: Vec<u8>, label: &str) -> Result<(), Failure> {
    if RevocationList::read(&bytes).is_ok() {
        evidence.lists.push(bytes);
    } else if Certificate::from_der(&bytes, label).is_ok() {
        evidence.certificates.push(bytes);
    } else if sceau_pki::is_ocsp_response(&bytes) {
        evidence.answers.push(bytes);
    } else {
        return Err(not_evidence(label));
    }
    Ok(())
}

fn not_evidence(label: &str) -> Failure {
    let words = format!(
        "{label} is, or has in it, no certificate, no complete revocation list and no answer of a responder (OCSP)"
    );
    Failure::new(Exit::Input, "not_evidence", words)
}

/// Each block of PEM: what it is said to be, and all of it.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((kind, _)) = after.split_once("-----") else { break };
        let end = format!("-----END {kind}-----");
        let until = after.find(&end).map_or(after.len(), |at| at + end.len());
        let from = rest.len() - after.len() - BEGIN.len();
        let whole = rest.get(from..from + BEGIN.len() + until).unwrap_or_default();
        all.push((kind, whole));
        rest = after.get(until..).unwrap_or_default();
    }
    all
}

/// The DER in a block.
fn inside(block: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let (_, rest) = block.strip_prefix(BEGIN)?.split_once("-----")?;
    let (text, _) = rest.split_once("-----END")?;
    let plain: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    STANDARD.decode(plain).ok()
}
