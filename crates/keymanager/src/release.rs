//! Releasing a content key: every check, a durable intent, the key, a durable outcome; only then the answer.

use std::sync::{Arc, PoisonError};

use sceau_crypto::envelope::{OpenedHeader, UnverifiedHeader};
use sceau_crypto::{Cek, FileId, Stanza};
use sceau_element_api::Base64Url;
use sceau_element_api::documents::{KeyUse, SealedFile};
use sceau_element_api::wire::RecordDraft;
use sceau_hsm::Operations as _;
use sceau_trace::{Action, Hash};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::connector::Caller;
use crate::denial::{Denial, record_code};
use crate::error::Error;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::keyring::ManagedKey;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::officer::VerifiedOfficer;
use crate::scanning::{ReadingToken, Scanned};

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
    /// Bearer token of the reading session at the platform: where documents are examined first, this one is fetched with it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub reading: Option<ReadingToken>,
}

/// A content key on its way out, and what the holder must find when it opens the parts.
///
/// What was checked here: the header's file id is of the dossier and in its manifest; commitment, MAC and metadata verify under the released
/// key. What cannot be checked here is that the parts are those of the manifest: their hash covers bytes that the key manager never
/// fetches. So the holder is told what to find: it computes the envelope's hash as it fetches parts, and shows nothing unless hash, number of
/// parts and size are these.
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
    /// What the antivirus said of exactly that envelope; nothing where none is configured.
    pub scanned: Option<Scanned>,
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

impl Failure {
    /// Its code, as a record may hold it.
    pub(crate) fn record_code(&self) -> &str {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::Broken(error) => record_code(error.code()),
        }
    }
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
pub(crate) struct Permitted {
    pub(crate) file: SealedFile,
    pub(crate) header: UnverifiedHeader,
    stanza: Stanza,
    pub(crate) key: ManagedKey,
}

impl KeyManager {
    /// Releases the content key of a file to an officer.
    ///
    /// # Errors
    /// As [`Self::release`].
    pub async fn unwrap(
        &self,
        officer: &VerifiedOfficer,
        request: &UnwrapRequest,
    ) -> Result<Released, Failure> {
        self.release(Caller::Officer(officer), request).await
    }

    /// Releases the content key of a file to whoever may have it.
    ///
    /// # Errors
    /// [`Failure::Denied`], recorded, with the first check that fails: quota, connection, manifest, words of the intake, header, assignment or grant, key, that this
    /// folder is the newest;
    /// [`Failure::Broken`] when a record cannot be made durable: no key leaves then.
    pub(crate) async fn release(
        &self,
        caller: Caller<'_>,
        request: &UnwrapRequest,
    ) -> Result<Released, Failure> {
        let about = |action: Action| self.record_of_file(caller, action, request);
        let (permitted, scanned) = match self.examined_and_permitted(caller, request).await {
            Ok(both) => both,
            Err(denial) => {
                let who = Some(caller.actor().id);
                let who = who.as_deref();
                self.record_refusal(who, about(Action::UNWRAP_OUTCOME).refused(denial.code())).await?;
                return Err(denial.into());
            }
        };
        let with_facts = |draft: RecordDraft| {
            // Not the manifest: everyone reads the details, and its hash would tell which deposit each opening is of.
            let draft = draft.detail("key", permitted.key.statement.key_id.to_string());
            match &scanned {
                None => draft,
                Some(Scanned::Clean) => draft.detail("scanned", "clean"),
                Some(Scanned::Infected { .. }) => draft.detail("scanned", "infected"),
            }
        };
        self.journal().append(with_facts(about(Action::UNWRAP_INTENT))).await?;
        match self.open_stanza(&permitted) {
            Ok(cek) => {
                let outcome = with_facts(about(Action::UNWRAP_OUTCOME).granted());
                let record_index = self.journal().append(outcome).await?;
                let SealedFile { envelope_hash, parts, size, .. } = permitted.file;
                Ok(Released { cek, record_index, envelope_hash, parts, size, scanned })
            }
            Err(failure) => {
                let outcome = with_facts(about(Action::UNWRAP_OUTCOME).refused(failure.record_code()));
                self.journal().append(outcome).await?;
                Err(failure)
            }
        }
    }

    /// Every check, and what the antivirus says where it is asked.
    async fn examined_and_permitted(
        &self,
        caller: Caller<'_>,
        request: &UnwrapRequest,
    ) -> Result<(Arc<Permitted>, Option<Scanned>), Denial> {
        let permitted = Arc::new(self.permit(caller, request)?);
        self.check_newest().await?;
        let scanned = self.scanned(caller, request, &permitted).await;
        // Before what was found is told, too: who was shut out meanwhile hears nothing of the document.
        self.check_still_reaches(caller, request.proof.dossier)?;
        Ok((permitted, scanned?))
    }

