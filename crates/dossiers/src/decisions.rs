//! What comes from an organisation's key manager: its signed decisions, and the signed records of what it released.

use sceau_element_api::OrganisationId;
use sceau_element_api::documents::{Decision, Document as _, DossierState, Manifest};
use sceau_element_api::proof::Proof;
use sceau_store::params;
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::keys::jws_payload;
use crate::{Dossiers, state, statements};

/// A dossier that still needs its key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyInUse {
    /// The dossier.
    pub dossier: String,
    /// The key that it is sealed to.
    pub key_id: String,
    /// Its state.
    pub state: String,
}

impl Dossiers {
    /// Takes a decision of `organisation`'s key manager; the answer is the log index of its attestation. Taking the same one again
    /// changes nothing.
    ///
    /// # Errors
    /// When it is another organisation's, is about another manifest, or comes after a final decision.
    pub async fn decide(&self, organisation: OrganisationId, jws: &str) -> Result<u64, Fault> {
        let payload = jws_payload(jws)?;
        let decision = Decision::parse(&payload)?;
        let dossier = decision.document.dossier;
        let _turn = self.turn(dossier).await?;
        let current = self.rows.current::<DossierState>(dossier).await?;
        let current = current.ok_or(Code::ForeignOrganisation)?;
        if decision.document.organisation != organisation || current.document.organisation != organisation {
            return Err(Code::ForeignOrganisation.into());
        }
        let before = self.rows.current::<Decision>(dossier).await?;
        if before.is_none_or(|before| before.attested.hash != decision.hash) {
            let manifest = self.rows.current::<Manifest>(dossier).await?;
            if manifest.is_none_or(|manifest| manifest.attested.hash != decision.document.manifest_hash) {
                return Err(Code::AnotherManifest.into());
            }
            // A kill may have left the state behind what was signed.
            self.settle(dossier).await?;
            let phase = self.rows.current::<DossierState>(dossier).await?.map(|row| row.document.phase);
            // A process that was killed may have asked the element for this very decision, which it took a moment ago.
            let now = self.rows.current::<Decision>(dossier).await?;
            let this_one = now.is_some_and(|now| now.attested.hash == decision.hash);
            if !this_one && !phase.is_some_and(state::can_be_decided) {
                return Err(Code::AlreadyDecided.into());
            }
        }
        let row = self.rows.attest::<Decision>(&payload, Proof::Jws { jws: jws.to_owned() }).await?;
        self.settle(dossier).await?;
        Ok(row.attested.index)
    }

    /// Appends records that a key manager signed; the answer is their log indices. A record that is there already keeps its index.
    ///
    /// Whose they are is the element's word, from the key that signed them.
    ///
    /// # Errors
    /// At the first record that the element refuses; those before it are kept.
    pub async fn deliver_records(&self, records: &[String]) -> Result<Vec<u64>, Fault> {
        let mut indices = Vec::with_capacity(records.len());
        for jws in records {
            let index = self.element().append_signed(jws.clone()).await?;
            self.show_record(&self.rows.record(index).await?, index).await?;
            indices.push(index);
        }
        Ok(indices)
    }

    /// The dossiers of an organisation with the keys that they are sealed to, so that its key manager keeps those keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys_in_use(&self, organisation: OrganisationId) -> Result<Vec<KeyInUse>, Fault> {
        let at = params![organisation.to_string()];
        let rows = self.database.fetch_all(statements::OPEN_DOSSIERS, at).await?;
        rows.iter()
            .map(|row| {
                Ok(KeyInUse { dossier: row.get("id")?, key_id: row.get("key_id")?, state: row.get("state")? })
            })
            .collect()
    }
}
