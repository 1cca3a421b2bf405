//! What people see of dossiers: lists, one dossier, its timeline.

use sceau_element_api::documents::{Decision, DossierPhase, DossierState, Manifest, SchemeDocument, Text};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, DossierId, OrganisationId};
use sceau_store::{Row as Record, params};
use sceau_trace::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::reading::Reader;
use crate::{Dossiers, state, statements};

/// A dossier in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    /// The dossier.
    pub id: String,
    /// Its state.
    pub state: String,
    /// The scheme.
    pub scheme: String,
    /// The scheme's title.
    #[schema(value_type = Object)]
    pub title: Text,
    /// The organisation.
    pub organisation: String,
    /// Its name.
    pub organisation_name: String,
    /// When it was begun, in Unix milliseconds.
    pub created: u64,
    /// When it was sent.
    pub submitted: Option<u64>,
    /// When it was decided.
    pub decided: Option<u64>,
}

/// One dossier, for its depositor.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DossierView {
    /// What lists show.
    #[serde(flatten)]
    pub summary: Summary,
    /// The sealed files.
    pub files: Vec<FileSummary>,
    /// Who asserts the manifest: `passkey` or `platform`.
    pub manifest_asserted: Option<String>,
    /// What happened, in order.
    pub timeline: Vec<EventView>,
    /// What the organisation answered.
    pub decision: Option<DecisionView>,
}

/// A sealed file: its name is encrypted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileSummary {
    /// The file.
    pub file_id: String,
    /// Length of the plaintext, in bytes.
    pub size: u64,
    /// Number of parts.
    pub parts: u32,
}

/// A line of the timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventView {
    /// When, in Unix milliseconds.
    pub time: u64,
    /// What was done.
    pub action: String,
    /// `intent`, `granted` or `refused`.
    pub outcome: String,
    /// Role of who did it; never a name.
    pub actor_role: String,
    /// Organisation of who did it.
    pub organisation_name: Option<String>,
    /// Log index of its record.
    pub index: u64,
}

/// What the organisation answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DecisionView {
    /// `accepted`, `refused` or `more_information`.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// Role of who decided.
    pub role: String,
    /// When, in Unix milliseconds.
    pub time: u64,
    /// Log index of its attestation.
    pub index: u64,
}

impl Dossiers {
    /// The dossiers of a citizen, newest first.
    ///
    /// # Errors
    /// When a row is not the attested one.
    pub async fn dossiers_of(&self, citizen: AccountId) -> Result<Vec<Summary>, Fault> {
        let rows =
            self.database.fetch_all(statements::DOSSIERS_OF_CITIZEN, params![citizen.to_string()]).await?;
        let mut summaries = Vec::with_capacity(rows.len());
        for row in rows {
            summaries.extend(self.summary(&row, |state| state.depositor == citizen).await?);
        }
        Ok(summaries)
    }

    /// The dossiers that an organisation may open, newest first. The list is recorded.
    ///
    /// # Errors
    /// When a row is not the attested one.
    pub async fn dossiers_for(&self, reader: Reader) -> Result<Vec<Summary>, Fault> {
        let draft = RecordDraft::new(reader.actor(), Action::DOSSIER_LIST).organisation(reader.organisation);
        self.element().append(draft.granted()).await?;
        let organisation: OrganisationId = reader.organisation;
        let rows = self
            .database
            .fetch_all(statements::DOSSIERS_OF_ORGANISATION, params![organisation.to_string()])
            .await?;
        let mut summaries = Vec::with_capacity(rows.len());
        for row in rows {
            summaries.extend(self.summary(&row, |state| state.organisation == organisation).await?);
        }
        Ok(summaries)
    }

    /// One dossier of a citizen.
    ///
    /// # Errors
    /// When it is not there, or not this citizen's.
    pub async fn dossier_of(&self, citizen: AccountId, dossier: DossierId) -> Result<DossierView, Fault> {
        self.own(citizen, dossier).await?;
        let row = self.database.fetch_one(statements::DOSSIER, params![dossier.to_string()]).await?;
        let summary =
            self.summary(&row, |state| state.depositor == citizen).await?.ok_or_else(Fault::not_found)?;
        let manifest = self.rows.current::<Manifest>(dossier).await?;
        let decision = self.rows.current::<Decision>(dossier).await?.map(|row| DecisionView {
            decision: row.document.decision.as_str().to_owned(),
            reason: row.document.reason.clone(),
            role: sceau_element_api::Role::from(row.document.role).as_str().to_owned(),
            time: row.document.time,
            index: row.attested.index,
        });
        Ok(DossierView {
            timeline: self.timeline(dossier, &summary.organisation_name).await?,
            summary,
            manifest_asserted: manifest.as_ref().map(|row| asserted(&row.proof).to_owned()),
            files: manifest
                .map_or_else(Vec::new, |row| row.document.files.iter().map(file_summary).collect()),
            decision,
        })
    }

    /// The evidence of a line of a citizen's timeline.
    ///
    /// # Errors
    /// When the line is not of that dossier.
    pub async fn evidence_of(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        index: u64,
    ) -> Result<serde_json::Value, Fault> {
        self.own(citizen, dossier).await?;
        let row =
            self.database.fetch_optional(statements::EVENT, params![dossier.to_string(), index]).await?;
        row.ok_or_else(Fault::not_found)?;
        self.evidence(index).await
    }

    async fn timeline(&self, dossier: DossierId, organisation_name: &str) -> Result<Vec<EventView>, Fault> {
        let rows = self.database.fetch_all(statements::EVENTS, params![dossier.to_string()]).await?;
        rows.iter()
            .map(|row| {
                let organisation: Option<String> = row.get("organisation")?;
                Ok(EventView {
                    time: row.get("time")?,
                    action: row.get("action")?,
                    outcome: row.get("outcome")?,
                    actor_role: row.get("actor_role")?,
                    organisation_name: organisation.map(|_| organisation_name.to_owned()),
                    index: row.get("log_index")?,
                })
            })
            .collect()
    }

    /// A summary whose state is the element's word; none when `whose` says that it is not the caller's.
    async fn summary(
        &self,
        row: &Record,
        whose: impl Fn(&DossierState) -> bool,
    ) -> Result<Option<Summary>, Fault> {
        let id: String = row.get("id")?;
        let tampered = || Fault::Tampered { kind: "dossier", id: id.clone() };
        let dossier: DossierId = id.parse().map_err(|_| tampered())?;
        // A row that was inserted and never attested was never acknowledged.
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else { return Ok(None) };
        if !whose(&current.document) {
            return Ok(None);
        }
        let phase = current.document.phase;
        let scheme =
            self.rows.current::<SchemeDocument>(current.document.scheme).await?.ok_or_else(tampered)?;
        let submitted: Option<u64> = row.get("submitted")?;
        Ok(Some(Summary {
            state: state::name(phase).to_owned(),
            scheme: current.document.scheme.to_string(),
            title: scheme.document.title,
            organisation: current.document.organisation.to_string(),
            organisation_name: self.enrolled(current.document.organisation).await?.document.name,
            created: row.get("created")?,
            submitted: submitted.filter(|_| phase != DossierPhase::Draft),
            decided: row.get("decided")?,
            id,
        }))
    }
}

fn asserted(proof: &Proof) -> &'static str {
    match proof {
        Proof::Passkey { .. } => "passkey",
        _ => "platform",
    }
}

fn file_summary(file: &sceau_element_api::documents::SealedFile) -> FileSummary {
    FileSummary { file_id: file.file_id.to_string(), size: file.size, parts: file.parts }
}
