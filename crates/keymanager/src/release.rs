//! Releasing a content key: every check, a durable intent, the key, a durable outcome; only then the answer.

use std::sync::PoisonError;

use sceau_crypto::envelope::UnverifiedHeader;
use sceau_crypto::{Cek, FileId, Stanza};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{KeyUse, SealedFile};
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::Operations as _;
use sceau_trace::{Action, Hash};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::denial::Denial;
use crate::error::Error;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::keyring::ManagedKey;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::officer::VerifiedOfficer;

/// Asks for the content key of one file.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UnwrapRequest {
    /// The dossier and its proofs.
    #[serde(flatten)]
    pub proof: DossierProof,
    /// The file.
    #[schema(value_type = String)]
    pub file_id: FileId,
    /// The header of its envelope, base64url.
    #[schema(value_type = String)]
    pub header: Base64Url,
}

/// A content key on its way out, and what the holder must find when it opens the parts.
///
/// The header alone does not show that it belongs to the envelope that the manifest names: the envelope's hash covers the fixed header, the
/// sealed name and type, and every part, which the key manager does not fetch. So the header is bound as far as it reaches here (its
/// file id is in the manifest; commitment, MAC and metadata verify under the released key), and the reader gets what must come out: it computes the
/// envelope's hash as it fetches parts and shows nothing unless hash, number of parts and size are these.
#[derive(Debug)]
pub struct Released {
    /// The key.
    pub cek: Cek,
    /// Position of the outcome in the key manager's trace.
    pub record_index: u64,
    /// Hash that the envelope must have.
    pub envelope_hash: Hash,
    /// Parts that it must have.
    pub parts: u32,
    /// Bytes of plaintext that it must have.
    pub size: u64,
}

