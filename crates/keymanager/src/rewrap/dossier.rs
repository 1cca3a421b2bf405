//! One dossier: proven, announced, opened file by file, sealed anew, recorded, exchanged.

use sceau_client::{ClientError, FileHeader, SealedDossier};
use sceau_crypto::Typ;
use sceau_crypto::envelope::UnverifiedHeader;
use sceau_element_api::documents::HeaderList;
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{Base64Url, DossierId};
use sceau_hsm::Operations as _;
use sceau_store::params;
use sceau_trace::{Action, Hash};

use crate::denial::{Denial, record_code};
use crate::error::Error;
use crate::evidence::{DossierProof, ProvenManifest};
use crate::keyring::ManagedKey;
use crate::link::Link;
use crate::manager::KeyManager;
use crate::release::Failure;
use crate::schema::statements;

impl KeyManager {
    /// Seals a dossier to `target`, unless it is already.
    pub(super) async fn rewrap_dossier(
        &self,
        link: &Link,
        target: &ManagedKey,
        dossier: &str,
    ) -> Result<(), Failure> {
        let id: DossierId = dossier.parse().map_err(|_| Denial::ManifestOfAnotherDossier)?;
        let sealed = link.machine.sealed_dossier(dossier).await.map_err(Error::from)?;
        let (manifest, headers) = proven(link, id, &sealed)?;
        let is_ours = |header: &UnverifiedHeader| matches!(header.stanzas(), [only] if only.key_id == target.statement.key_id);
        if headers.iter().all(is_ours) {
            // A header that only names our key would end what keeps the old one.
            self.prove_opening(link, &manifest, &headers)?;
        } else {
            self.exchange(link, target, id, &manifest, &sealed.files, &headers).await?;
        }
        let values = params![manifest.hash.to_string(), target.statement.key_id.to_string(), self.now()];
        let mut transaction = self.database().begin().await.map_err(Error::from)?;
        transaction.execute(statements::MANIFEST_REWRAPPED, values).await.map_err(Error::from)?;
        transaction.execute(statements::END_REWRAPPING, params![dossier]).await.map_err(Error::from)?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(())
    }

    async fn exchange(
        &self,
        link: &Link,
        target: &ManagedKey,
        dossier: DossierId,
        manifest: &ProvenManifest,
        old: &[FileHeader],
        headers: &[UnverifiedHeader],
    ) -> Result<(), Failure> {
        let about = |action: Action| {
            let draft = self.own_record(action).subject("dossier", dossier);
            let draft = draft.detail("key", target.statement.key_id.to_string());
            draft.detail("files", headers.len().to_string())
        };
        // An answer that is lost later must not make it look as if there was nothing to do.
        let mut append = self.journal().begin().await?;
        append.record(about(Action::REWRAP_INTENT)).await?;
        let this = params![dossier.to_string()];
        append.transaction().execute(statements::BEGIN_REWRAPPING, this).await.map_err(Error::from)?;
        append.commit().await?;
        let refused = |failure: &Failure| about(Action::REWRAP_OUTCOME).refused(failure.record_code());
        let new = match self.seal_anew(link, target, manifest, headers) {
            Ok(new) => new,
            Err(failure) => {
                self.journal().append(refused(&failure)).await?;
                return Err(failure);
            }
        };
        let outcome = about(Action::REWRAP_OUTCOME)
            .granted()
            .detail("headers_before", list(old).to_string())
            .detail("headers", list(&new).to_string());
        let signed = self.recorded(outcome).await?;
        let put = link.machine.put_headers(&dossier.to_string(), &signed, &new).await;
        put.map_err(|error| match error {
            ClientError::Refused { status: 400..=499, code, .. } => {
                Failure::Denied(Denial::Platform(record_code(&code).to_owned()))
            }
            error => Error::from(error).into(),
        })
    }

    /// Appends a record and signs it, as it is delivered.
    async fn recorded(&self, draft: RecordDraft) -> Result<String, Error> {
        let position = self.journal().append(draft).await?;
        let leaf = self.journal().leaf(position).await?;
        self.sign_current(Typ::Record, &leaf)
    }

    /// That each header opens with the key that it names.
    fn prove_opening(
        &self,
        link: &Link,
        manifest: &ProvenManifest,
        headers: &[UnverifiedHeader],
    ) -> Result<(), Failure> {
        headers.iter().try_for_each(|header| {
            let (key, stanza) = self.recipient(link, manifest, header)?;
            self.opened(&key, header, &stanza).map(drop)
        })
    }

    /// The headers for `target`. Each is opened again with its key before anybody is asked to keep it.
    fn seal_anew(
        &self,
        link: &Link,
        target: &ManagedKey,
        manifest: &ProvenManifest,
        headers: &[UnverifiedHeader],
    ) -> Result<Vec<FileHeader>, Failure> {
        let recipient = self.keys().recipient_key(&target.private(self.keys())?).map_err(Error::from)?;
        let mut new = Vec::with_capacity(headers.len());
        for header in headers {
            let (key, stanza) = self.recipient(link, manifest, header)?;
            let opened = self.opened(&key, header, &stanza)?;
            let bytes = opened.rewrap(std::slice::from_ref(&recipient)).map_err(|_| Denial::NotARecipient)?;
            let made = UnverifiedHeader::parse(&bytes).map_err(Denial::Header)?;
            let (key, stanza) = self.recipient(link, manifest, &made)?;
            if self.opened(&key, &made, &stanza)?.cek() != opened.cek() {
                return Err(Denial::NotARecipient.into());
            }
            new.push(FileHeader { file_id: header.fixed().file_id(), header: Base64Url(bytes) });
        }
        Ok(new)
    }
}

/// The manifest that the log proves, and the header of each file that it names, of this very dossier.
fn proven(
    link: &Link,
    dossier: DossierId,
    sealed: &SealedDossier,
) -> Result<(ProvenManifest, Vec<UnverifiedHeader>), Denial> {
    let proof = DossierProof {
        dossier,
        manifest: sealed.manifest.clone(),
        manifest_evidence: sealed.manifest_evidence.clone(),
        scheme: Some(sealed.scheme.clone()),
    };
    let manifest = proof.verify(link)?;
    if sealed.files.len() != manifest.manifest.files.len() {
        return Err(Denial::ManifestLacksFile);
    }
    let mut headers = Vec::with_capacity(sealed.files.len());
    for (named, shown) in manifest.manifest.files.iter().zip(&sealed.files) {
        let header = UnverifiedHeader::parse(&shown.header).map_err(Denial::Header)?;
        let file_id = header.fixed().file_id();
        if file_id != named.file_id || shown.file_id != named.file_id {
            return Err(Denial::HeaderOfAnotherFile);
        }
        if !file_id.is_of_dossier(&dossier.to_string()) {
            return Err(Denial::FileOfAnotherDossier);
        }
        headers.push(header);
    }
    Ok((manifest, headers))
}

fn list(files: &[FileHeader]) -> Hash {
    files.iter().fold(HeaderList::default(), |list, file| list.and(&file.file_id, &file.header)).hash()
}
