//! Re-wrapping: an organisation's key manager changes to whom what it already has is sealed, and nothing else.
//!
//! Contents, names and the depositor's manifest stay: the new header has the fixed header and the metadata of the old one, which is all that an
//! envelope's hash covers beside the parts. The exchange of headers is one act for a dossier, in the organisation's own signed word: the record
//! names what the headers were and what they become, the element takes it in first, and the client's credentials alone change nothing.

use sceau_crypto::envelope::UnverifiedHeader;
use sceau_crypto::{FileId, KeyId};
use sceau_element_api::documents::{DossierState, HeaderList, Manifest, SchemeDocument};
use sceau_element_api::wire::RecordDraft;
use sceau_element_api::{Base64Url, DossierId, OrganisationId};
use sceau_store::params;
use sceau_trace::{Action, Actor, Hash, Outcome, Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::Code;
use crate::evidence::not_the_depositor;
use crate::fault::Fault;
use crate::keys::jws_payload;
use crate::reading::FileView;
use crate::{Dossiers, state, statements};

/// A dossier as it is sealed now, without its contents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SealedDossier {
    /// The manifest's bytes, base64url.
    #[schema(value_type = String)]
    pub manifest: Base64Url,
    /// The evidence that the element attested it.
    #[schema(value_type = Object)]
    pub manifest_evidence: serde_json::Value,
    /// The scheme's bytes, base64url.
    #[schema(value_type = String)]
    pub scheme: Base64Url,
    /// The files that the manifest names, with their headers.
    pub files: Vec<FileView>,
}

/// Headers to put in the place of those that are there, all of a dossier's at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHeaders {
    /// The key manager's record of it (`rewrap.outcome`, granted), signed.
    pub record: String,
    /// Each file that the manifest names, in its order.
    pub files: Vec<NewHeader>,
}

/// The header of one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHeader {
    /// The file.
    #[schema(value_type = String)]
    pub file_id: FileId,
    /// Its header, base64url.
    #[schema(value_type = String)]
    pub header: Base64Url,
}

/// What the signed record says.
pub(crate) struct Signed {
    before: Hash,
    after: Hash,
    key: KeyId,
}

impl Dossiers {
    /// A dossier of `organisation` that was sent, for its key manager to re-wrap. That it was looked at is recorded first.
    ///
    /// # Errors
    /// When it is not there for this organisation, or not what was attested.
    pub async fn sealed(
        &self,
        actor: Actor,
        organisation: OrganisationId,
        dossier: DossierId,
    ) -> Result<SealedDossier, Fault> {
        self.readable(organisation, dossier).await?;
        let manifest = self.rows.current::<Manifest>(dossier).await?.ok_or_else(Fault::not_found)?;
        let scheme = self.rows.current::<SchemeDocument>(manifest.document.scheme).await?;
        let draft = RecordDraft::new(actor, Action::DOSSIER_VIEW).subject("dossier", dossier);
        self.element().append(draft.organisation(organisation).granted()).await?;
        Ok(SealedDossier {
            files: self.file_views(dossier, &manifest).await?,
            manifest_evidence: self.evidence_showing(manifest.attested.index, not_the_depositor).await?,
            manifest: manifest.payload.into(),
            scheme: scheme.ok_or_else(Fault::not_found)?.payload.into(),
        })
    }

    /// Puts new headers in the place of those that the signed record names; the answer is the record's place in the log. Done again, it
    /// changes nothing.
    ///
    /// # Errors
    /// When the dossier is not this organisation's, the record is not of these headers, other headers are there by now, or more than the
    /// recipient would change.
    pub async fn rewrap(
        &self,
        organisation: OrganisationId,
        dossier: DossierId,
        new: NewHeaders,
    ) -> Result<u64, Fault> {
        self.readable(organisation, dossier).await?;
        let signed = Signed::read(&new.record, organisation, dossier)?;
        let usable = self.usable_key(&self.enrolled(organisation).await?.document).await?;
        if usable.key_id != signed.key {
            return Err(Code::RecipientMismatch.into());
        }
        let _turn = self.turn(dossier).await?;
        let manifest = self.rows.current::<Manifest>(dossier).await?.ok_or_else(Fault::not_found)?;
        let there = self.file_views(dossier, &manifest).await?;
        if digest(there.iter().map(|file| (file.file_id, &*file.header))) == signed.after {
            return self.taken_in(&new.record).await;
        }
        if digest(there.iter().map(|file| (file.file_id, &*file.header))) != signed.before {
            return Err(Code::HeadersChanged.into());
        }
        let whole = new.files.len() == there.len();
        if !whole || digest(new.files.iter().map(|file| (file.file_id, &*file.header))) != signed.after {
            return Err(Code::HeadersChanged.into());
        }
        for (old, new) in there.iter().zip(&new.files) {
            changes_the_recipient_alone(&old.header, &new.header, signed.key)?;
        }
        // The word before the act: without it in the log nothing is exchanged.
        let index = self.taken_in(&new.record).await?;
        self.exchange(dossier, &there, &new.files, (signed.key, usable.serial)).await?;
        Ok(index)
    }

