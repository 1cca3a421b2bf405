//! One dossier in clear, on the organisation's disk: each file is decrypted part by part, compared with the manifest, and scanned.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use futures::future::BoxFuture;
use sceau_crypto::envelope::OpenedHeader;
use sceau_element_api::documents::SealedFile;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::answers;
use super::config::Target;
use super::feed::Delivery;
use super::folder;
use super::receiver::{Dossier, Receiver};
use super::trouble::Trouble;
use crate::{ClientError, name};

/// Bytes of a file name on common file systems.
const LONGEST_NAME: usize = 255;
/// Bytes that an extension may have to be kept when a name is cut.
const EXTENSION: usize = 17;

/// What an antivirus says of a file in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Nothing was found.
    Clean,
    /// The name of what was found.
    Infected(String),
    /// The file is larger than the antivirus takes.
    TooLarge,
    /// There is no antivirus now; why.
    Unavailable(String),
    /// The antivirus failed on this file; how.
    Failed(String),
}

/// Scans files in clear before they are handed over.
pub trait Scanner: Send + Sync {
    /// Scans one file.
    fn scan<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Scanned>;
}

/// A file of the folder, as `manifest.json` lists it.
#[derive(Debug, Serialize)]
struct Written {
    path: String,
    /// As its sender named it.
    name: String,
    media_type: String,
    size: u64,
    sha256: String,
    file_id: String,
}

/// What writes one dossier.
pub(super) struct Writing<'a> {
    pub(super) target: &'a Target,
    pub(super) receiver: &'a Receiver,
    pub(super) scanner: Option<&'a dyn Scanner>,
    pub(super) delivery: &'a Delivery,
}

