//! A deposit in single steps, so that a test can cut, repeat, or falsify each.

use sceau_client::trust::OfferedKey;
use sceau_client::{ClientError, Person, Scheme};
use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::{FileId, RecipientKey};
use sceau_element_api::documents::{
    Answers, Document as _, Manifest, SchemeDocument, SealedAnswers, SealedFile,
};
use sceau_element_api::{Base64Url, DossierId, Kind, Nonce, OrganisationId};
use sceau_trace::Hash;
use serde_json::{Value, json};

use crate::{Stage, now_ms};

/// A dossier that was begun.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Whose it is.
    pub citizen: &'a Person,
    /// Its id.
    pub id: DossierId,
    /// What it is sealed to.
    pub key: RecipientKey,
    form: SchemeDocument,
    form_hash: Hash,
}

/// A file that was sealed and not yet sent.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Its header.
    pub header: Vec<u8>,
    /// Its parts.
    pub parts: Vec<Vec<u8>>,
    /// What a manifest says of it.
    pub named: SealedFile,
}

impl<'a> Draft<'a> {
    /// Begins a dossier of the stage's citizen.
    pub async fn begin(stage: &'a Stage) -> Self {
        Self::begin_for(&stage.citizen, &stage.scheme).await.expect("anybody may begin")
    }

    /// Begins a dossier of a citizen.
    pub async fn begin_for(citizen: &'a Person, scheme: &Scheme) -> Result<Self, ClientError> {
        let begun: Value = citizen.server().post("/v1/dossiers", &json!({"scheme": scheme.id})).await?;
        let id = begun.get("id").cloned().expect("a dossier that was begun");
        let id = serde_json::from_value(id).expect("an id");
        Ok(Self::with(citizen, scheme, id, begun.get("recipient")))
    }

    /// Goes on with a dossier that was begun, for the key that its organisation still has.
    pub async fn resume(stage: &'a Stage, id: DossierId) -> Self {
        let path = format!("/v1/organisations/{}", stage.organisation.enrolled.organisation);
        let organisation: Value = stage.citizen.server().get(&path).await.expect("anybody may look");
        Self::with(&stage.citizen, &stage.scheme, id, organisation.get("current_key"))
    }

    fn with(citizen: &'a Person, scheme: &Scheme, id: DossierId, recipient: Option<&Value>) -> Self {
        let form = SchemeDocument::parse(&scheme.payload).expect("our own scheme");
        let recipient = recipient.cloned().expect("a key");
        let offered: OfferedKey = serde_json::from_value(recipient).expect("a key with its proofs");
        let organisation = form.document.organisation;
        let key = offered.verify(organisation, citizen.log_key(), now_ms()).expect("a good key").key;
        Self { citizen, id, key, form: form.document, form_hash: form.hash }
    }

    /// Path of the dossier.
    pub fn path(&self) -> String {
        format!("/v1/dossiers/{}", self.id)
    }

    /// Path of a file of it.
    pub fn file(&self, sealed: &Sealed) -> String {
        format!("{}/files/{}", self.path(), sealed.named.file_id)
    }

    /// Seals to the dossier's recipient.
    pub fn seal(&self, content: &[u8]) -> Sealed {
        self.seal_to(&self.key, content)
    }

    /// Seals to somebody.
    pub fn seal_to(&self, key: &RecipientKey, content: &[u8]) -> Sealed {
        let file_id = FileId::of_dossier(&self.id.to_string());
        let metadata = Metadata::new("pièce.pdf", "application/pdf").expect("a good name");
        let envelope = NewEnvelope::create_for_file(file_id, metadata, std::slice::from_ref(key));
        let mut envelope = envelope.expect("a good key");
        let mut hasher = envelope.header.hasher();
        let (mut parts, mut rest) = (Vec::new(), content);
        loop {
            let (segment, after) = rest.split_at(rest.len().min(envelope.sealer.segment_size()));
            rest = after;
            let part = envelope.sealer.seal_part(segment, rest.is_empty()).expect("a good segment");
            hasher.part(&part);
            parts.push(part);
            if rest.is_empty() {
                break;
            }
        }
        let named = SealedFile {
            file_id,
            envelope_hash: Hash::from(*hasher.finish().as_bytes()),
            size: content.len() as u64,
            parts: u32::try_from(parts.len()).expect("a small file"),
        };
        Sealed { header: envelope.header.as_bytes().to_vec(), parts, named }
    }

