//! One dossier in clear, on the organisation's disk: each file is decrypted part by part, compared with the manifest, and scanned.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use futures::future::BoxFuture;
use sceau_crypto::envelope::OpenedHeader;
use sceau_element_api::documents::SealedFile;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::config::Target;
use super::folder;
use super::receiver::{Delivery, Dossier, Receiver};
use super::trouble::Trouble;
use crate::{ClientError, name};

/// The largest sealed answers that are read, in bytes: two hundred answers of 5,000 characters are below.
const LARGEST_ANSWERS: u64 = 16 << 20;

/// What an antivirus says of a file in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanned {
    /// Nothing was found.
    Clean,
    /// The name of what was found.
    Infected(String),
    /// The file is larger than the antivirus takes.
    TooLarge,
    /// There is no verdict now; why.
    Unavailable(String),
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
            let header = self.receiver.unwrap(&dossier, &named).await?;
            if sealed_answers == Some(named.envelope_hash) {
                sealed = self.answers(&mut dossier, &named, &header, place).await?;
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
            "v": 1, "delivery": self.delivery.id, "kind": self.delivery.kind,
            "dossier": dossier.manifest.dossier, "organisation": dossier.manifest.organisation,
            "scheme": dossier.manifest.scheme, "title": dossier.scheme.as_ref().map(|scheme| &scheme.title),
            "manifest_hash": self.delivery.manifest_hash, "submitted": dossier.attestation.record.time(),
            "asserted": dossier.attestation.asserted(), "log_index": dossier.attestation.index,
            "scanned": self.scanner.is_some(), "files": files,
        })
    }

    async fn answers(
        &self,
        dossier: &mut Dossier,
        named: &SealedFile,
        header: &OpenedHeader,
        place: &Path,
    ) -> Result<Value, Trouble> {
        if named.size > LARGEST_ANSWERS {
            return Err(Trouble::aside("answers_malformed", "the sealed answers are larger than any form’s"));
        }
        let path = place.join(".answers");
        self.file(dossier, named, header, &path).await?;
        let disk = |error: std::io::Error| Trouble::disk(&path, &error);
        let bytes = tokio::fs::read(&path).await.map_err(disk)?;
        tokio::fs::remove_file(&path).await.map_err(disk)?;
        serde_json::from_slice(&bytes)
            .map_err(|_| Trouble::aside("answers_malformed", "the sealed answers are not JSON"))
    }

    /// Decrypts a file; one part is in memory at a time. It is there, synced, only if it is what the manifest says. The SHA-256 of the plaintext.
    async fn file(
        &self,
        dossier: &mut Dossier,
        named: &SealedFile,
        header: &OpenedHeader,
        path: &Path,
    ) -> Result<String, Trouble> {
        let broken =
            |error: sceau_crypto::envelope::OpenError| Trouble::aside(error.code(), error.to_string());
        let disk = |error: std::io::Error| Trouble::disk(path, &error);
        let mut file = tokio::fs::File::from_std(folder::new_file(path).map_err(disk)?);
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
            file.write_all(text).await.map_err(disk)?;
        }
        if hasher.finish().as_bytes() != named.envelope_hash.as_bytes() || size != named.size {
            let words = "a file is not the one that the depositor signed for";
            return Err(ClientError::Unproven(words.to_owned()).into());
        }
        file.flush().await.map_err(disk)?;
        file.sync_all().await.map_err(disk)?;
        Ok(hex(plain.finish().as_ref()))
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
        }
    }
}

/// The name of the folder of a dossier: the same for the same manifest, another for one that was sent again.
pub(super) fn folder_name(delivery: &Delivery) -> String {
    let hash: String = delivery.manifest_hash.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    format!("{}.{hash}", delivery.dossier)
}

/// Where the folder will be.
pub(super) fn place(target: &Target, name: &str) -> PathBuf {
    target.handover.folder().join(name)
}

/// A name that no other file of the folder has, also where capitals do not count.
fn unused(taken: &mut BTreeSet<String>, name: &str) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut chosen = name.to_owned();
    let mut number = 2;
    while !taken.insert(chosen.to_lowercase()) {
        let kept: String = stem.chars().take(60).collect();
        chosen = format!("{kept} ({number}){extension}");
        number += 1;
    }
    chosen
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
    use super::*;

    #[test]
    fn names_that_meet_are_told_apart() {
        let mut taken = BTreeSet::new();
        let names = ["a.pdf", "A.PDF", "a.pdf", "b", "b"].map(|name| unused(&mut taken, name));
        assert_eq!(names, ["a.pdf", "A (2).PDF", "a (3).pdf", "b", "b (2)"]);
    }
}