    /// Every check that needs no private key, in order.
    fn permit(&self, caller: Caller<'_>, request: &UnwrapRequest) -> Result<Permitted, Denial> {
        self.take_quota(caller)?;
        let link = self.link().ok_or(Denial::NotConnected)?;
        let manifest = request.proof.verify(&link)?;
        request.proof.demand_words(&manifest)?;
        let header = UnverifiedHeader::parse(&request.header).map_err(Denial::Header)?;
        let file_id = header.fixed().file_id();
        let file = manifest.manifest.files.iter().find(|file| file.file_id == file_id).cloned();
        let file = file.ok_or(Denial::ManifestLacksFile)?;
        if file_id != request.file_id {
            return Err(Denial::HeaderOfAnotherFile);
        }
        // Sealed for another dossier, whoever put it into this one's manifest.
        if !file_id.is_of_dossier(&manifest.manifest.dossier.to_string()) {
            return Err(Denial::FileOfAnotherDossier);
        }
        self.check_reach(caller, &manifest)?;
        let (key, stanza) = self.recipient(&link, &manifest, &header)?;
        Ok(Permitted { file, header, stanza, key })
    }

    fn take_quota(&self, caller: Caller<'_>) -> Result<(), Denial> {
        if self.buckets().take_key(&caller.actor().id, self.now()) { Ok(()) } else { Err(Denial::Quota) }
    }

    /// A dossier that is assigned opens for those named; one that is not, for each bound case officer, and for connectors as far as their grants
    /// reach.
    pub(crate) fn check_reach(&self, caller: Caller<'_>, manifest: &ProvenManifest) -> Result<(), Denial> {
        let registers = self.registers().read().unwrap_or_else(PoisonError::into_inner);
        let dossier = manifest.manifest.dossier;
        let named = match caller {
            Caller::Officer(officer) => registers.may_open(dossier, officer.account()),
            Caller::Connector(connector) => {
                connector.check_scheme(manifest.manifest.scheme)?;
                !registers.assignments.contains_key(&dossier)
            }
        };
        if named { Ok(()) } else { Err(Denial::NotAssigned) }
    }

    /// Our key that the header has a stanza for. The manifest must name one of ours as well: what was sealed elsewhere is not ours to open.
    pub(crate) fn recipient(
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
    pub(crate) fn open_stanza(&self, permitted: &Permitted) -> Result<Cek, Failure> {
        let Permitted { header, stanza, key, .. } = permitted;
        Ok(self.opened(key, header, stanza)?.into_cek())
    }

    /// A header, opened with the content key in this stanza.
    pub(crate) fn opened(
        &self,
        key: &ManagedKey,
        header: &UnverifiedHeader,
        stanza: &Stanza,
    ) -> Result<OpenedHeader, Failure> {
        let (keys, file) = (self.keys(), header.fixed().file_id());
        let unwrapped = keys.find(&key.uri).and_then(|private| keys.unwrap_cek(&private.key, &file, stanza));
        let cek = unwrapped.map_err(|error| match error {
            sceau_hsm::Error::Unwrap(error) => Failure::Denied(Denial::Unwrap(error.into())),
            sceau_hsm::Error::NotForThisKey(_) => Denial::NotARecipient.into(),
            sceau_hsm::Error::NotFound(_) => Denial::KeyDestroyed.into(),
            sceau_hsm::Error::Disabled(_) => Denial::KeyDisabled.into(),
            // A keystore that is damaged or away: nobody's request is at fault.
            error => Failure::from(error),
        })?;
        Ok(header.clone().open_with(cek).map_err(Denial::Unwrap)?)
    }

    pub(crate) fn record_of_file(
        &self,
        caller: Caller<'_>,
        action: Action,
        request: &UnwrapRequest,
    ) -> RecordDraft {
        self.record_of_dossier(caller, action, &request.proof).subject("file", request.file_id)
    }

    pub(crate) fn record_of_dossier(
        &self,
        caller: Caller<'_>,
        action: Action,
        proof: &DossierProof,
    ) -> RecordDraft {
        let draft = RecordDraft::new(caller.actor(), action).subject("dossier", proof.dossier);
        match self.link() {
            Some(link) => draft.organisation(link.organisation),
            None => draft,
        }
    }

    /// Records a refusal, unless there were too many of late: then the next one that is recorded says how many were not.
    pub(crate) async fn record_refusal(&self, who: Option<&str>, draft: RecordDraft) -> Result<(), Error> {
        let Some(skipped) = self.buckets().take_refusal(who, self.now()) else { return Ok(()) };
        let draft = if skipped == 0 { draft } else { draft.detail("not_recorded", skipped.to_string()) };
        let recorded = self.journal().append(draft).await;
        if recorded.is_err() {
            self.buckets().skipped(skipped + 1);
        }
        recorded.map(|_| ())
    }
}