    /// Sends a header.
    pub async fn send_header(&self, sealed: &Sealed) -> Result<(), ClientError> {
        let digest = sceau_crypto::sha256(&sealed.header);
        let path = format!("{}/header", self.file(sealed));
        self.citizen.server().put_bytes(&path, sealed.header.clone(), &digest).await
    }

    /// Sends a part.
    pub async fn send_part(&self, sealed: &Sealed, part: usize) -> Result<(), ClientError> {
        let bytes = sealed.parts.get(part).expect("a part of the file").clone();
        let digest = sceau_crypto::sha256(&bytes);
        self.citizen.server().put_bytes(&format!("{}/parts/{part}", self.file(sealed)), bytes, &digest).await
    }

    /// Sends all of a file.
    pub async fn send(&self, sealed: &Sealed) -> Result<(), ClientError> {
        self.send_header(sealed).await?;
        for part in 0..sealed.parts.len() {
            self.send_part(sealed, part).await?;
        }
        Ok(())
    }

    /// Seals and sends a document and the answers.
    pub async fn send_all(&self, content: &[u8]) -> (Sealed, Sealed) {
        let (document, answers) = (self.seal(content), self.seal(br#"{"income":18500}"#));
        for sealed in [&document, &answers] {
            self.send(sealed).await.expect("a good file is taken");
        }
        (document, answers)
    }

    /// Which parts of a file the platform says it has.
    pub async fn arrived(&self, sealed: &Sealed) -> Vec<u64> {
        let arrived: Value =
            self.citizen.server().get(&self.file(sealed)).await.expect("the depositor may ask");
        let parts = arrived.get("parts").and_then(Value::as_array).cloned().unwrap_or_default();
        parts.iter().filter_map(Value::as_u64).collect()
    }

    /// The manifest of a document and the sealed answers.
    pub fn manifest(&self, document: &Sealed, answers: &Sealed) -> Manifest {
        let organisation: OrganisationId = self.form.organisation;
        Manifest {
            v: 1,
            dossier: self.id,
            organisation,
            scheme: self.form.scheme,
            form_hash: self.form_hash,
            answers: Answers {
                public: Stage::answers().into_iter().filter(|(name, _)| name == "price").collect(),
                sealed: Some(SealedAnswers { envelope_hash: answers.named.envelope_hash }),
            },
            files: vec![document.named.clone(), answers.named.clone()],
            key_id: self.key.key_id(),
            created: now_ms(),
            words: Vec::new(),
        }
    }

    /// Signs and submits a manifest; the receipt is an evidence file.
    pub async fn submit(&self, manifest: &Manifest) -> Result<Value, ClientError> {
        self.submit_bytes(&serde_json::to_vec(manifest).expect("JSON")).await
    }

    /// Signs and submits a manifest's bytes.
    pub async fn submit_bytes(&self, manifest: &[u8]) -> Result<Value, ClientError> {
        let server = self.citizen.server();
        let prepared: Value = server.post(&format!("{}/manifest/prepare", self.path()), &json!({})).await?;
        let nonce = prepared.get("nonce").cloned().ok_or(ClientError::Answer)?;
        let nonce: Nonce = serde_json::from_value(nonce).map_err(|_| ClientError::Answer)?;
        let proof = self.citizen.prove(Kind::Manifest, manifest, nonce)?;
        let body = json!({"manifest": Base64Url(manifest.to_vec()), "proof": proof});
        let answer: Value = server.post(&format!("{}/submit", self.path()), &body).await?;
        answer.get("receipt").cloned().ok_or(ClientError::Answer)
    }

    /// How the platform says that it stands.
    pub async fn state(&self) -> String {
        let view: Value = self.citizen.server().get(&self.path()).await.expect("the depositor may look");
        view.get("state").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}
