//! What people see of dossiers: lists, one dossier, its timeline.

use std::collections::{HashMap, HashSet};

use sceau_element_api::documents::{
    Decision, DossierPhase, DossierState, Manifest, OrganisationDocument, SchemeDocument, Text,
};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, DossierId, RowId};
use sceau_store::{Row as Record, params};
use sceau_trace::Action;
use serde::Serialize;
use utoipa::ToSchema;

use crate::evidence::not_the_officer;
use crate::fault::Fault;
use crate::reading::Reader;
use crate::rows::Row;
use crate::{Dossiers, state, statements};

/// The state of a dossier whose rows are not what was attested; everything else of it is then null.
const TAMPERED: &str = "tampered";

/// A dossier in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    /// The dossier.
    pub id: String,
    /// `draft`, `submitted`, `more_information`, `accepted`, `refused`, `withdrawn`; or `tampered` where the database does not hold what was
    /// attested: nothing else is said of it then.
    pub state: String,
    /// The scheme.
    pub scheme: Option<String>,
    /// The scheme's title.
    #[schema(value_type = Option<Object>)]
    pub title: Option<Text>,
    /// The organisation.
    pub organisation: Option<String>,
    /// Its name.
    pub organisation_name: Option<String>,
    /// Which way its documents come in: `sealed` or `scanned`.
    pub intake: Option<String>,
    /// When it was begun, in Unix milliseconds.
    pub created: Option<u64>,
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
    /// The manifest's bytes, base64url: a further manifest lists what was sent before, too.
    #[schema(value_type = Option<String>)]
    pub manifest: Option<sceau_element_api::Base64Url>,
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
    /// The exact bytes that the key manager signed, base64url: their SHA-256 is in the record at `index`.
    #[schema(value_type = String)]
    pub payload: sceau_element_api::Base64Url,
}

impl Dossiers {
    /// The dossiers of a citizen, newest first.
    ///
    /// # Errors
    /// When the database or the element does not answer.
    pub async fn dossiers_of(&self, citizen: AccountId) -> Result<Vec<Summary>, Fault> {
        let at = params![citizen.to_string()];
        let rows = self.database.fetch_all(statements::DOSSIERS_OF_CITIZEN, at).await?;
        self.summaries(&rows, |state| state.depositor == citizen).await
    }

    /// The dossiers that an organisation may open, newest first. The list is recorded.
    ///
    /// # Errors
    /// When the database or the element does not answer.
    pub async fn dossiers_for(&self, reader: Reader) -> Result<Vec<Summary>, Fault> {
        let draft = RecordDraft::new(reader.actor(), Action::DOSSIER_LIST).organisation(reader.organisation);
        self.element().append(draft.granted()).await?;
        let at = params![reader.organisation.to_string()];
        let rows = self.database.fetch_all(statements::DOSSIERS_OF_ORGANISATION, at).await?;
        let own = |state: &DossierState| {
            state.organisation == reader.organisation && state::is_readable(state.phase)
        };
        self.summaries(&rows, own).await
    }

