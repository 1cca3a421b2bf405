//! Decisions: signed over the manifest's hash, kept, and delivered to the platform.

use std::time::Duration;

use sceau_crypto::{Typ, jws};
use sceau_element_api::AccountId;
use sceau_element_api::documents::{Decision, Document as _, KeyUse, Outcome};
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::Operations as _;
use sceau_store::params;
use sceau_trace::{Action, Hash, sha256};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connector::{Caller, Decides};
use crate::deliver::{DECISION_TOPIC, Delivery};
use crate::denial::Denial;
use crate::error::Error;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::manager::KeyManager;
use crate::officer::VerifiedOfficer;
use crate::release::Failure;
use crate::schema::statements;

/// How long an officer waits for the platform's answer; the outbox goes on afterwards.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks for a decision on a dossier.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DecisionRequest {
    /// The dossier and its proofs.
    #[serde(flatten)]
    pub proof: DossierProof,
    /// What is decided.
    #[schema(value_type = String)]
    pub decision: Outcome,
    /// Why, for the depositor; at most 2,000 characters. The platform can read it.
    pub reason: String,
}

/// A decision, signed and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Decided {
    /// The decision, signed by the organisation's signing key (JWS typ `sceau-decision`).
    pub jws: String,
    /// Whether the platform has it; if not, it will be sent when the platform answers.
    pub delivered: bool,
}

impl KeyManager {
    /// Takes an officer's decision. The same decision by the same officer on the same manifest is taken once.
    ///
    /// # Errors
    /// [`Failure::Denied`], recorded: connection, manifest, assignment, a final decision that stands, or the platform's own refusal;
    /// [`Failure::Broken`] when it cannot be signed or kept.
    pub async fn decide(
        &self,
        officer: &VerifiedOfficer,
        request: &DecisionRequest,
    ) -> Result<Decided, Failure> {
        self.decide_for(Caller::Officer(officer), request).await
    }

    /// Takes the decision of an officer, or of a connector whose grant names the account that answers for it.
    ///
    /// # Errors
    /// As [`Self::decide`], and when the grant allows no decisions.
    pub(crate) async fn decide_for(
        &self,
        caller: Caller<'_>,
        request: &DecisionRequest,
    ) -> Result<Decided, Failure> {
        match self.take(caller, request).await {
            Err(Failure::Denied(denial)) => {
                let draft = self.record_of_dossier(caller, Action::DECISION, &request.proof);
                let who = caller.actor().id;
                self.record_refusal(Some(&who), draft.refused(denial.code())).await?;
                Err(denial.into())
            }
            taken => taken,
        }
    }

    async fn take(&self, caller: Caller<'_>, request: &DecisionRequest) -> Result<Decided, Failure> {
        let link = self.link().ok_or(Denial::NotConnected)?;
        let proven = request.proof.verify(&link)?;
        self.check_reach(caller, &proven)?;
        // With the platform away a decision is kept and sent later; an old folder decides nothing.
        if self.standing().is_outdated() {
            return Err(Denial::FolderOutdated.into());
        }
        let by = caller.decides()?;
        let (hash, payload) = {
            let _alone = self.deciding().await;
            match self.earlier(caller, by.account, request, &proven).await? {
                Some(same) => same,
                None => self.keep_decision(caller, by, request, &proven).await?,
            }
        };
        let jws = self.sign_decision(&payload)?;
        let sent = tokio::time::timeout(PATIENCE, self.deliver_decision(&hash)).await;
        let delivered = match sent.unwrap_or(Err(Delivery::Later("no answer yet".to_owned()))) {
            Ok(()) => true,
            Err(Delivery::Later(_)) => false,
            Err(Delivery::Refused(code)) => return Err(Denial::Platform(code).into()),
            Err(Delivery::Broken(error)) => return Err(error.into()),
        };
        Ok(Decided { jws, delivered })
    }

