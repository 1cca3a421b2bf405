//! Bringing a dossier's state, the platform's own columns, the timeline and the letters into agreement with what depositor and
//! organisation signed and the element attests.
//!
//! A manifest or decision that is attested stands. The state follows it; then, in one transaction, the columns that lists read, the
//! line of the timeline and the letter. The line is what makes it once: a process that was killed in between catches up when it
//! starts, and no letter is sent twice.

use sceau_element_api::DossierId;
use sceau_element_api::documents::{Decision, Document as _, DossierPhase, DossierState, Manifest};
use sceau_element_api::proof::Proof;
use sceau_store::{Transaction, params};
use sceau_trace::{Action, Evidence, Record};

use crate::fault::Fault;
use crate::letters::Letter;
use crate::rows::{Row, recorded};
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

/// What is attested of a dossier that was sent.
struct Sent {
    state: Row<DossierState>,
    manifest: Row<Manifest>,
    /// When the element attested the manifest, in Unix milliseconds.
    submitted: u64,
    /// The decision on that manifest, and when it was attested.
    decision: Option<(Row<Decision>, u64)>,
}

impl Dossiers {
    /// Brings one dossier into agreement. Doing it again changes nothing.
    pub(crate) async fn settle(&self, dossier: DossierId) -> Result<(), Fault> {
        let Some(sent) = self.sent(dossier).await? else { return Ok(()) };
        let shown = self.show(sent).await;
        if !shown.as_ref().is_err_and(Fault::is_stale) {
            return shown;
        }
        // A server that restarted forgot whose turn it was, and another process was quicker.
        match self.sent(dossier).await? {
            Some(sent) => self.show(sent).await,
            None => Ok(()),
        }
    }

    /// The same, right after the element attested `manifest` of a dossier whose state was read before: nobody can have decided on it. The
    /// answer is the evidence of that attestation.
    pub(crate) async fn settle_sent(
        &self,
        state: Row<DossierState>,
        manifest: Row<Manifest>,
    ) -> Result<Evidence, Fault> {
        let dossier = state.document.dossier;
        let evidence = self.rows.evidence(manifest.attested.index).await?;
        let submitted = recorded(&evidence)?.time();
        match self.show(Sent { state, manifest, submitted, decision: None }).await {
            Err(fault) if fault.is_stale() => self.settle(dossier).await?,
            shown => shown?,
        }
        Ok(evidence)
    }

    async fn show(&self, sent: Sent) -> Result<(), Fault> {
        let dossier = sent.state.document.dossier;
        let phase = sent
            .decision
            .as_ref()
            .map_or(DossierPhase::Submitted, |(decision, _)| state::phase_of(decision.document.decision));
        let state = if sent.state.document.phase == phase {
            sent.state.attested
        } else {
            let time = sent.decision.as_ref().map_or(sent.submitted, |(_, time)| *time);
            let next = DossierState { phase, time, ..sent.state.document.clone() };
            let next = next.to_bytes()?;
            self.rows.attest_after(Some(&sent.state), &next, Proof::PlatformAsserted).await?.attested
        };
        let organisation = self.enrolled(sent.state.document.organisation).await?.document.name;
        let mut transaction = self.database.begin().await?;
        self.show_deposit(&mut transaction, &sent, &organisation).await?;
        self.show_decision(&mut transaction, &sent, organisation).await?;
        let decision = sent.decision.as_ref();
        let newest = decision.map_or(0, |(row, _)| row.attested.index).max(sent.manifest.attested.index);
        let values = params![
            dossier.to_string(),
            state::name(phase),
            sent.submitted,
            decision.map(|(_, time)| *time),
            newest.max(state.index)
        ];
        transaction.execute(statements::SETTLE, values).await?;
        transaction.commit().await?;
        self.news.notify_waiters();
        Ok(())
    }

    /// None for a draft, and for one that was withdrawn.
    async fn sent(&self, dossier: DossierId) -> Result<Option<Sent>, Fault> {
        let (state, manifest) = self.rows.current_two::<DossierState, Manifest>(dossier, dossier).await?;
        let Some(state) = state else { return Ok(None) };
        let phase = state.document.phase;
        let Some(manifest) = manifest else {
            return match phase {
                DossierPhase::Draft | DossierPhase::Withdrawn => Ok(None),
                _ => Err(Fault::Tampered { kind: "manifest", id: dossier.to_string() }),
            };
        };
        let submitted = self.rows.record(manifest.attested.index).await?.time();
        let decision = self.rows.current::<Decision>(dossier).await?;
        let decision = match decision.filter(|row| row.document.manifest_hash == manifest.attested.hash) {
            Some(decision) => {
                let time = self.rows.record(decision.attested.index).await?.time();
                Some((decision, time))
            }
            None => None,
        };
        Ok(Some(Sent { state, manifest, submitted, decision }))
    }

