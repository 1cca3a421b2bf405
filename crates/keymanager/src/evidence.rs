//! What shows that a dossier is what its depositor sent: a manifest, and the log's word for it under the pinned key.

use sceau_client::trust;
use sceau_element_api::documents::{Document as _, Manifest};
use sceau_element_api::{Base64Url, DossierId, Kind};
use sceau_trace::Hash;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::denial::Denial;
use crate::link::Link;

/// The dossier that a request is about, with its proofs, as the platform handed them to the page.
///
/// The depositor's proof need not come along: the element verified it before it attested the manifest, and the record in the evidence says on
/// whose word.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DossierProof {
    /// The dossier.
    #[schema(value_type = String)]
    pub dossier: DossierId,
    /// The manifest's exact bytes, base64url.
    #[schema(value_type = String)]
    pub manifest: Base64Url,
    /// The evidence file of its attestation.
    #[schema(value_type = Object)]
    pub manifest_evidence: serde_json::Value,
}

/// A manifest that the platform's log proves, of the dossier asked for, for this organisation. Only [`DossierProof::verify`] makes it.
#[derive(Debug)]
pub(crate) struct ProvenManifest {
    pub(crate) manifest: Manifest,
    pub(crate) hash: Hash,
}

impl DossierProof {
    /// Verifies, in this order: the manifest reads; the log attests these bytes for this dossier; it is of this dossier; it is for us.
    pub(crate) fn verify(&self, link: &Link) -> Result<ProvenManifest, Denial> {
        let parsed = Manifest::parse(&self.manifest).map_err(|_| Denial::ManifestMalformed)?;
        let row = self.dossier.into();
        trust::attested(&self.manifest_evidence, &link.log_key, Kind::Manifest, &row, parsed.hash)
            .map_err(|_| Denial::ManifestNotAttested)?;
        let manifest = parsed.document;
        if manifest.dossier != self.dossier {
            return Err(Denial::ManifestOfAnotherDossier);
        }
        if manifest.organisation != link.organisation {
            return Err(Denial::ManifestOfAnotherOrganisation);
        }
        Ok(ProvenManifest { manifest, hash: parsed.hash })
    }
}
