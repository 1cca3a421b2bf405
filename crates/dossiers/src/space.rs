//! How much unfinished deposits may take up: by account, so that one depositor does not fill the disk, and by the network that sends, so
//! that many accounts of one machine do not either.
//!
//! The count is kept in the database, in the transaction that keeps the bytes. What was submitted counts no longer: it is the
//! organisation's from then on. So does nothing of a draft that was withdrawn.

use sceau_accounts::Source;
use sceau_crypto::FileId;
use sceau_element_api::documents::{DossierPhase, DossierState, Manifest};
use sceau_element_api::{AccountId, DossierId};
use sceau_store::{Row, Statement, Transaction, params};

use crate::code::Code;
use crate::fault::Fault;
use crate::{Dossiers, state, statements};

const GIB: u64 = 1 << 30;

/// How many bytes of files that were not submitted yet are kept.
#[derive(Debug, Clone, Copy)]
pub struct DraftSpace {
    /// Of one account.
    pub per_account: u64,
    /// From one machine, or one IPv6 network.
    pub per_source: u64,
}

impl Default for DraftSpace {
    /// Two full dossiers of an account; eight from one office.
    fn default() -> Self {
        Self { per_account: 16 * GIB, per_source: 64 * GIB }
    }
}

/// Who sends what, from where.
#[derive(Debug, Clone, Copy)]
pub struct Upload {
    /// The depositor.
    pub citizen: AccountId,
    /// The dossier.
    pub dossier: DossierId,
    /// The file of that dossier.
    pub file: FileId,
    /// The machine.
    pub source: Source,
}

impl Dossiers {
    /// With other limits than the default ones.
    #[must_use]
    pub fn with_draft_space(self, space: DraftSpace) -> Self {
        Self { space, ..self }
    }

    /// Whether `more` bytes fit beside what is `taken`, as far as can be said before they are written.
    pub(crate) fn has_space(&self, taken: &Row, more: u64) -> Result<(), Fault> {
        let (account, source): (u64, u64) = (taken.get("of_account")?, taken.get("of_source")?);
        let fits = account.saturating_add(more) <= self.space.per_account
            && source.saturating_add(more) <= self.space.per_source;
        if fits { Ok(()) } else { Err(Code::DraftSpaceUsedUp.into()) }
    }

    /// Takes `more` bytes within the transaction that keeps them.
    pub(crate) async fn take_space(
        &self,
        transaction: &mut Transaction,
        upload: &Upload,
        more: u64,
    ) -> Result<(), Fault> {
        let values = params![
            upload.dossier.to_string(),
            upload.file.to_string(),
            upload.source.to_string(),
            upload.citizen.to_string(),
            more,
            self.space.per_account,
            self.space.per_source
        ];
        let taken = transaction.execute(statements::TAKE_SPACE, values).await?;
        if taken == 1 { Ok(()) } else { Err(Code::DraftSpaceUsedUp.into()) }
    }

    /// What a manifest names counts no longer; what was sent along and left out of it is removed: nobody signed for it. Without a manifest
    /// that is everything.
    async fn release_space(&self, dossier: DossierId, manifest: Option<&Manifest>) -> Result<(), Fault> {
        self.release_files(dossier, manifest, statements::FILES_IN_DRAFT).await
    }

    /// The same for the files that `sent` finds.
    pub(crate) async fn release_files(
        &self,
        dossier: DossierId,
        manifest: Option<&Manifest>,
        sent: Statement,
    ) -> Result<(), Fault> {
        let at = params![dossier.to_string()];
        let named = manifest.map_or(&[][..], |manifest| &manifest.files);
        for row in self.database.fetch_all(sent, at).await? {
            let file: String = row.get("file_id")?;
            if !named.iter().any(|named| named.file_id.to_string() == file) {
                self.drop_file(dossier, &file).await?;
            }
        }
        self.database.execute(statements::RELEASE_SPACE, at).await?;
        Ok(())
    }

    /// Finishes what a kill left between a submission or a withdrawal and its release, or what arrived in that very moment.
    pub(crate) async fn release_finished(&self) -> Result<(), Fault> {
        for row in self.database.fetch_all(statements::TO_RELEASE, params![]).await? {
            let Ok(dossier) = row.get::<String>("dossier")?.parse::<DossierId>() else { continue };
            let released = self.release_one(dossier).await;
            self.unless_one_dossier(dossier, released).await?;
        }
        Ok(())
    }

    async fn release_one(&self, dossier: DossierId) -> Result<(), Fault> {
        let _turn = self.turn(dossier).await?;
        self.release_settled(dossier).await
    }

    /// Releases what a dossier no longer waits for. While it takes files, what is there may be for the manifest that comes.
    pub(crate) async fn release_settled(&self, dossier: DossierId) -> Result<(), Fault> {
        let state = self.rows.current::<DossierState>(dossier).await?;
        let Some(phase) = state.map(|row| row.document.phase) else { return Ok(()) };
        if state::takes_files(phase) {
            return Ok(());
        }
        match self.rows.current::<Manifest>(dossier).await? {
            Some(manifest) => self.release_space(dossier, Some(&manifest.document)).await,
            None if phase == DossierPhase::Withdrawn => self.release_space(dossier, None).await,
            None => Ok(()),
        }
    }
}
