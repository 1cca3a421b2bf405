//! What comes from an organisation's key manager: its signed decisions, and the signed records of what it released.

use sceau_element_api::documents::{Decision, Document as _, DossierState, Manifest};
use sceau_element_api::proof::Proof;
use sceau_element_api::{DossierId, OrganisationId};
use sceau_store::params;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::letters::Letter;
use crate::organisations::jws_payload;
use crate::settle::Event;
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

/// The parts of a key manager's record that a timeline shows.
#[derive(Deserialize)]
struct RecordView {
    time: u64,
    action: String,
    outcome: String,
    actor: ActorView,
    #[serde(default)]
    subjects: Vec<SubjectView>,
}

#[derive(Deserialize)]
struct ActorView {
    kind: String,
}

#[derive(Deserialize)]
struct SubjectView {
    kind: String,
    id: String,
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
        let foreign = || Fault::refused(403, "foreign_organisation", "The dossier is another organisation's");
        let current = self.rows.current::<DossierState>(dossier).await?.ok_or_else(foreign)?;
        if decision.document.organisation != organisation || current.document.organisation != organisation {
            return Err(foreign());
        }
        let before = self.rows.current::<Decision>(dossier).await?;
        if before.is_none_or(|before| before.attested.hash != decision.hash) {
            let manifest = self.rows.current::<Manifest>(dossier).await?;
            if manifest.is_none_or(|manifest| manifest.attested.hash != decision.document.manifest_hash) {
                return Err(Fault::refused(
                    409,
                    "another_manifest",
                    "The decision is about another manifest",
                ));
            }
            state::decide(current.document.phase, decision.document.decision).map_err(|_| {
                Fault::refused(409, "already_decided", "A final decision was taken before; it stands")
            })?;
        }
        let row = self.rows.attest::<Decision>(&payload, Proof::Jws { jws: jws.to_owned() }).await?;
        self.settle(dossier).await?;
        Ok(row.attested.index)
    }

    /// Appends records that `organisation`'s key manager signed; the answer is their log indices. A record that is there already
    /// keeps its index.
    ///
    /// # Errors
    /// At the first record that the element refuses; those before it are kept.
    pub async fn deliver_records(
        &self,
        organisation: OrganisationId,
        records: &[String],
    ) -> Result<Vec<u64>, Fault> {
        let mut indices = Vec::with_capacity(records.len());
        for jws in records {
            let index = self.element().append_signed(jws.clone()).await?;
            self.show_record(organisation, jws, index).await?;
            indices.push(index);
        }
        Ok(indices)
    }

    /// Puts a record that concerns a dossier of the organisation on its timeline.
    async fn show_record(&self, organisation: OrganisationId, jws: &str, index: u64) -> Result<(), Fault> {
        let Ok(record) = serde_json::from_slice::<RecordView>(&jws_payload(jws)?) else { return Ok(()) };
        let subject = record.subjects.iter().find(|subject| subject.kind == "dossier");
        let Some(dossier) = subject.and_then(|subject| subject.id.parse::<DossierId>().ok()) else {
            return Ok(());
        };
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else { return Ok(()) };
        if current.document.organisation != organisation {
            return Ok(());
        }
        let opened = record.action == "unwrap.outcome" && record.outcome == "granted";
        let name = self.enrolled(organisation).await?.document.name;
        let mut transaction = self.database.begin().await?;
        let before = transaction.fetch_one(statements::COUNT_OPENED, params![dossier.to_string()]).await?;
        let event = Event {
            index,
            time: record.time,
            action: &record.action,
            outcome: &record.outcome,
            actor_role: &record.actor.kind,
            organisation: Some(organisation.to_string()),
        };
        let new = self.insert_event(&mut transaction, dossier, &event).await?;
        if new && opened && before.get::<i64>("n")? == 0 {
            let link = format!("{}/dossiers/{dossier}", self.origin);
            self.post_to_citizen(&mut transaction, &current, Letter::Opened { organisation: name, link })
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The dossiers of an organisation with the keys that they are sealed to, so that its key manager keeps those keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keys_in_use(&self, organisation: OrganisationId) -> Result<Vec<KeyInUse>, Fault> {
        let rows =
            self.database.fetch_all(statements::OPEN_DOSSIERS, params![organisation.to_string()]).await?;
        rows.iter()
            .map(|row| {
                Ok(KeyInUse { dossier: row.get("id")?, key_id: row.get("key_id")?, state: row.get("state")? })
            })
            .collect()
    }
}
