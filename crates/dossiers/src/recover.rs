//! What is done when the platform starts, catching up with the element, and again every six hours: forgetting what nobody will come back for.

use std::time::Duration;

use sceau_element_api::documents::DossierState;
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
/// How often a platform that runs on tidies and sweeps.
const EVERY: Duration = Duration::from_secs(6 * 3600);
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
                let settled = self.settle_in_turn(dossier).await;
                self.unless_one_dossier(dossier, settled).await?;
            }
        }
        self.release_finished().await?;
        self.tidy().await
    }

    /// Another process may be at it.
    async fn settle_in_turn(&self, dossier: DossierId) -> Result<(), Fault> {
        let _turn = self.turn(dossier).await?;
        self.settle(dossier).await
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
        self.database.execute(statements::FORGET_GRANTS, params![now]).await?;
        let pending = now.saturating_sub(PENDING_MS);
        self.database.execute(statements::FORGET_PREPARATIONS, params![pending]).await?;
        self.rows.forget_pending(pending).await?;
        let drafts = params![now.saturating_sub(PENDING_MS)];
        for row in self.database.fetch_all(statements::OLD_DRAFTS, drafts).await? {
            let Ok(dossier) = row.get::<String>("id")?.parse::<DossierId>() else { continue };
            let left_alone = row.get::<u64>("created")? <= now.saturating_sub(DRAFT_MS);
            let mut done = self.forget_unattested(dossier).await;
            if left_alone && done.is_ok() {
                done = self.withdraw_draft(dossier).await;
            }
            self.unless_one_dossier(dossier, done).await?;
        }
        Ok(())
    }

    /// Forgets the row of a draft that the element does not know: nobody was told of it, and it takes no file before it is attested.
    async fn forget_unattested(&self, dossier: DossierId) -> Result<(), Fault> {
        let _turn = self.turn(dossier).await?;
        if self.rows.current::<DossierState>(dossier).await?.is_none() {
            self.database.execute(statements::FORGET_DOSSIER, params![dossier.to_string()]).await?;
        }
        Ok(())
    }

    /// Sweeps and tidies now and then until `stop` resolves, beside what the platform serves. A fault is logged; the next turn tries again.
    pub async fn upkeep(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut turns = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = turns.tick() => {}
            }
            let done = async {
                self.tidy().await?;
                self.sweep_orphans().await
            };
            tokio::select! {
                () = &mut stop => return,
                done = done => if let Err(fault) = done {
                    tracing::error!(%fault, "the upkeep of the platform failed; it is tried again later");
                }
            }
        }
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
