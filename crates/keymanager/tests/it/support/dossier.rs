//! A dossier as a citizen's browser seals it, and the requests that its reader makes.

use std::collections::BTreeMap;

use sceau_crypto::envelope::{Metadata, NewEnvelope};
use sceau_crypto::{Cek, FileId, RecipientKey};
use sceau_element_api::documents::{
    Answers, Document as _, Intake, IntakeHost, KeyUse, Manifest, SchemeDocument, SealedFile, Text,
};
use sceau_element_api::{Base64Url, DossierId, OrganisationId, SchemeId};
use sceau_trace::{Hash, sha256};
use serde_json::{Value, json};

use super::World;

#[derive(Clone)]
pub struct SealedDossier {
    pub manifest: Manifest,
    pub payload: Vec<u8>,
    /// The form that was answered.
    pub scheme: Vec<u8>,
    pub evidence: Value,
    pub header: Vec<u8>,
    pub cek: [u8; 32],
}

impl SealedDossier {
    /// Sealed to the organisation's current key, its manifest attested.
    pub fn deposit(world: &World) -> Self {
        Self::sealed_to(world, &world.statement(KeyUse::Encrypt).recipient_key().unwrap())
    }

    pub fn sealed_to(world: &World, key: &RecipientKey) -> Self {
        Self::with(world, key, |_| {})
    }

    /// With a manifest that is changed before it is attested.
    pub fn with(world: &World, key: &RecipientKey, change: impl FnOnce(&mut Manifest)) -> Self {
        Self::of_scheme(world, key, None, change)
    }

    /// For a scheme whose documents an intake scans, with a manifest that is changed before it is attested.
    pub fn of_scheme(
        world: &World,
        key: &RecipientKey,
        intake: Option<IntakeHost>,
        change: impl FnOnce(&mut Manifest),
    ) -> Self {
        let form = form(world.organisation, intake);
        let scheme = form.to_bytes().unwrap();
        let metadata = Metadata::new("facture.pdf", "application/pdf").unwrap();
        let dossier = DossierId::random();
        let file = FileId::of_dossier(&dossier.to_string());
        let mut envelope = NewEnvelope::create_for_file(file, metadata, std::slice::from_ref(key)).unwrap();
        let mut hasher = envelope.header.hasher();
        let part = envelope.sealer.seal_part(b"what the citizen sent", true).unwrap();
        hasher.part(&part);
        world.platform.lock().parts.insert((file.to_string(), 0), part);
        let file = SealedFile {
            file_id: envelope.header.fixed().file_id(),
            envelope_hash: Hash::new(*hasher.finish().as_bytes()),
            size: 21,
            parts: 1,
        };
        let mut manifest = Manifest {
            v: 1,
            dossier,
            organisation: world.organisation,
            scheme: form.scheme,
            form_hash: sha256(&scheme),
            answers: Answers { public: BTreeMap::new(), sealed: None },
            files: vec![file],
            key_id: key.key_id(),
            created: super::START,
            words: Vec::new(),
        };
        change(&mut manifest);
        let payload = manifest.to_bytes().unwrap();
        let evidence = world.platform.attest_manifest(&manifest, &payload);
        let header = envelope.header.as_bytes().to_vec();
        let cek = *envelope.header.into_cek().expose();
        Self { manifest, payload, scheme, evidence, header, cek }
    }

    pub fn proof(&self) -> Value {
        json!({
            "dossier": self.manifest.dossier,
            "manifest": Base64Url(self.payload.clone()),
            "manifest_evidence": self.evidence,
            "scheme": Base64Url(self.scheme.clone()),
        })
    }

    /// The body of `POST /v1/unwrap`.
    pub fn request(&self) -> Value {
        let mut body = self.proof();
        body["file_id"] = json!(self.manifest.files[0].file_id);
        body["header"] = json!(Base64Url(self.header.clone()));
        body
    }

    /// The body of `POST /v1/decisions`.
    pub fn decision(&self, decision: &str, reason: &str) -> Value {
        let mut body = self.proof();
        body["decision"] = json!(decision);
        body["reason"] = json!(reason);
        body
    }

    #[track_caller]
    pub fn assert_opened(&self, answer: &Value) {
        let cek = Base64Url::decode(answer["cek"].as_str().unwrap()).unwrap();
        assert_eq!(Cek::from_slice(&cek).unwrap(), Cek::from_slice(&self.cek).unwrap());
        assert_eq!(answer["envelope_hash"], self.manifest.files[0].envelope_hash.to_string());
        assert_eq!((answer["parts"].as_u64(), answer["size"].as_u64()), (Some(1), Some(21)));
    }
}

fn form(organisation: OrganisationId, intake_host: Option<IntakeHost>) -> SchemeDocument {
    let text = || Text { fr: "Aide".to_owned(), en: "Grant".to_owned() };
    let intake = if intake_host.is_some() { Intake::Scanned } else { Intake::Sealed };
    SchemeDocument {
        v: 1,
        scheme: SchemeId::random(),
        organisation,
        title: text(),
        description: text(),
        form: vec![],
        documents: vec![],
        intake,
        intake_host,
    }
}