impl Writing<'_> {
    /// Writes the dossier into `place`, a fresh folder, and syncs everything in it.
    pub(super) async fn write(&self, mut dossier: Dossier, place: &Path) -> Result<(), Trouble> {
        let disk = |error: std::io::Error| Trouble::disk(place, &error);
        folder::fresh(place).map_err(disk)?;
        for inside in ["documents", "proof"] {
            folder::private_folder(&place.join(inside)).map_err(disk)?;
        }
        let mut taken = BTreeSet::new();
        let mut files = Vec::new();
        let mut sealed = Value::Null;
        let sealed_answers = dossier.manifest.answers.sealed.as_ref().map(|sealed| sealed.envelope_hash);
        for named in dossier.manifest.files.clone() {
            let header = self.receiver.unwrap(self.target, &mut dossier, &named).await?;
            if sealed_answers == Some(named.envelope_hash) {
                sealed = self.answers(&mut dossier, &named, &header).await?;
                continue;
            }
            let (sent, media_type) = (header.metadata().name(), header.metadata().media_type());
            let path = format!("documents/{}", unused(&mut taken, &name::for_disk(sent)));
            let sha256 = self.file(&mut dossier, &named, &header, &place.join(&path)).await?;
            self.scan(&place.join(&path)).await?;
            let (name, media_type) = (sent.to_owned(), media_type.to_owned());
            files.push(Written {
                path,
                name,
                media_type,
                size: named.size,
                sha256,
                file_id: named.file_id.to_string(),
            });
        }
        let answers = json!({"public": dossier.manifest.answers.public, "sealed": sealed});
        let manifest = self.manifest(&dossier, &files);
        let kept = [
            ("answers.json", pretty(&answers)),
            ("manifest.json", pretty(&manifest)),
            ("proof/manifest", dossier.manifest_bytes.clone()),
            ("proof/evidence.json", pretty(&dossier.evidence)),
        ];
        for (path, bytes) in kept {
            folder::write_new(&place.join(path), &bytes).map_err(disk)?;
        }
        for inside in ["documents", "proof", ""] {
            folder::sync_folder(&place.join(inside)).map_err(disk)?;
        }
        Ok(())
    }

    /// What the receiving system reads first.
    fn manifest(&self, dossier: &Dossier, files: &[Written]) -> Value {
        json!({
            "v": 1, "delivery": self.delivery.name(), "kind": self.delivery.kind,
            "dossier": dossier.manifest.dossier, "organisation": dossier.manifest.organisation,
            "scheme": dossier.manifest.scheme, "title": dossier.scheme.as_ref().map(|scheme| &scheme.title),
            "manifest_hash": self.delivery.manifest_hash, "submitted": dossier.attestation.record.time(),
            "asserted": dossier.attestation.asserted(), "log_index": dossier.attestation.index,
            "scanned": self.scanner.is_some(), "files": files,
        })
    }

    /// The sealed answers; they come to the disk with the others alone.
    async fn answers(
        &self,
        dossier: &mut Dossier,
        named: &SealedFile,
        header: &OpenedHeader,
    ) -> Result<Value, Trouble> {
        let malformed = |words: &str| Trouble::aside("answers_malformed", words);
        if named.size > answers::LARGEST {
            return Err(malformed("the sealed answers are larger than any form’s"));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        self.open(dossier, named, header, &mut *bytes)
            .await?
            .map_err(|error| malformed(&error.to_string()))?;
        answers::parse(&bytes).map(Value::from).map_err(malformed)
    }

    /// Decrypts a file to the disk. It is there, synced, only if it is what the manifest says. The SHA-256 of the plaintext.
    async fn file(
        &self,
        dossier: &mut Dossier,
        named: &SealedFile,
        header: &OpenedHeader,
        path: &Path,
    ) -> Result<String, Trouble> {
        let disk = |error: std::io::Error| Trouble::disk(path, &error);
        let mut file = tokio::fs::File::from_std(folder::new_file(path).map_err(disk)?);
        let sha256 = self.open(dossier, named, header, &mut file).await?.map_err(disk)?;
        file.flush().await.map_err(disk)?;
        file.sync_all().await.map_err(disk)?;
        Ok(sha256)
    }

    /// Decrypts a file, and compares it with the manifest; one part is in memory at a time. The SHA-256 of the plaintext, or what `sink` said.
    async fn open(
        &self,
        dossier: &mut Dossier,
        named: &SealedFile,
        header: &OpenedHeader,
        sink: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<Result<String, std::io::Error>, Trouble> {
        let broken =
            |error: sceau_crypto::envelope::OpenError| Trouble::aside(error.code(), error.to_string());
        let other =
            || ClientError::Unproven("a file is not the one that the depositor signed for".to_owned());
        let (mut hasher, mut plain) = (header.hasher(), Context::new(&SHA256));
        let mut opener = None;
        let mut size = 0;
        for index in 0..named.parts {
            let mut part = self.receiver.part(self.target, dossier, named, index).await?;
            hasher.part(&part);
            let opener = match &mut opener {
                Some(opener) => opener,
                none => none.insert(header.opener(&part).map_err(broken)?),
            };
            let text = opener.open_part(index, index + 1 == named.parts, &mut part).map_err(broken)?;
            plain.update(text);
            size += text.len() as u64;
            // Before it is written: neither the disk nor our memory takes more than was signed for.
            if size > named.size {
                return Err(other().into());
            }
            if let Err(error) = sink.write_all(text).await {
                return Ok(Err(error));
            }
        }
        if hasher.finish().as_bytes() != named.envelope_hash.as_bytes() || size != named.size {
            return Err(other().into());
        }
        Ok(Ok(hex(plain.finish().as_ref())))
    }

    async fn scan(&self, path: &Path) -> Result<(), Trouble> {
        let Some(scanner) = self.scanner else { return Ok(()) };
        match scanner.scan(path).await {
            Scanned::Clean => Ok(()),
            Scanned::Infected(found) => {
                Err(Trouble::aside("infected", format!("the antivirus found {found}")))
            }
            Scanned::TooLarge => {
                Err(Trouble::aside("not_scanned", "a document is larger than the antivirus takes"))
            }
            Scanned::Unavailable(why) => Err(Trouble::later("antivirus", why)),
            Scanned::Failed(how) => Err(Trouble::later("antivirus_failed", how)),
        }
    }
}

/// Where the folder will be.
pub(super) fn place(target: &Target, name: &str) -> PathBuf {
    target.handover.folder().join(name)
}

/// A name that no other file of the folder has, also where capitals do not count.
fn unused(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut chosen = name.to_owned();
    let mut number = 2;
    while !taken.insert(chosen.to_lowercase()) {
        chosen = numbered(name, number);
        number += 1;
    }
    chosen
}

/// The name with a number, no longer than a disk takes: the end of its stem makes room.
fn numbered(name: &str, number: u32) -> String {
    let dot = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot <= EXTENSION);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let counter = format!(" ({number})");
    let end = stem.floor_char_boundary(LONGEST_NAME - counter.len() - extension.len());
    format!("{}{counter}{extension}", stem.get(..end).unwrap_or_default())
}

pub(super) fn pretty(value: &Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    #[test]
    fn names_that_meet_are_told_apart() {
        let mut taken = BTreeSet::new();
        let names = ["a.pdf", "A.PDF", "a.pdf", "b", "b"].map(|name| unused(&mut taken, name));
        assert_eq!(names, ["a.pdf", "A (2).PDF", "a (3).pdf", "b", "b (2)"]);
    }

    #[test]
    fn long_names_that_meet_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let long = [
            format!("{}.pdf", "é".repeat(125)),
            "x".repeat(255),
            format!("x.{}", "y".repeat(253)),
            format!("{}.{}", "漢".repeat(79), "y".repeat(16)),
            format!("a.{}", "漢".repeat(84)),
        ];
        let mut taken = BTreeSet::new();
        for name in long.iter().flat_map(|name| std::iter::repeat_n(name, 12)) {
            let chosen = unused(&mut taken, &name::for_disk(name));
            folder::write_new(&folder.path().join(&chosen), b"").unwrap();
        }
        assert_eq!(taken.len(), 60);
    }
}
