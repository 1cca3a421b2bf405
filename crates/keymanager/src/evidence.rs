//! What shows that a dossier is what its depositor sent: a manifest, and the log's word for it under the pinned key.

use sceau_client::trust;
use sceau_element_api::documents::{Document as _, Manifest, SchemeDocument};
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
    /// The exact bytes of the form that was answered, base64url: whether documents of its scheme are scanned, and by whom. Needed to open a file.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub scheme: Option<Base64Url>,
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

    /// That each file was found clean by the intake that the organisation trusts, where its form says so. The element asked the same before it
    /// attested the manifest; what opens a file does not take its word for it.
    pub(crate) fn demand_words(&self, proven: &ProvenManifest) -> Result<(), Denial> {
        let form = self.scheme.as_deref().and_then(|bytes| SchemeDocument::parse(bytes).ok());
        let form = form.filter(|form| form.hash == proven.manifest.form_hash).ok_or(Denial::FormDiffers)?;
        proven.manifest.check_words(form.document.trusted_intake().as_ref()).map_err(|_| Denial::NotScanned)
    }
}
