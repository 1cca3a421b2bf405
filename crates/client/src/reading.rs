//! Reading from a program: what the key manager's opening page does, with the same checks.

use sceau_crypto::Cek;
use sceau_crypto::envelope::{EnvelopeHasher, OpenedHeader, UnverifiedHeader};
use sceau_element_api::documents::{Document as _, Manifest, SchemeDocument, SealedFile};
use sceau_element_api::{Base64Url, DossierId, Kind};
use sceau_trace::VerifierKey;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::trust::{Attestation, attested};
use crate::{ClientError, Server, Trust};

/// The opening page: a case officer's certificate at the key manager, a ticket's session at the platform.
#[derive(Debug)]
pub struct ReadingPage {
    key_manager: Server,
    platform: Server,
    log_key: VerifierKey,
    dossier: DossierId,
    bundle: Bundle,
    manifest: Manifest,
}

/// A dossier as its reader sees it.
#[derive(Debug)]
pub struct Opened {
    /// The files, in the manifest's order.
    pub files: Vec<OpenedFile>,
    /// The verified attestation of the manifest.
    pub manifest: Attestation,
}

/// A document in clear, on the owner's side only.
pub struct OpenedFile {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for OpenedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenedFile({} bytes)", self.content.len())
    }
}

#[derive(Deserialize)]
struct ReadingToken {
    token: String,
    dossier: DossierId,
}

#[derive(Debug, Deserialize)]
struct Bundle {
    manifest: Base64Url,
    manifest_evidence: Value,
    scheme: Base64Url,
    files: Vec<FileView>,
}

#[derive(Debug, Deserialize)]
struct FileView {
    file_id: sceau_crypto::FileId,
    header: Base64Url,
}

#[derive(Deserialize)]
struct Unwrapped {
    cek: Base64Url,
}

impl ReadingPage {
    /// Follows an opening link: exchanges its ticket once and fetches the dossier's bundle, then checks the manifest.
    ///
    /// # Errors
    /// When the ticket is spent, or the manifest's attestation does not hold under `log_key`.
    pub async fn open(
        link: &str,
        platform: &str,
        officer: &Trust,
        log_key: &VerifierKey,
    ) -> Result<Self, ClientError> {
        let address = || ClientError::Address(link.to_owned());
        let url = Url::parse(link).map_err(|_| address())?;
        let ticket =
            url.fragment().and_then(|fragment| fragment.strip_prefix("ticket=")).ok_or_else(address)?;
        // The platform wrote the link. Over HTTPS only the organisation's own server answers under the officer's anchors.
        if url.scheme() != "https" {
            return Err(ClientError::Clear(url.origin().ascii_serialization()));
        }
        let key_manager = Server::new(&url.origin().ascii_serialization(), officer)?;
        let platform = Server::new(platform, &Trust::default())?;
        let token: ReadingToken = platform.post("/v1/tickets/exchange", &json!({"ticket": ticket})).await?;
        platform.set_bearer(Some(token.token));
        let dossier = token.dossier;
        let bundle: Bundle = platform.get(&format!("/v1/reading/{dossier}/bundle")).await?;
        let parsed = Manifest::parse(&bundle.manifest).map_err(|_| ClientError::Answer)?;
        attested(&bundle.manifest_evidence, log_key, Kind::Manifest, &dossier.into(), parsed.hash)?;
        let manifest = parsed.document;
        scanned_as_asked(&manifest, &bundle.scheme)?;
        Ok(Self { key_manager, platform, log_key: log_key.clone(), dossier, bundle, manifest })
    }

    /// The verified manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The dossier.
    pub fn dossier(&self) -> DossierId {
        self.dossier
    }

    /// Has each content key unwrapped by the key manager, fetches and opens each file, and checks it against the manifest.
    ///
    /// # Errors
    /// At the first refusal, or the first byte that is not what the depositor signed for.
    pub async fn read(&self) -> Result<Opened, ClientError> {
        let id = self.dossier.into();
        let hash = sceau_trace::sha256(&self.bundle.manifest);
        let manifest = attested(&self.bundle.manifest_evidence, &self.log_key, Kind::Manifest, &id, hash)?;
        let mut files = Vec::with_capacity(self.manifest.files.len());
        for named in &self.manifest.files {
            files.push(self.read_file(named).await?);
        }
        Ok(Opened { files, manifest })
    }