    /// One dossier of a citizen.
    ///
    /// # Errors
    /// When it is not there, or not this citizen's.
    pub async fn dossier_of(&self, citizen: AccountId, dossier: DossierId) -> Result<DossierView, Fault> {
        self.own(citizen, dossier).await?;
        let tampered = || Fault::Tampered { kind: "dossier", id: dossier.to_string() };
        let row = self.database.fetch_optional(statements::DOSSIER, params![dossier.to_string()]).await?;
        let own = |state: &DossierState| state.depositor == citizen;
        let summary = self.summaries(&[row.ok_or_else(tampered)?], own).await?.pop().ok_or_else(tampered)?;
        // Of one dossier there is nothing to show then. The list's record of it is the record.
        let organisation_name = summary.organisation_name.clone().ok_or(sceau_accounts::Code::Tampered)?;
        let manifest = self.rows.current::<Manifest>(dossier).await?;
        let decision = self.rows.current::<Decision>(dossier).await?.map(|row| DecisionView {
            decision: row.document.decision.as_str().to_owned(),
            reason: row.document.reason.clone(),
            role: sceau_element_api::Role::from(row.document.role).as_str().to_owned(),
            time: row.document.time,
            index: row.attested.index,
            payload: sceau_element_api::Base64Url(row.payload),
        });
        let asserted = match &manifest {
            Some(manifest) => Some(self.rows.proven(manifest).await?.as_str().to_owned()),
            None => None,
        };
        Ok(DossierView {
            timeline: self.timeline(dossier, &organisation_name).await?,
            summary,
            manifest_asserted: asserted,
            manifest: manifest.as_ref().map(|row| sceau_element_api::Base64Url(row.payload.clone())),
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
        self.evidence_to_keep(index, not_the_officer).await
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

    /// Summaries whose states are the element's word, of those that are the caller's. The element is asked three times for all. A
    /// dossier whose rows were tampered with is named as such and recorded; the others are shown.
    async fn summaries(
        &self,
        rows: &[Record],
        whose: impl Fn(&DossierState) -> bool,
    ) -> Result<Vec<Summary>, Fault> {
        let mut ids: Vec<RowId> = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.get("id")?;
            let tampered = |_| Fault::Tampered { kind: "dossier", id: id.clone() };
            ids.push(id.parse::<DossierId>().map_err(tampered)?.into());
        }
        let mut attested = Attested::default();
        attested.states = self.rows.each_current(ids.clone()).await?;
        attested.schemes = self.rows.each_current(attested.distinct(|state| state.scheme.into())).await?;
        attested.organisations =
            self.rows.each_current(attested.distinct(|state| state.organisation.into())).await?;
        let mut summaries = Vec::with_capacity(rows.len());
        for (row, id) in rows.iter().zip(&ids) {
            match attested.summary(row, id, &whose) {
                Ok(summary) => summaries.extend(summary),
                Err(fault @ Fault::Tampered { .. }) => {
                    self.note_tampering(&fault).await;
                    summaries.push(Summary::tampered(id));
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(summaries)
    }
}

/// What is attested of the dossiers of a list.
#[derive(Default)]
struct Attested {
    states: HashMap<RowId, Result<Row<DossierState>, Fault>>,
    schemes: HashMap<RowId, Result<Row<SchemeDocument>, Fault>>,
    organisations: HashMap<RowId, Result<Row<OrganisationDocument>, Fault>>,
}

impl Attested {
    fn distinct(&self, of: fn(&DossierState) -> RowId) -> Vec<RowId> {
        let ids: HashSet<RowId> = self.states.values().flatten().map(|row| of(&row.document)).collect();
        ids.into_iter().collect()
    }

    /// One dossier; none if it is not the caller's, or was inserted and never attested, which nobody acknowledged.
    fn summary(
        &self,
        columns: &Record,
        id: &RowId,
        whose: impl Fn(&DossierState) -> bool,
    ) -> Result<Option<Summary>, Fault> {
        let tampered = || Fault::Tampered { kind: "dossier", id: id.to_string() };
        let state = match self.states.get(id) {
            None => return Ok(None),
            Some(Ok(row)) => &row.document,
            Some(Err(_)) => return Err(tampered()),
        };
        if !whose(state) {
            return Ok(None);
        }
        let scheme = self.schemes.get(&state.scheme.into()).and_then(|row| row.as_ref().ok());
        let scheme = scheme.ok_or_else(tampered)?;
        let organisation = self.organisations.get(&state.organisation.into());
        let organisation = organisation.and_then(|row| row.as_ref().ok()).ok_or_else(tampered)?;
        let submitted: Option<u64> = columns.get("submitted")?;
        Ok(Some(Summary {
            id: id.to_string(),
            state: state::name(state.phase).to_owned(),
            scheme: Some(state.scheme.to_string()),
            title: Some(scheme.document.title.clone()),
            organisation: Some(state.organisation.to_string()),
            organisation_name: Some(organisation.document.name.clone()),
            intake: Some(scheme.document.intake.as_str().to_owned()),
            created: Some(columns.get("created")?),
            submitted: submitted.filter(|_| state.phase != DossierPhase::Draft),
            decided: columns.get("decided")?,
        }))
    }
}

impl Summary {
    /// A dossier of which nothing can be said.
    fn tampered(id: &RowId) -> Self {
        Self {
            id: id.to_string(),
            state: TAMPERED.to_owned(),
            scheme: None,
            title: None,
            organisation: None,
            organisation_name: None,
            intake: None,
            created: None,
            submitted: None,
            decided: None,
        }
    }
}

fn file_summary(file: &sceau_element_api::documents::SealedFile) -> FileSummary {
    FileSummary { file_id: file.file_id.to_string(), size: file.size, parts: file.parts }
}
