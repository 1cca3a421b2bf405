//! Bringing the platform's own columns, timeline and letters into agreement with what the element attests.
//!
//! The element's word comes first; then, in one transaction, the column that lists read, the line of the timeline and the letter.
//! A process that was killed between the two catches up when it starts, so nothing that was acknowledged is lost and no letter
//! is sent twice.

use sceau_element_api::DossierId;
use sceau_element_api::documents::{Decision, Document as _, DossierPhase, DossierState, Manifest};
use sceau_element_api::proof::Proof;
use sceau_store::{Transaction, params};

use crate::fault::Fault;
use crate::letters::Letter;
use crate::rows::Row;
use crate::{Dossiers, LETTERS, state, statements};

/// A letter and whom it is for, as it waits in the outbox.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Posted {
    /// Account of the citizen, or none for the organisation's contact address.
    pub account: Option<String>,
    /// The organisation concerned.
    pub organisation: String,
    /// What it says.
    pub letter: Letter,
}

/// A line of the timeline.
pub(crate) struct Event<'a> {
    pub(crate) index: u64,
    pub(crate) time: u64,
    pub(crate) action: &'a str,
    pub(crate) outcome: &'a str,
    pub(crate) actor_role: &'a str,
    pub(crate) organisation: Option<String>,
}

impl Dossiers {
    /// Settles every dossier that may have been left between two steps. Call it once at start.
    ///
    /// # Errors
    /// When the database or the element fails; a row that was tampered with is logged and left.
    pub async fn recover(&self) -> Result<(), Fault> {
        for row in self.database.fetch_all(statements::UNSETTLED, params![]).await? {
            let id: String = row.get("id")?;
            let Ok(dossier) = id.parse::<DossierId>() else { continue };
            match self.settle(dossier).await {
                Ok(()) => {}
                Err(fault @ (Fault::Tampered { .. } | Fault::Refused(_))) => {
                    tracing::error!(dossier = %dossier, code = fault.code(), "a dossier cannot be settled");
                }
                Err(fault) => return Err(fault),
            }
        }
        self.database.execute(statements::FORGET_TICKETS, params![self.clock.now_ms()]).await?;
        Ok(())
    }

    /// Brings one dossier into agreement with the element. Doing it again changes nothing.
    pub(crate) async fn settle(&self, dossier: DossierId) -> Result<(), Fault> {
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else { return Ok(()) };
        if current.document.phase == DossierPhase::Draft {
            return Ok(());
        }
        self.settle_submitted(&current).await?;
        let Some(decision) = self.rows.current::<Decision>(dossier).await? else { return Ok(()) };
        self.settle_decided(current, &decision).await
    }

    async fn settle_submitted(&self, current: &Row<DossierState>) -> Result<(), Fault> {
        let dossier = current.document.dossier;
        let manifest = self.rows.current::<Manifest>(dossier).await?;
        let manifest = manifest.ok_or(Fault::Tampered { kind: "manifest", id: dossier.to_string() })?;
        let mut transaction = self.database.begin().await?;
        let submitted = state::name(DossierPhase::Submitted);
        let values = params![dossier.to_string(), submitted, current.document.time];
        if transaction.execute(statements::SETTLE_SUBMITTED, values).await? == 1 {
            let event = Event {
                index: manifest.attested.index,
                time: current.document.time,
                action: "deposit.complete",
                outcome: "granted",
                actor_role: "citizen",
                organisation: None,
            };
            self.insert_event(&mut transaction, dossier, &event).await?;
            let organisation = self.enrolled(current.document.organisation).await?.document.name;
            let link = format!("{}/dossiers/{dossier}", self.origin);
            let waiting = Letter::Waiting { link: format!("{}/organisation", self.origin) };
            self.post_to_citizen(&mut transaction, current, Letter::Deposited { organisation, link }).await?;
            let posted = Posted {
                account: None,
                organisation: current.document.organisation.to_string(),
                letter: waiting,
            };
            self.outbox.enqueue(&mut transaction, LETTERS, &posted).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn settle_decided(
        &self,
        current: Row<DossierState>,
        decision: &Row<Decision>,
    ) -> Result<(), Fault> {
        let dossier = current.document.dossier;
        let decided = state::phase_of(decision.document.decision);
        if current.document.phase != decided {
            let next =
                state::decide(current.document.phase, decision.document.decision).map_err(|fault| {
                    Fault::Refused(sceau_element_api::problem::Problem::new(409, "state", fault.to_string()))
                })?;
            let document =
                DossierState { phase: next, time: decision.document.time, ..current.document.clone() };
            self.rows.attest::<DossierState>(&document.to_bytes()?, Proof::PlatformAsserted).await?;
        }
        let mut transaction = self.database.begin().await?;
        let values = params![dossier.to_string(), state::name(decided), decision.document.time];
        if transaction.execute(statements::SETTLE_DECIDED, values).await? == 1 {
            let role = sceau_element_api::Role::from(decision.document.role);
            let event = Event {
                index: decision.attested.index,
                time: decision.document.time,
                action: "decision",
                outcome: "granted",
                actor_role: role.as_str(),
                organisation: Some(decision.document.organisation.to_string()),
            };
            self.insert_event(&mut transaction, dossier, &event).await?;
            let organisation = self.enrolled(current.document.organisation).await?.document.name;
            let link = format!("{}/dossiers/{dossier}", self.origin);
            let letter = Letter::Decided { organisation, state: state::name(decided).to_owned(), link };
            self.post_to_citizen(&mut transaction, &current, letter).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) async fn post_to_citizen(
        &self,
        transaction: &mut Transaction,
        dossier: &Row<DossierState>,
        letter: Letter,
    ) -> Result<(), Fault> {
        let posted = Posted {
            account: Some(dossier.document.depositor.to_string()),
            organisation: dossier.document.organisation.to_string(),
            letter,
        };
        self.outbox.enqueue(transaction, LETTERS, &posted).await?;
        Ok(())
    }

    pub(crate) async fn insert_event(
        &self,
        transaction: &mut Transaction,
        dossier: DossierId,
        event: &Event<'_>,
    ) -> Result<bool, Fault> {
        let values = params![
            dossier.to_string(),
            event.index,
            event.time,
            event.action,
            event.outcome,
            event.actor_role,
            event.organisation.clone()
        ];
        Ok(transaction.execute(statements::INSERT_EVENT, values).await? == 1)
    }
}
