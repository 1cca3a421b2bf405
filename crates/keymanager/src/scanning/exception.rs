//! The exception: a supervisor lets one officer open one infected document for a while. Never himself, never without a reason, never unrecorded.
//!
//! Reason and signature stay here, sealed: the trace names the list's hash, and everyone may read its details.

use std::sync::PoisonError;

use sceau_crypto::FileId;
use sceau_element_api::documents::DecisionRole;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, DossierId};
use sceau_trace::{Action, Hash};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{About, Verdict};
use crate::connector::Caller;
use crate::denial::Denial;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::manager::KeyManager;
use crate::officer::VerifiedOfficer;
use crate::register::{Binding, EXCEPTIONS};
use crate::release::Failure;

const HOUR_MS: u64 = 3_600_000;
/// The longest exception, in hours.
const LONGEST_HOURS: u64 = 24;
/// How long an exception that has ended is kept, for administrators who look.
const KEPT_MS: u64 = 90 * 24 * HOUR_MS;

/// Lets an officer open an infected document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The dossier.
    #[schema(value_type = String)]
    pub dossier: DossierId,
    /// The file.
    #[schema(value_type = String)]
    pub file_id: FileId,
    /// The envelope that was examined.
    #[schema(value_type = String)]
    pub envelope_hash: Hash,
    /// Who may open it.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The supervisor who says so.
    #[schema(value_type = String)]
    pub supervisor: AccountId,
    /// What the antivirus found.
    pub signature: String,
    /// Why it must be opened all the same.
    pub reason: String,
    /// Since when, in Unix milliseconds.
    pub since: u64,
    /// Until when, in Unix milliseconds.
    pub until: u64,
}

/// Asks for an exception.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExceptionRequest {
    /// The dossier and its proofs.
    #[serde(flatten)]
    pub proof: DossierProof,
    /// The infected file.
    #[schema(value_type = String)]
    pub file_id: FileId,
    /// Who shall open it.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Why; 1 to 500 characters.
    pub reason: String,
    /// For how many hours; 1 to 24.
    pub hours: u64,
}

/// Somebody for whom a supervisor may make an exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Colleague {
    /// The account.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The name, as the administrator bound it.
    pub name: String,
}

impl KeyManager {
    /// The exception of this officer for this document that is in force now: it ends with its time, or with the supervisor's last certificate.
    pub(super) fn exception(&self, about: &About, account: AccountId) -> Option<Exception> {
        let now = self.now();
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let fits = |one: &&Exception| {
            (one.dossier, one.file_id, one.envelope_hash) == *about
                && one.account == account
                && (one.since..one.until).contains(&now)
        };
        let answered_for = |one: &&Exception| {
            let stands = |binding: &Binding| {
                binding.account == one.supervisor && binding.role == DecisionRole::Supervisor
            };
            registers.bindings.values().any(stands)
        };
        registers.exceptions.iter().rev().filter(fits).find(answered_for).cloned()
    }

    /// Every exception of the last three months.
    pub fn exceptions(&self) -> Vec<Exception> {
        self.registers().read().unwrap_or_else(PoisonError::into_inner).exceptions.clone()
    }

    /// The other people who have certificates here, for a supervisor who makes an exception.
    ///
    /// # Errors
    /// [`Denial::SupervisorNeeded`].
    pub fn colleagues(&self, supervisor: &VerifiedOfficer) -> Result<Vec<Colleague>, Denial> {
        is_supervisor(supervisor)?;
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<Colleague> = Vec::new();
        for binding in registers.bindings.values() {
            let known = found.iter().any(|one| one.account == binding.account);
            if binding.account != supervisor.account() && !known {
                found.push(Colleague { account: binding.account, name: binding.name.clone() });
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Lets an officer open an infected document. The intent is recorded before, the outcome with the change.
    ///
    /// # Errors
    /// [`Failure::Denied`], recorded: who asks is no supervisor, or asks for himself; the document was not found infected of late; the officer may not
    /// open the dossier.
    pub async fn except(
        &self,
        supervisor: &VerifiedOfficer,
        request: &ExceptionRequest,
    ) -> Result<Exception, Failure> {
        let caller = Caller::Officer(supervisor);
        let draft = self.record_of_dossier(caller, Action::EXCEPTION_INTENT, &request.proof);
        let draft = draft.subject("file", request.file_id).subject("account", request.account);
        let exception = match self.permit_exception(supervisor, request) {
            Ok(exception) => exception,
            Err(denial) => {
                let (who, draft) = (caller.actor().id, outcome(draft));
                self.record_refusal(Some(&who), draft.refused(denial.code())).await?;
                return Err(denial.into());
            }
        };
        let draft = draft.detail("until", exception.until.to_string());
        self.journal().append(draft.clone()).await?;
        let _alone = self.changing_people().await;
        let mut lists = self.lists();
        let now = self.now();
        lists.exceptions.retain(|one| now < one.until.saturating_add(KEPT_MS));
        lists.exceptions.push(exception.clone());
        self.keep_list_with(&lists, EXCEPTIONS, &lists.exceptions, Some(outcome(draft).granted())).await?;
        Ok(exception)
    }

    fn permit_exception(
        &self,
        supervisor: &VerifiedOfficer,
        request: &ExceptionRequest,
    ) -> Result<Exception, Denial> {
        is_supervisor(supervisor)?;
        if request.account == supervisor.account() {
            return Err(Denial::ExceptionForOneself);
        }
        let reason = request.reason.trim();
        if reason.is_empty() || reason.chars().count() > 500 {
            return Err(Denial::Body("a reason has 1 to 500 characters"));
        }
        if !(1..=LONGEST_HOURS).contains(&request.hours) {
            return Err(Denial::Body("an exception lasts 1 to 24 hours"));
        }
        let link = self.link().ok_or(Denial::NotConnected)?;
        let manifest = request.proof.verify(&link)?;
        self.check_reach(Caller::Officer(supervisor), &manifest)?;
        self.check_colleague(request.account, &manifest)?;
        let file = manifest.manifest.files.iter().find(|file| file.file_id == request.file_id);
        let file = file.ok_or(Denial::ManifestLacksFile)?;
        let (dossier, since) = (request.proof.dossier, self.now());
        let about = (dossier, file.file_id, file.envelope_hash);
        let found = self.scans().kept(&about, since).map(|kept| kept.verdict);
        let Some(Verdict::Infected { signature }) = found else {
            return Err(Denial::NotInfected);
        };
        Ok(Exception {
            dossier,
            file_id: file.file_id,
            envelope_hash: file.envelope_hash,
            account: request.account,
            supervisor: supervisor.account(),
            signature,
            reason: reason.to_owned(),
            since,
            until: since + request.hours * HOUR_MS,
        })
    }

    /// Somebody with a certificate here, who may open the dossier.
    fn check_colleague(&self, account: AccountId, manifest: &ProvenManifest) -> Result<(), Denial> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let bound = registers.bindings.values().any(|binding| binding.account == account);
        let reached = registers.may_open(manifest.manifest.dossier, account);
        if bound && reached { Ok(()) } else { Err(Denial::ColleagueMayNot) }
    }
}

fn outcome(intent: RecordDraft) -> RecordDraft {
    RecordDraft { action: Action::EXCEPTION_OUTCOME, ..intent }
}

fn is_supervisor(officer: &VerifiedOfficer) -> Result<(), Denial> {
    if officer.role() == DecisionRole::Supervisor { Ok(()) } else { Err(Denial::SupervisorNeeded) }
}
