//! A deposit from a program: the same steps as the citizen's page.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sceau_crypto::envelope::{Metadata, NewEnvelope, PART};
use sceau_crypto::{FileId, RecipientKey};
use sceau_element_api::documents::{
    AnswerValue, Answers, Document as _, Manifest, Parsed, SchemeDocument, SealedAnswers, SealedFile,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::{Base64Url, DossierId, Kind, Nonce, SchemeId};
use sceau_trace::{Asserted, Hash};
use serde::Deserialize;
use serde_json::json;

use crate::trust::{Attestation, OfferedKey, TrustedKey, attested};
use crate::{ClientError, Person};

/// A file to deposit: where it is, and what the recipient will see of its name and type.
#[derive(Debug, Clone)]
pub struct Document {
    /// Name that the recipient sees; the platform does not.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// A scheme as the platform publishes it.
#[derive(Debug, Clone, Deserialize)]
pub struct Scheme {
    /// The scheme.
    pub id: SchemeId,
    /// The exact bytes of its document.
    pub payload: Base64Url,
    /// Log index of its attestation.
    pub index: u64,
}

/// A dossier that was sent.
#[derive(Debug, Clone)]
pub struct Deposited {
    /// The dossier.
    pub dossier: DossierId,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The key that it is sealed to.
    pub recipient: TrustedKey,
    /// The verified receipt: the attestation of the manifest in the log.
    pub receipt: Attestation,
    /// The receipt as it came, an evidence file.
    pub evidence: serde_json::Value,
}

#[derive(Deserialize)]
struct Begun {
    id: DossierId,
    recipient: OfferedKey,
}

#[derive(Deserialize)]
struct NonceOnly {
    nonce: Nonce,
}

#[derive(Deserialize)]
struct Receipt {
    receipt: serde_json::Value,
}

impl Document {
    /// Reads a file; its type is guessed from its name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let failed = |cause| ClientError::File { path: path.display().to_string(), cause };
        let mut content = Vec::new();
        File::open(path).and_then(|mut file| file.read_to_end(&mut content)).map_err(failed)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let media_type = media_type(&name).to_owned();
        Ok(Self { name, media_type, content })
    }
}

impl Person {
    /// The schemes on offer.
    ///
    /// # Errors
    /// When the platform does not answer.
    pub async fn schemes(&self) -> Result<Vec<Scheme>, ClientError> {
        self.server.get("/v1/schemes").await
    }

    /// Deposits `documents` for `scheme`: verifies the recipient's key, seals, sends, signs the manifest, verifies the receipt.
    /// `step` hears of each step that was done. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// When a proof does not hold, or the platform refuses.
    pub async fn deposit(
        &self,
        scheme: &Scheme,
        answers: &BTreeMap<String, AnswerValue>,
        documents: &[Document],
        now: u64,
        step: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Deposited, ClientError> {
        let form = self.published(scheme).await?;
        let begun: Begun = self.server.post("/v1/dossiers", &json!({"scheme": scheme.id})).await?;
        let recipient = begun.recipient.verify(form.document.organisation, &self.log_key, now)?;
        step(Step::RecipientVerified(&recipient));
        let mut files = Vec::new();
        for document in documents {
            let sealed = self.seal_and_send(begun.id, &recipient.key, document).await?;
            step(Step::FileSent { name: &document.name, sealed: &sealed });
            files.push(sealed);
        }
        let (public, sealed) =
            self.split_answers(begun.id, &form.document, &recipient.key, answers, &mut files).await?;
        let manifest = Manifest {
            v: 1,
            dossier: begun.id,
            organisation: form.document.organisation,
            scheme: scheme.id,
            form_hash: form.hash,
            answers: Answers { public, sealed },
            files,
            key_id: recipient.key.key_id(),
            created: now,
        };
        let manifest = manifest.to_bytes().map_err(|error| ClientError::Envelope(error.to_string()))?;
        let evidence = self.submit(begun.id, &manifest).await?;
        let hash = sceau_trace::sha256(&manifest);
        let receipt = attested(&evidence, &self.log_key, Kind::Manifest, &begun.id.into(), hash)?;
        step(Step::ReceiptVerified(&receipt));
        Ok(Deposited { dossier: begun.id, manifest, recipient, receipt, evidence })
    }

    /// The scheme as its organisation published it: the log holds these bytes. A platform that altered the form could have a
    /// sensitive answer sent in clear, or a deposit sealed for another organisation.
    async fn published(&self, scheme: &Scheme) -> Result<Parsed<SchemeDocument>, ClientError> {
        let form = SchemeDocument::parse(&scheme.payload).map_err(|_| ClientError::Answer)?;
        let evidence = self.server.get(&format!("/v1/trace/evidence/{}", scheme.index)).await?;
        let log = attested(&evidence, &self.log_key, Kind::Scheme, &scheme.id.into(), form.hash)?;
        if log.asserted() != Asserted::Passkey || form.document.scheme != scheme.id {
            return Err(ClientError::Unproven("no administrator published this form".to_owned()));
        }
        Ok(form)
    }

    async fn submit(&self, dossier: DossierId, manifest: &[u8]) -> Result<serde_json::Value, ClientError> {
        let path = format!("/v1/dossiers/{dossier}");
        let prepared: NonceOnly = self.server.post(&format!("{path}/manifest/prepare"), &json!({})).await?;
        let proof: Proof = self.prove(Kind::Manifest, manifest, prepared.nonce)?;
        let body = json!({"manifest": Base64Url(manifest.to_vec()), "proof": proof});
        let answer: Receipt = self.server.post(&format!("{path}/submit"), &body).await?;
        Ok(answer.receipt)
    }

    /// Public answers stay in the manifest; sensitive ones become one more sealed file.
    async fn split_answers(
        &self,
        dossier: DossierId,
        form: &SchemeDocument,
        key: &RecipientKey,
        answers: &BTreeMap<String, AnswerValue>,
        files: &mut Vec<SealedFile>,
    ) -> Result<(BTreeMap<String, AnswerValue>, Option<SealedAnswers>), ClientError> {
        let sensitive = |name: &String| form.form.iter().any(|field| field.name == *name && field.sensitive);
        let (secret, public): (BTreeMap<_, _>, BTreeMap<_, _>) =
            answers.clone().into_iter().partition(|(name, _)| sensitive(name));
        if secret.is_empty() {
            return Ok((public, None));
        }
        let content = serde_json::to_vec(&secret).map_err(|_| ClientError::Answer)?;
        let document =
            Document { name: "answers.json".to_owned(), media_type: "application/json".to_owned(), content };
        let sealed = self.seal_and_send(dossier, key, &document).await?;
        let envelope_hash = sealed.envelope_hash;
        files.push(sealed);
        Ok((public, Some(SealedAnswers { envelope_hash })))
    }

    async fn seal_and_send(
        &self,
        dossier: DossierId,
        key: &RecipientKey,
        document: &Document,
    ) -> Result<SealedFile, ClientError> {
        let failed = |error: sceau_crypto::envelope::SealError| ClientError::Envelope(error.to_string());
        let file = FileId::random();
        let metadata = Metadata::new(&document.name, &document.media_type).map_err(failed)?;
        let mut envelope =
            NewEnvelope::create_for_file(file, metadata, std::slice::from_ref(key)).map_err(failed)?;
        let path = format!("/v1/dossiers/{dossier}/files/{file}");
        let header = envelope.header.as_bytes().to_vec();
        let digest = sceau_crypto::sha256(&header);
        self.server.put_bytes(&format!("{path}/header"), header, &digest).await?;
        let mut hasher = envelope.header.hasher();
        let mut rest = document.content.as_slice();
        let mut parts = 0_u32;
        loop {
            let (segment, after) = rest.split_at(rest.len().min(envelope.sealer.segment_size()));
            rest = after;
            let part = envelope.sealer.seal_part(segment, rest.is_empty()).map_err(failed)?;
            debug_assert!(part.len() <= PART);
            let digest = hasher.part(&part);
            self.server.put_bytes(&format!("{path}/parts/{parts}"), part, &digest).await?;
            parts += 1;
            if rest.is_empty() {
                break;
            }
        }
        let envelope_hash = Hash::from(*hasher.finish().as_bytes());
        Ok(SealedFile { file_id: file, envelope_hash, size: document.content.len() as u64, parts })
    }
}

/// A step of a deposit that was done.
#[derive(Debug)]
pub enum Step<'a> {
    /// The recipient's key verified: root, statement, log.
    RecipientVerified(&'a TrustedKey),
    /// A file was sealed and sent.
    FileSent {
        /// Its name, here only.
        name: &'a str,
        /// What the manifest says of it.
        sealed: &'a SealedFile,
    },
    /// The receipt verified.
    ReceiptVerified(&'a Attestation),
}

fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