    /// The same decision, if it was taken before, to be sent again; a refusal, if a final one was signed on this manifest.
    async fn earlier(
        &self,
        caller: Caller<'_>,
        account: AccountId,
        request: &DecisionRequest,
        proven: &ProvenManifest,
    ) -> Result<Option<(Hash, Vec<u8>)>, Failure> {
        let dossier = request.proof.dossier.to_string();
        for row in self.database().fetch_all(statements::DECISIONS, params![dossier]).await? {
            let payload: Vec<u8> = row.get("payload")?;
            let Decision { decision, reason, decided_by, connector, manifest_hash, .. } =
                Decision::parse(&payload)?.document;
            if manifest_hash != proven.hash {
                continue;
            }
            // Also one that the platform says it refused: it holds the signature, and could choose between two.
            let same = decision == request.decision && reason == request.reason;
            if same && decided_by == account && connector == caller.connector() {
                return Ok(Some((sha256(&payload), payload)));
            }
            if decision != Outcome::MoreInformation {
                return Err(Denial::AlreadyDecided.into());
            }
        }
        Ok(None)
    }

    /// Keeps the decision, its record and the message that delivers it, together.
    async fn keep_decision(
        &self,
        caller: Caller<'_>,
        by: Decides,
        request: &DecisionRequest,
        proven: &ProvenManifest,
    ) -> Result<(Hash, Vec<u8>), Failure> {
        let document = Decision {
            v: 1,
            dossier: proven.manifest.dossier,
            organisation: proven.manifest.organisation,
            manifest_hash: proven.hash,
            decision: request.decision,
            reason: request.reason.clone(),
            decided_by: by.account,
            role: by.role,
            connector: caller.connector(),
            time: self.time_of_decision(proven).await?,
        };
        let payload =
            document.to_bytes().map_err(|_| Denial::Body("a reason has at most 2,000 characters"))?;
        // Before anything is kept: without a signing key there is no decision.
        self.sign_decision(&payload)?;
        let hash = sha256(&payload);
        let mut append = self.journal().begin().await?;
        append.record(self.decided(caller, request, proven).granted()).await?;
        let values = params![hash.to_string(), document.dossier.to_string(), payload.clone(), document.time];
        append.transaction().execute(statements::INSERT_DECISION, values).await?;
        self.outbox().enqueue(append.transaction(), DECISION_TOPIC, &hash).await?;
        append.commit().await?;
        Ok((hash, payload))
    }

    /// Now, and later than what was decided on the dossier before: the element takes no older decision, and a clock that was ahead may have been put
    /// right since.
    async fn time_of_decision(&self, proven: &ProvenManifest) -> Result<u64, Error> {
        let mut time = self.now();
        let dossier = proven.manifest.dossier.to_string();
        for row in self.database().fetch_all(statements::DECISIONS, params![dossier]).await? {
            let before: Vec<u8> = row.get("payload")?;
            time = time.max(Decision::parse(&before)?.document.time.saturating_add(1));
        }
        Ok(time)
    }

    fn decided(&self, caller: Caller<'_>, request: &DecisionRequest, proven: &ProvenManifest) -> RecordDraft {
        self.record_of_dossier(caller, Action::DECISION, &request.proof)
            .detail("decision", request.decision.as_str())
            .detail("manifest", proven.hash.to_string())
    }

    /// Signs with the key that the platform acknowledged last: the element takes no other.
    pub(crate) fn sign_decision(&self, payload: &[u8]) -> Result<String, Error> {
        self.sign_current(Typ::Decision, payload)
    }

    pub(crate) fn sign_current(&self, typ: Typ, payload: &[u8]) -> Result<String, Error> {
        let ring = self.keyring();
        let key = ring.current(KeyUse::Sign).ok_or(Error::NoSigningKey)?;
        let jws = self.keys().sign_jws(&key.private(self.keys())?, typ, payload)?;
        debug_assert!(jws::unverified_payload(&jws).is_ok_and(|signed| signed == payload));
        Ok(jws)
    }
}