    async fn exchange(
        &self,
        dossier: DossierId,
        there: &[FileView],
        new: &[NewHeader],
        (key, serial): (KeyId, u64),
    ) -> Result<(), Fault> {
        let mut transaction = self.database.begin().await?;
        for (old, new) in there.iter().zip(new) {
            let (file, old) = (old.file_id.to_string(), old.header.0.clone());
            let values = params![dossier.to_string(), file, old, new.header.0.clone()];
            if transaction.execute(statements::EXCHANGE_HEADER, values).await? != 1 {
                return Err(Code::HeadersChanged.into());
            }
        }
        // What is asked for from now on is sealed to the same key.
        let values = params![dossier.to_string(), key.to_string(), serial];
        transaction.execute(statements::SEALED_TO, values).await?;
        Ok(transaction.commit().await?)
    }

    async fn taken_in(&self, record: &str) -> Result<u64, Fault> {
        let indices = self.deliver_records(&[record.to_owned()]).await?;
        indices.first().copied().ok_or_else(|| Fault::from(sceau_accounts::Code::ElementAnswer))
    }

    /// Whether the organisation may read the dossier; the same answer where there is none.
    async fn readable(&self, organisation: OrganisationId, dossier: DossierId) -> Result<(), Fault> {
        let current = self.rows.current::<DossierState>(dossier).await?;
        let own = current.is_some_and(|row| {
            row.document.organisation == organisation && state::is_readable(row.document.phase)
        });
        if own { Ok(()) } else { Err(Fault::not_found()) }
    }
}

impl Signed {
    /// What the record says, of this dossier. Who signed it is the element's to verify, before anything is exchanged.
    pub(crate) fn read(jws: &str, organisation: OrganisationId, dossier: DossierId) -> Result<Self, Fault> {
        let malformed = || Fault::malformed("The record is not one of a re-wrapping of this dossier.");
        let record = Record::parse(&jws_payload(jws)?).map_err(|_| malformed())?;
        let of_this = record.action() == &Action::REWRAP_OUTCOME
            && record.outcome() == Outcome::Granted
            && record.organisation() == Some(organisation.to_string().as_str())
            && record.subjects().iter().any(|each| each.kind == "dossier" && each.id == dossier.to_string());
        let hash = |name: &str| record.detail().get(name).and_then(|hash| Hash::from_hex(hash));
        let key = record.detail().get("key").and_then(|key| key.parse().ok());
        match (of_this, hash("headers_before"), hash("headers"), key) {
            (true, Some(before), Some(after), Some(key)) => Ok(Self { before, after, key }),
            _ => Err(malformed()),
        }
    }
}

fn digest<'a>(files: impl Iterator<Item = (FileId, &'a [u8])>) -> Hash {
    files.fold(HeaderList::default(), |list, (file, header)| list.and(&file, header)).hash()
}

/// The new header is the old one's file, content and metadata, sealed to `key` and nobody else.
pub(crate) fn changes_the_recipient_alone(old: &[u8], new: &[u8], key: KeyId) -> Result<(), Fault> {
    let parse = |bytes| {
        let detail = |error: sceau_crypto::envelope::OpenError| error.to_string();
        UnverifiedHeader::parse(bytes)
            .map_err(|error| Fault::Refused(Code::HeaderMalformed.problem().with_detail(detail(error))))
    };
    let (old, new) = (parse(old)?, parse(new)?);
    let same_content = old.fixed() == new.fixed() && old.hasher().finish() == new.hasher().finish();
    let sealed_to_it = matches!(new.stanzas(), [only] if only.key_id == key);
    if same_content && sealed_to_it { Ok(()) } else { Err(Code::RecipientMismatch.into()) }
}