    async fn show_deposit(
        &self,
        transaction: &mut Transaction,
        sent: &Sent,
        organisation: &str,
    ) -> Result<(), Fault> {
        let dossier = sent.state.document.dossier;
        let event = Event {
            index: sent.manifest.attested.index,
            time: sent.submitted,
            action: "deposit.complete",
            outcome: "granted",
            actor_role: "citizen",
            organisation: None,
        };
        if !self.insert_event(transaction, dossier, &event).await? {
            return Ok(());
        }
        self.note_deposit(transaction, &sent.state, &sent.manifest, sent.submitted).await?;
        let deposited = Letter::Deposited { organisation: organisation.to_owned(), link: self.link(dossier) };
        self.post_to_citizen(transaction, &sent.state, deposited).await?;
        let waiting = Posted {
            account: None,
            organisation: sent.state.document.organisation.to_string(),
            letter: Letter::Waiting { link: format!("{}/organisation", self.origin) },
        };
        self.outbox.enqueue(transaction, LETTERS, &waiting).await?;
        Ok(())
    }

    async fn show_decision(
        &self,
        transaction: &mut Transaction,
        sent: &Sent,
        organisation: String,
    ) -> Result<(), Fault> {
        let Some((decision, time)) = &sent.decision else { return Ok(()) };
        let dossier = sent.state.document.dossier;
        let event = Event {
            index: decision.attested.index,
            time: *time,
            action: "decision",
            outcome: "granted",
            actor_role: sceau_element_api::Role::from(decision.document.role).as_str(),
            organisation: Some(decision.document.organisation.to_string()),
        };
        if !self.insert_event(transaction, dossier, &event).await? {
            return Ok(());
        }
        self.note_decision(transaction, &sent.state, decision, *time).await?;
        let state = state::name(state::phase_of(decision.document.decision)).to_owned();
        let letter = Letter::Decided { organisation, state, link: self.link(dossier) };
        self.post_to_citizen(transaction, &sent.state, letter).await
    }

    /// Puts a record that a key manager delivered on the timeline of the dossier of its organisation that it is about. The first
    /// opening is announced by a letter.
    pub(crate) async fn show_record(&self, record: &Record, index: u64) -> Result<(), Fault> {
        let subject = record.subjects().iter().find(|subject| subject.kind == "dossier");
        let Some(dossier) = subject.and_then(|subject| subject.id.parse::<DossierId>().ok()) else {
            return Ok(());
        };
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else { return Ok(()) };
        let organisation = current.document.organisation;
        if record.organisation() != Some(organisation.to_string().as_str()) {
            return Ok(());
        }
        if record.action() == &Action::DECISION && record.outcome() == sceau_trace::Outcome::Granted {
            // The decision's own attestation is on the timeline already, or comes with it.
            return Ok(());
        }
        let opened = record.action().as_str() == "unwrap.outcome";
        let opened = opened && record.outcome() == sceau_trace::Outcome::Granted;
        let name = self.enrolled(organisation).await?.document.name;
        // When it was done, as the key manager signed it; the log's own time is when it was delivered.
        let signed = record.detail().get("signed_time").and_then(|time| time.parse().ok());
        let event = Event {
            index,
            time: signed.unwrap_or_else(|| record.time()),
            action: record.action().as_str(),
            outcome: record.outcome().as_str(),
            actor_role: record.actor().kind.as_str(),
            organisation: Some(organisation.to_string()),
        };
        let mut transaction = self.database.begin().await?;
        let before = transaction.fetch_one(statements::COUNT_OPENED, params![dossier.to_string()]).await?;
        let new = self.insert_event(&mut transaction, dossier, &event).await?;
        if new && opened && before.get::<i64>("n")? == 0 {
            let letter = Letter::Opened { organisation: name, link: self.link(dossier) };
            self.post_to_citizen(&mut transaction, &current, letter).await?;
        }
        Ok(transaction.commit().await?)
    }

    fn link(&self, dossier: DossierId) -> String {
        format!("{}/dossiers/{dossier}", self.origin)
    }

    async fn post_to_citizen(
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

    /// Whether the line is new.
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