/// A request refused, or a key manager that cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Refused, and recorded as such.
    #[error(transparent)]
    Denied(Denial),
    /// Not possible: nothing was released.
    #[error(transparent)]
    Broken(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

impl From<Denial> for Failure {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// Everything that was checked, so that the key may be released.
struct Permitted {
    manifest: ProvenManifest,
    file: SealedFile,
    header: UnverifiedHeader,
    stanza: Stanza,
    key: ManagedKey,
}

impl KeyManager {
    /// Releases the content key of a file to an officer.
    ///
    /// # Errors
    /// [`Failure::Denied`], recorded, with the first check that fails: quota, connection, manifest, header, assignment, key;
    /// [`Failure::Broken`] when a record cannot be made durable: no key leaves then.
    pub async fn unwrap(
        &self,
        officer: &VerifiedOfficer,
        request: &UnwrapRequest,
    ) -> Result<Released, Failure> {
        let about = |action: Action| self.record_of_file(officer, action, request);
        let permitted = match self.permit(officer, request) {
            Ok(permitted) => permitted,
            Err(denial) => {
                let who = Some(officer.account());
                self.record_refusal(who, about(Action::UNWRAP_OUTCOME).refused(denial.record_code())).await?;
                return Err(denial.into());
            }
        };
        let with_facts = |draft: RecordDraft| {
            let key = permitted.key.statement.key_id.to_string();
            draft.detail("key", key).detail("manifest", permitted.manifest.hash.to_string())
        };
        self.journal().append(with_facts(about(Action::UNWRAP_INTENT))).await?;
        match self.open_stanza(&permitted) {
            Ok(cek) => {
                let outcome = with_facts(about(Action::UNWRAP_OUTCOME).granted());
                let record_index = self.journal().append(outcome).await?;
                let SealedFile { envelope_hash, parts, size, .. } = permitted.file;
                Ok(Released { cek, record_index, envelope_hash, parts, size })
            }
            Err(denial) => {
                let outcome = with_facts(about(Action::UNWRAP_OUTCOME).refused(denial.record_code()));
                self.journal().append(outcome).await?;
                Err(denial.into())
            }
        }
    }

    /// Every check that needs no private key, in order.
    fn permit(&self, officer: &VerifiedOfficer, request: &UnwrapRequest) -> Result<Permitted, Denial> {
        self.take_quota(officer)?;
        let link = self.link().ok_or(Denial::NotConnected)?;
        let manifest = request.proof.verify(&link)?;
        let header = UnverifiedHeader::parse(&request.header).map_err(Denial::Header)?;
        let file_id = header.fixed().file_id();
        let file = manifest.manifest.files.iter().find(|file| file.file_id == file_id).cloned();
        let file = file.ok_or(Denial::ManifestLacksFile)?;
        if file_id != request.file_id {
            return Err(Denial::HeaderOfAnotherFile);
        }
        self.check_assignment(officer, &manifest)?;
        let (key, stanza) = self.recipient(&link, &manifest, &header)?;
        Ok(Permitted { manifest, file, header, stanza, key })
    }

    fn take_quota(&self, officer: &VerifiedOfficer) -> Result<(), Denial> {
        let mut buckets = self.buckets().lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.officers.take(officer.account(), self.now()) { Ok(()) } else { Err(Denial::Quota) }
    }

    /// A dossier that is assigned opens for those named; one that is not, for each bound case officer.
    pub(crate) fn check_assignment(
        &self,
        officer: &VerifiedOfficer,
        manifest: &ProvenManifest,
    ) -> Result<(), Denial> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let dossier = manifest.manifest.dossier;
        if registers.may_open(dossier, officer.account()) { Ok(()) } else { Err(Denial::NotAssigned) }
    }

    /// Our key that the header has a stanza for. The manifest must name one of ours as well: what was sealed elsewhere is not ours to open.
    fn recipient(
        &self,
        link: &Link,
        manifest: &ProvenManifest,
        header: &UnverifiedHeader,
    ) -> Result<(ManagedKey, Stanza), Denial> {
        let ring = self.keyring();
        let ours = |id| {
            let key = ring.by_id(id)?;
            let fits =
                key.statement.organisation == link.organisation && key.statement.key_use == KeyUse::Encrypt;
            fits.then_some(key)
        };
        ours(&manifest.manifest.key_id).ok_or(Denial::ManifestOfAnotherKey)?;
        let mut found =
            header.stanzas().iter().filter_map(|stanza| Some((ours(&stanza.key_id)?, stanza))).peekable();
        if found.peek().is_none() {
            return Err(Denial::NotARecipient);
        }
        let (key, stanza) = found.find(|(key, _)| !key.destroyed).ok_or(Denial::KeyDestroyed)?;
        Ok((key.clone(), stanza.clone()))
    }

    /// Unwraps in the keystore and proves the header with the result: commitment, MAC, metadata.
    fn open_stanza(&self, permitted: &Permitted) -> Result<Cek, Denial> {
        let Permitted { file, header, stanza, key, .. } = permitted;
        let private = key.private(self.keys()).map_err(|_| Denial::KeyDestroyed)?;
        let cek = self.keys().unwrap_cek(&private, &file.file_id, stanza).map_err(|error| match error {
            sceau_hsm::Error::Unwrap(error) => Denial::Unwrap(error.into()),
            _ => Denial::NotARecipient,
        })?;
        Ok(header.clone().open_with(cek).map_err(Denial::Unwrap)?.into_cek())
    }

    fn record_of_file(
        &self,
        officer: &VerifiedOfficer,
        action: Action,
        request: &UnwrapRequest,
    ) -> RecordDraft {
        self.record_of_dossier(officer, action, &request.proof).subject("file", request.file_id)
    }

    pub(crate) fn record_of_dossier(
        &self,
        officer: &VerifiedOfficer,
        action: Action,
        proof: &DossierProof,
    ) -> RecordDraft {
        let draft = RecordDraft::new(officer.actor(), action).subject("dossier", proof.dossier);
        match self.link() {
            Some(link) => draft.organisation(link.organisation),
            None => draft,
        }
    }

    /// Records a refusal, unless there were too many of late: then the next one that is recorded says how many were not.
    pub(crate) async fn record_refusal(
        &self,
        who: Option<sceau_element_api::AccountId>,
        draft: RecordDraft,
    ) -> Result<(), Error> {
        let skipped = {
            let mut buckets = self.buckets().lock().unwrap_or_else(PoisonError::into_inner);
            if !buckets.refusals.take(who, self.now()) {
                buckets.unrecorded += 1;
                return Ok(());
            }
            std::mem::take(&mut buckets.unrecorded)
        };
        let draft = if skipped == 0 { draft } else { draft.detail("not-recorded", skipped.to_string()) };
        let recorded = self.journal().append(draft).await;
        if recorded.is_err() {
            self.buckets().lock().unwrap_or_else(PoisonError::into_inner).unrecorded += skipped + 1;
        }
        recorded.map(|_| ())
    }
}
