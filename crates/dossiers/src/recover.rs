//! What is done when the platform starts: catching up with the element, and forgetting what nobody will come back for.

use sceau_element_api::documents::{Document as _, DossierPhase, DossierState};
use sceau_element_api::proof::Proof;
use sceau_element_api::wire::RowKey;
use sceau_element_api::{DossierId, Kind};
use sceau_store::params;

use crate::fault::Fault;
use crate::{Dossiers, statements};

const DAY_MS: u64 = 86_400_000;
/// How long an unfinished deposit is kept, with its files.
const DRAFT_MS: u64 = 30 * DAY_MS;
/// How long what the element never attested is kept: a request that is still under way may be behind it.
const PENDING_MS: u64 = DAY_MS;
/// Dossiers of one page; three rows of each are asked of the element in one call.
const PAGE: u64 = 300;

impl Dossiers {
    /// Settles what a kill left between two steps, then removes what is too old. Call it at start; again whenever wanted.
    ///
    /// The cost at start is one call of the element for each 300 dossiers that are not finally decided.
    ///
    /// # Errors
    /// When the database or the element fails. A dossier whose rows were tampered with is recorded, and left as it is.
    pub async fn recover(&self) -> Result<(), Fault> {
        let mut after = String::new();
        loop {
            let page = self.database.fetch_all(statements::UNSETTLED, params![after.as_str(), PAGE]).await?;
            let Some(last) = page.last() else { break };
            after = last.get("id")?;
            for dossier in self.behind(&page).await? {
                let settled = self.settle(dossier).await;
                self.unless_one_dossier(dossier, settled).await?;
            }
        }
        self.release_finished().await?;
        self.tidy().await
    }

    /// Those of a page for which the element knows something that the row does not show.
    async fn behind(&self, page: &[sceau_store::Row]) -> Result<Vec<DossierId>, Fault> {
        let mut dossiers = Vec::with_capacity(page.len());
        for row in page {
            if let Ok(dossier) = row.get::<String>("id")?.parse::<DossierId>() {
                dossiers.push((dossier, row.get::<u64>("settled")?));
            }
        }
        let kinds = [Kind::Dossier, Kind::Manifest, Kind::Decision];
        let keys = |(dossier, _): &(DossierId, u64)| kinds.map(|kind| RowKey { kind, id: (*dossier).into() });
        let current = self.element().current_many(dossiers.iter().flat_map(keys).collect()).await?;
        let newest = current.chunks(kinds.len()).map(|rows| {
            let sent = rows.get(1).is_some_and(Option::is_some);
            rows.iter().flatten().map(|row| row.index).max().filter(|_| sent)
        });
        let behind =
            dossiers.into_iter().zip(newest).filter(|((_, settled), newest)| *newest > Some(*settled));
        Ok(behind.map(|((dossier, _), _)| dossier).collect())
    }

    /// Removes tickets and preparations that have expired, documents that were never attested, and drafts that were left alone.
    /// Nothing that was submitted is ever removed.
    ///
    /// # Errors
    /// When the database, the objects or the element fail.
    pub async fn tidy(&self) -> Result<(), Fault> {
        let now = self.clock.now_ms();
        self.database.execute(statements::FORGET_TICKETS, params![now]).await?;
        let pending = now.saturating_sub(PENDING_MS);
        self.database.execute(statements::FORGET_PREPARATIONS, params![pending]).await?;
        self.rows.forget_pending(pending).await?;
        let drafts = params![now.saturating_sub(PENDING_MS)];
        for row in self.database.fetch_all(statements::OLD_DRAFTS, drafts).await? {
            let Ok(dossier) = row.get::<String>("id")?.parse::<DossierId>() else { continue };
            let old = row.get::<u64>("created")? <= now.saturating_sub(DRAFT_MS);
            let removed = self.remove_draft(dossier, old).await;
            self.unless_one_dossier(dossier, removed).await?;
        }
        Ok(())
    }

    /// Removes a draft that was never attested, or that is `old`: the element first, then objects, then rows.
    pub(crate) async fn remove_draft(&self, dossier: DossierId, old: bool) -> Result<(), Fault> {
        let _turn = self.guard.turn(dossier).await;
        let Some(current) = self.rows.current::<DossierState>(dossier).await? else {
            // It takes no file before it is attested.
            self.database.execute(statements::FORGET_DOSSIER, params![dossier.to_string()]).await?;
            return Ok(());
        };
        let sent = self.element().current(Kind::Manifest, dossier).await?.is_some();
        let phase = current.document.phase;
        if sent || !old || !matches!(phase, DossierPhase::Draft | DossierPhase::Withdrawn) {
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

    /// One dossier's fault must not keep the platform from starting; a part that does not work must.
    pub(crate) async fn unless_one_dossier(
        &self,
        dossier: DossierId,
        done: Result<(), Fault>,
    ) -> Result<(), Fault> {
        match done {
            Err(fault @ (Fault::Tampered { .. } | Fault::Refused(_))) => {
                tracing::error!(%dossier, code = fault.code(), "a dossier cannot be settled");
                self.note_tampering(&fault).await;
                Ok(())
            }
            Err(Fault::Element(error)) if error.refusal().is_some() => {
                tracing::error!(%dossier, code = error.code(), "a dossier cannot be settled");
                Ok(())
            }
            done => done,
        }
    }
}
