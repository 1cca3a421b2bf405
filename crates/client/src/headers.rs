//! A dossier as it is sealed, for the organisation's own key manager to re-wrap.

use sceau_crypto::FileId;
use sceau_element_api::Base64Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ClientError, Machine};

/// Manifest, form and headers, as the platform shows them. Nothing of it is proven yet.
#[derive(Debug, Clone, Deserialize)]
pub struct SealedDossier {
    /// The manifest's bytes.
    pub manifest: Base64Url,
    /// The evidence file of its attestation.
    pub manifest_evidence: Value,
    /// The form's bytes.
    pub scheme: Base64Url,
    /// The files that the manifest names, in its order.
    pub files: Vec<FileHeader>,
}

/// The header of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileHeader {
    /// The file.
    pub file_id: FileId,
    /// Its header.
    pub header: Base64Url,
}

impl Machine {
    /// A dossier of the organisation, without its contents.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn sealed_dossier(&self, dossier: &str) -> Result<SealedDossier, ClientError> {
        let path = self.headers_of(dossier);
        self.with_token(|| async { self.server().get(&path).await }).await
    }

    /// Puts other headers in their place, in the signed word of `record`.
    ///
    /// # Errors
    /// When the platform refuses.
    pub async fn put_headers(
        &self,
        dossier: &str,
        record: &str,
        files: &[FileHeader],
    ) -> Result<(), ClientError> {
        let (path, body) = (self.headers_of(dossier), json!({"record": record, "files": files}));
        self.with_token(|| async { self.server().put::<_, Value>(&path, &body).await }).await.map(drop)
    }

    fn headers_of(&self, dossier: &str) -> String {
        format!("/v1/organisations/{}/dossiers/{dossier}/headers", self.organisation())
    }
}
