//! The citizen's side: begin a dossier, and submit its manifest once every sealed file has arrived.

use sceau_crypto::KeyId;
use sceau_element_api::documents::{
    Decision, Document as _, DossierPhase, DossierState, Manifest, Outcome, SchemeDocument,
};
use sceau_element_api::proof::Proof;
use sceau_element_api::{AccountId, DossierId, Kind, Nonce, SchemeId};
use sceau_store::params;
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::evidence::{everything, only};
use crate::fault::Fault;
use crate::keys::PublishedKey;
use crate::organisations::OrganisationRow;
use crate::rows::Row;
use crate::{Dossiers, admissible, state, statements};

/// The most drafts that a citizen may have open.
const MAX_DRAFTS: i64 = 20;

/// A dossier that was begun.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Begun {
    /// The dossier.
    #[schema(value_type = String)]
    pub id: DossierId,
    /// The key to seal to, with its proofs.
    pub recipient: PublishedKey,
    /// The organisation that it is for: its root fingerprint is the one that the key's statement must be signed under.
    pub organisation_row: OrganisationRow,
    /// The evidence file of the dossier's first entry in the log, which names depositor, organisation and scheme: nothing is sealed
    /// for a dossier that is not the depositor's own.
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
}

impl Dossiers {
    /// Begins a dossier of `citizen` for a scheme. Its recipient key is fixed now, so that a rotation strands nothing.
    ///
    /// # Errors
    /// When the scheme is unknown, its organisation has no usable key, or the citizen has too many drafts.
    pub async fn begin(&self, citizen: AccountId, scheme: SchemeId) -> Result<Begun, Fault> {
        let form = self.rows.current::<SchemeDocument>(scheme).await?.ok_or_else(Fault::not_found)?;
        let organisation = form.document.organisation;
        let enrolled = self.enrolled(organisation).await?;
        let key = self.usable_key(&enrolled.document).await?;
        let organisation_row = self.organisation_row(enrolled).await?;
        let id = DossierId::random();
        let now = self.clock.now_ms();
        let values = params![
            id.to_string(),
            citizen.to_string(),
            organisation.to_string(),
            scheme.to_string(),
            key.key_id.to_string(),
            key.serial,
            now,
            MAX_DRAFTS
        ];
        if self.database.execute(statements::INSERT_DOSSIER, values).await? != 1 {
            return Err(Code::TooManyDrafts.into());
        }
        let draft = DossierState {
            v: 1,
            dossier: id,
            organisation,
            scheme,
            depositor: citizen,
            phase: DossierPhase::Draft,
            time: now,
        };
        let first = draft.to_bytes()?;
        let row = self.rows.attest_after::<DossierState>(None, &first, Proof::PlatformAsserted).await?;
        let evidence = self.evidence_showing(row.attested.index, everything).await?;
        Ok(Begun { id, recipient: key, organisation_row, evidence })
    }

    /// The nonce for the proof of a manifest.
    ///
    /// # Errors
    /// When the dossier is not one of `citizen`.
    pub async fn manifest_nonce(&self, citizen: AccountId, dossier: DossierId) -> Result<Nonce, Fault> {
        self.own(citizen, dossier).await?;
        Ok(self.element().nonce().await?)
    }

    /// Submits the dossier: checks the manifest against the form and against every part that arrived, has it attested, and gives
    /// the evidence file of that attestation. Submitting the same manifest again gives the same answer.
    ///
    /// A further manifest is taken only where the organisation has asked for more about the one before.
    ///
    /// # Errors
    /// When something does not agree; nothing is then sent to the organisation.
    pub async fn submit(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        payload: &[u8],
        proof: Proof,
    ) -> Result<serde_json::Value, Fault> {
        if matches!(proof, Proof::Jws { .. }) {
            return Err(Fault::malformed("A manifest is proven by a passkey, or asserted by the platform."));
        }
        let manifest = Manifest::parse(payload)?;
        let _turn = self.turn(dossier).await?;
        let (current, before) = self.rows.current_two::<DossierState, Manifest>(dossier, dossier).await?;
        let current = owned(current, citizen)?;
        if current.document.phase == DossierPhase::Withdrawn {
            return Err(Code::Withdrawn.into());
        }
        if let Some(before) = before.as_ref()
            && (before.attested.hash == manifest.hash || !self.is_asked_for_more(dossier, before).await?)
        {
            // What the depositor signed first stands, even where a kill left it unsettled.
            self.settle(dossier).await?;
            return if before.attested.hash == manifest.hash {
                self.release_settled(dossier).await?;
                self.evidence_showing(before.attested.index, everything).await
            } else {
                Err(Code::AlreadySent.into())
            };
        }
        self.check_manifest(dossier, &current, &manifest.document).await?;
        let attested = self.rows.attest::<Manifest>(payload, proof).await?;
        let evidence = self.settle_sent(current, attested).await?;
        // What was sent and then left out of the first manifest goes: nobody signed for it.
        let sent = if before.is_none() { statements::FILES_OF_DRAFT } else { statements::FILES_IN_DRAFT };
        self.release_files(dossier, Some(&manifest.document), sent).await?;
        only(evidence, everything)
    }

