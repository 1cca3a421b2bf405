//! The exception: a supervisor lets one officer open one infected document for a while. Never himself, never without a reason, never unrecorded.
//!
//! Reason and signature stay here, sealed: the trace names the list's hash, and everyone may read its details.

use std::sync::PoisonError;

use sceau_crypto::FileId;
use sceau_element_api::documents::DecisionRole;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{AccountId, DossierId};
use sceau_store::Verdict;
use sceau_trace::{Action, Hash, sha256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::About;
use crate::connector::Caller;
use crate::denial::Denial;
use crate::error::Error;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::manager::KeyManager;
use crate::officer::{Shown, VerifiedAdministrator, VerifiedOfficer};
use crate::register::{EXCEPTIONS, Registers};
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
    /// That it was taken back before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revoked>,
}

/// When an exception was taken back, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// In Unix milliseconds.
    pub at: u64,
    /// The supervisor; null for an administrator, or where the key manager was made anew.
    #[schema(value_type = Option<String>)]
    pub by: Option<AccountId>,
}

/// An exception, as those see it who look after exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShownException {
    /// Names it: 32 hexadecimal digits.
    pub id: String,
    /// What was granted.
    #[serde(flatten)]
    pub exception: Exception,
    /// Where it stands.
    pub standing: ExceptionStanding,
    /// The officer's name; none without a certificate here.
    pub name: Option<String>,
    /// The supervisor's.
    pub supervisor_name: Option<String>,
}

/// Where an exception stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionStanding {
    /// It opens the document.
    InForce,
    /// Its time is over.
    Ended,
    /// It was taken back.
    Revoked,
    /// The supervisor who made it has no certificate here any more.
    Lapsed,
}

/// Who looks after exceptions: a supervisor, or an administrator, who only takes them back.
#[derive(Debug)]
pub(crate) enum Overseer {
    Supervisor(VerifiedOfficer),
    Administrator(#[expect(dead_code, reason = "the proof")] VerifiedAdministrator),
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
                && one.since <= now
                && one.standing(&registers, now) == ExceptionStanding::InForce
        };
        registers.exceptions.iter().rev().find(fits).cloned()
    }

    /// Every exception of the last three months, the newest first.
    pub fn exceptions(&self) -> Vec<ShownException> {
        let now = self.now();
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let name = |account| {
            let bound = registers.bindings.values().find(|binding| binding.account == account);
            bound.map(|binding| binding.name.clone())
        };
        let shown = |one: &Exception| ShownException {
            id: one.id(),
            standing: one.standing(&registers, now),
            name: name(one.account),
            supervisor_name: name(one.supervisor),
            exception: one.clone(),
        };
        registers.exceptions.iter().rev().map(shown).collect()
    }

    /// Judges now who wants to look after exceptions.
    pub(crate) fn judge_overseer(&self, shown: Shown<'_>) -> Result<Overseer, Denial> {
        if let Ok(administrator) = self.judge_administrator(shown) {
            return Ok(Overseer::Administrator(administrator));
        }
        let officer = self.judge_officer(shown)?;
        is_supervisor(&officer)?;
        Ok(Overseer::Supervisor(officer))
    }

    /// Takes an exception back: the next request that stands on it is refused. Recorded with the change.
    ///
    /// # Errors
    /// [`Denial::NotFound`] for one that is none, or over.
    pub(crate) async fn revoke_exception(&self, overseer: &Overseer, id: &str) -> Result<(), Failure> {
        let _alone = self.changing_people().await;
        let (mut lists, now) = (self.lists(), self.now());
        let in_force = |one: &&mut Exception| one.id() == id && one.revoked.is_none() && now < one.until;
        let one = lists.exceptions.iter_mut().find(in_force).ok_or(Denial::NotFound)?;
        let mut draft = self.own_record(Action::EXCEPTION_REVOKE);
        let by = match overseer {
            Overseer::Supervisor(officer) => {
                draft.actor = officer.actor();
                Some(officer.account())
            }
            Overseer::Administrator(_) => None,
        };
        one.revoked = Some(Revoked { at: now, by });
        let draft = draft.subject("dossier", one.dossier).subject("file", one.file_id);
        let draft = draft.subject("account", one.account).granted();
        Ok(self.keep_list_with(&lists, EXCEPTIONS, &lists.exceptions, Some(draft)).await?)
    }

    /// Takes back each that is in force, in a key manager that is made anew: what was taken back since is not known.
    pub(crate) async fn end_exceptions(&self) -> Result<(), Error> {
        let _alone = self.changing_people().await;
        let (mut lists, now) = (self.lists(), self.now());
        let in_force = |one: &&mut Exception| one.revoked.is_none() && now < one.until;
        let ended = lists.exceptions.iter_mut().filter(in_force);
        let count = ended.map(|one| one.revoked = Some(Revoked { at: now, by: None })).count();
        if count == 0 {
            return Ok(());
        }
        self.keep_list(&lists, EXCEPTIONS, &lists.exceptions).await
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
        let Some(Verdict::Infected { name: signature }) = found else {
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
            revoked: None,
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

impl Exception {
    /// A name that nothing else has: the hash of what was granted, since when, to whom.
    fn id(&self) -> String {
        let Self { dossier, file_id, account, supervisor, since, .. } = self;
        let text = format!("{dossier}/{file_id}/{}/{account}/{supervisor}/{since}", self.envelope_hash);
        sha256(text.as_bytes()).to_string().chars().take(32).collect()
    }

    fn standing(&self, registers: &Registers, now: u64) -> ExceptionStanding {
        let answered_for = registers
            .bindings
            .values()
            .any(|binding| binding.account == self.supervisor && binding.role == DecisionRole::Supervisor);
        match (self.revoked, now < self.until, answered_for) {
            (Some(_), ..) => ExceptionStanding::Revoked,
            (None, false, _) => ExceptionStanding::Ended,
            (None, true, false) => ExceptionStanding::Lapsed,
            (None, true, true) => ExceptionStanding::InForce,
        }
    }
}

fn outcome(intent: RecordDraft) -> RecordDraft {
    RecordDraft { action: Action::EXCEPTION_OUTCOME, ..intent }
}

fn is_supervisor(officer: &VerifiedOfficer) -> Result<(), Denial> {
    if officer.role() == DecisionRole::Supervisor { Ok(()) } else { Err(Denial::SupervisorNeeded) }
}