    /// Takes a decision, as the case officer whose certificate this is.
    ///
    /// # Errors
    /// When the key manager refuses.
    pub async fn decide(&self, decision: &str, reason: &str) -> Result<Value, ClientError> {
        let body = json!({
            "dossier": self.dossier, "manifest": self.bundle.manifest,
            "manifest_evidence": self.bundle.manifest_evidence, "decision": decision, "reason": reason,
        });
        self.key_manager.post("/v1/decisions", &body).await
    }

    async fn read_file(&self, named: &SealedFile) -> Result<OpenedFile, ClientError> {
        let failed = |error: sceau_crypto::envelope::OpenError| ClientError::Envelope(error.to_string());
        let view =
            self.bundle.files.iter().find(|file| file.file_id == named.file_id).ok_or(ClientError::Answer)?;
        let body = json!({
            "dossier": self.dossier, "file_id": named.file_id, "header": view.header,
            "manifest": self.bundle.manifest, "manifest_evidence": self.bundle.manifest_evidence,
            "scheme": self.bundle.scheme, "reading": self.platform.bearer(),
        });
        let answer: Unwrapped = self.key_manager.post("/v1/unwrap", &body).await?;
        let cek = Cek::from_slice(&answer.cek).map_err(|_| ClientError::Answer)?;
        let header = UnverifiedHeader::parse(&view.header).map_err(failed)?.open_with(cek).map_err(failed)?;
        let mut hasher = header.hasher();
        let content = self.open_parts(named, &header, &mut hasher).await?;
        if hasher.finish().as_bytes() != named.envelope_hash.as_bytes() || content.len() as u64 != named.size
        {
            return Err(ClientError::Unproven(
                "a file is not the one that the depositor signed for".to_owned(),
            ));
        }
        let metadata = header.metadata();
        Ok(OpenedFile {
            name: metadata.name().to_owned(),
            media_type: metadata.media_type().to_owned(),
            content,
        })
    }

    async fn open_parts(
        &self,
        named: &SealedFile,
        header: &OpenedHeader,
        hasher: &mut EnvelopeHasher,
    ) -> Result<Vec<u8>, ClientError> {
        let failed = |error: sceau_crypto::envelope::OpenError| ClientError::Envelope(error.to_string());
        let mut content = Vec::new();
        let mut opener = None;
        for index in 0..named.parts {
            let path = format!("/v1/reading/{}/files/{}/parts/{index}", self.dossier, named.file_id);
            let mut part = self.platform.get_bytes(&path).await?.to_vec();
            hasher.part(&part);
            let opener = match &mut opener {
                Some(opener) => opener,
                none => none.insert(header.opener(&part).map_err(failed)?),
            };
            content.extend_from_slice(
                opener.open_part(index, index + 1 == named.parts, &mut part).map_err(failed)?,
            );
        }
        Ok(content)
    }
}

/// That `form`, the bytes that came along, is the form that the depositor answered, and that each file has the word that it demands: of the intake
/// that the organisation trusts, that exactly this file was found clean.
///
/// # Errors
/// [`ClientError::Unproven`]; nothing of the dossier is then to be opened.
pub(crate) fn scanned_as_asked(manifest: &Manifest, form: &[u8]) -> Result<SchemeDocument, ClientError> {
    let unproven = |words: &str| ClientError::Unproven(words.to_owned());
    let form = SchemeDocument::parse(form).ok().filter(|form| form.hash == manifest.form_hash);
    let form = form.ok_or_else(|| unproven("the form is not the one that the depositor answered"))?.document;
    manifest.check_words(form.trusted_intake().as_ref()).map_err(|fault| unproven(&fault.to_string()))?;
    Ok(form)
}