    /// Withdraws a deposit that was not sent, with its files. Withdrawing it again changes nothing.
    ///
    /// # Errors
    /// When it is not there for `citizen`, or was sent.
    pub async fn withdraw(&self, citizen: AccountId, dossier: DossierId) -> Result<(), Fault> {
        self.own(citizen, dossier).await?;
        self.withdraw_draft(dossier).await?;
        match self.own(citizen, dossier).await?.document.phase {
            DossierPhase::Withdrawn => Ok(()),
            _ => Err(Code::AlreadySent.into()),
        }
    }

    /// Withdraws what is a draft still, at its depositor's word or because it was left alone: the element first, then objects, then rows.
    /// What was sent stays.
    pub(crate) async fn withdraw_draft(&self, dossier: DossierId) -> Result<(), Fault> {
        let _turn = self.turn(dossier).await?;
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else { return Ok(()) };
        let sent = self.element().current(Kind::Manifest, dossier).await?.is_some();
        let phase = current.document.phase;
        if sent || !matches!(phase, DossierPhase::Draft | DossierPhase::Withdrawn) {
            return Ok(());
        }
        if phase == DossierPhase::Draft {
            let time = self.clock.now_ms();
            let document = DossierState { phase: DossierPhase::Withdrawn, time, ..current.document };
            self.rows.attest::<DossierState>(&document.to_bytes()?, Proof::PlatformAsserted).await?;
        }
        for row in self.database.fetch_all(statements::FILES, params![dossier.to_string()]).await? {
            self.drop_file(dossier, &row.get::<String>("file_id")?).await?;
        }
        self.database.execute(statements::WITHDRAW, params![dossier.to_string()]).await?;
        self.database.execute(statements::RELEASE_SPACE, params![dossier.to_string()]).await?;
        Ok(())
    }

    async fn is_asked_for_more(&self, dossier: DossierId, manifest: &Row<Manifest>) -> Result<bool, Fault> {
        let decision = self.rows.current::<Decision>(dossier).await?;
        Ok(decision.is_some_and(|decision| {
            decision.document.decision == Outcome::MoreInformation
                && decision.document.manifest_hash == manifest.attested.hash
        }))
    }

    async fn check_manifest(
        &self,
        dossier: DossierId,
        current: &Row<DossierState>,
        manifest: &Manifest,
    ) -> Result<(), Fault> {
        if manifest.dossier != dossier || manifest.key_id != self.recipient(dossier).await? {
            return Err(Code::RecipientMismatch.into());
        }
        let scheme = self.rows.current::<SchemeDocument>(current.document.scheme).await?;
        let scheme = scheme.ok_or_else(Fault::not_found)?.parsed();
        admissible::check(manifest, &scheme)
            .map_err(|fault| Fault::Refused(fault.code().problem().with_detail(fault.to_string())))?;
        let kept = self.kept_files(dossier).await?;
        for file in &manifest.files {
            kept.check_arrived(file)?;
        }
        self.check_scanned(manifest, &scheme.document).await
    }

    /// The state of a dossier of `citizen`, whatever its phase.
    pub(crate) async fn own(
        &self,
        citizen: AccountId,
        dossier: DossierId,
    ) -> Result<Row<DossierState>, Fault> {
        owned(self.rows.current::<DossierState>(dossier).await?, citizen)
    }

    /// The same, of a dossier that still takes files.
    pub(crate) async fn own_open(
        &self,
        citizen: AccountId,
        dossier: DossierId,
    ) -> Result<DossierState, Fault> {
        open(self.own(citizen, dossier).await?)
    }

    /// The same, with the manifest that was sent of it, where there is one.
    pub(crate) async fn own_open_and_sent(
        &self,
        citizen: AccountId,
        dossier: DossierId,
    ) -> Result<Option<Row<Manifest>>, Fault> {
        let (state, sent) = self.rows.current_two::<DossierState, Manifest>(dossier, dossier).await?;
        open(owned(state, citizen)?)?;
        Ok(sent)
    }

    /// The key that a dossier was begun with.
    pub(crate) async fn recipient(&self, dossier: DossierId) -> Result<KeyId, Fault> {
        let tampered = || Fault::Tampered { kind: "dossier", id: dossier.to_string() };
        let row = self.database.fetch_optional(statements::DOSSIER, params![dossier.to_string()]).await?;
        let key_id: String = row.ok_or_else(tampered)?.get("key_id")?;
        key_id.parse().map_err(|_| tampered())
    }
}

fn owned(row: Option<Row<DossierState>>, citizen: AccountId) -> Result<Row<DossierState>, Fault> {
    row.filter(|row| row.document.depositor == citizen).ok_or_else(Fault::not_found)
}

fn open(row: Row<DossierState>) -> Result<DossierState, Fault> {
    match row.document.phase {
        phase if state::takes_files(phase) => Ok(row.document),
        DossierPhase::Withdrawn => Err(Code::Withdrawn.into()),
        _ => Err(Code::AlreadySent.into()),
    }
}
