//! The citizen's side: begin a dossier, send sealed files part by part, submit the manifest.

use sceau_crypto::envelope::{StreamLayout, UnverifiedHeader};
use sceau_crypto::{FileId, KeyId};
use sceau_element_api::documents::{
    Document as _, DossierPhase, DossierState, KeyStatement, KeyUse, Manifest, SchemeDocument, SealedFile,
};
use sceau_element_api::problem::Problem;
use sceau_element_api::proof::Proof;
use sceau_element_api::{AccountId, DossierId, Nonce, OrganisationId, SchemeId};
use sceau_store::{ObjectName, params};
use sceau_trace::Hash;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::organisations::PublishedKey;
use crate::rows::Row;
use crate::{Dossiers, admissible, state, statements};

/// The most files of a dossier, sealed answers included.
const MAX_FILES: i64 = 50;
/// The most parts of a dossier: 8 GiB.
const MAX_PARTS: i64 = 8192;
/// The largest header that a deposit may have: one recipient, one name.
const MAX_HEADER: usize = 128 * 1024;

/// A dossier that was begun.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Begun {
    /// The dossier.
    #[schema(value_type = String)]
    pub id: DossierId,
    /// The key to seal to, with its proofs.
    pub recipient: PublishedKey,
}

/// Which parts of a file have arrived.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Arrived {
    /// Their indices, in order.
    pub parts: Vec<u32>,
}

impl Dossiers {
    /// Begins a dossier of `citizen` for a scheme. Its recipient key is fixed now, so that a rotation strands nothing.
    ///
    /// # Errors
    /// When the scheme is unknown or its organisation has no usable key.
    pub async fn begin(&self, citizen: AccountId, scheme: SchemeId) -> Result<Begun, Fault> {
        let form = self.rows.current::<SchemeDocument>(scheme).await?.ok_or_else(Fault::not_found)?;
        let organisation = form.document.organisation;
        let key = self.usable_key(organisation).await?;
        let id = DossierId::random();
        let now = self.clock.now_ms();
        let values = params![
            id.to_string(),
            citizen.to_string(),
            organisation.to_string(),
            scheme.to_string(),
            key.key_id.to_string(),
            key.serial,
            now
        ];
        self.database.execute(statements::INSERT_DOSSIER, values).await?;
        let draft = DossierState {
            v: 1,
            dossier: id,
            organisation,
            scheme,
            depositor: citizen,
            phase: DossierPhase::Draft,
            time: now,
        };
        self.rows.attest::<DossierState>(&draft.to_bytes()?, Proof::PlatformAsserted).await?;
        Ok(Begun { id, recipient: key })
    }

    /// Keeps the header of a sealed file. Sending the same header again changes nothing.
    ///
    /// # Errors
    /// When the header is not one, is another file's, or is not sealed to the dossier's key alone.
    pub async fn put_header(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        file: FileId,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        let draft = self.own_draft(citizen, dossier).await?;
        if bytes.len() > MAX_HEADER {
            return Err(Fault::refused(413, "header_too_large", "The envelope's header is too large"));
        }
        let header = UnverifiedHeader::parse(bytes)
            .map_err(|error| Fault::Refused(Problem::new(422, error.code(), "The envelope is malformed")))?;
        let sealed_to_it = matches!(header.stanzas(), [only] if only.key_id == draft.key_id);
        if header.fixed().file_id() != file || !sealed_to_it {
            return Err(Fault::refused(
                422,
                "recipient_mismatch",
                "The file is not sealed to this dossier's recipient",
            ));
        }
        let at = params![dossier.to_string(), file.to_string()];
        if let Some(row) = self.database.fetch_optional(statements::FILE, at).await? {
            return if row.get::<Vec<u8>>("header")? == bytes { Ok(()) } else { Err(already_there()) };
        }
        let count = self.database.fetch_one(statements::COUNT_FILES, params![dossier.to_string()]).await?;
        if count.get::<i64>("n")? >= MAX_FILES {
            return Err(Fault::refused(422, "too_many_files", "A dossier holds at most 50 files"));
        }
        let values = params![dossier.to_string(), file.to_string(), bytes.to_vec(), self.clock.now_ms()];
        self.database.execute(statements::INSERT_FILE, values).await?;
        Ok(())
    }

    /// Keeps part `index` of a sealed file, whose SHA-256 must be `digest`. Sending it again changes nothing.
    ///
    /// # Errors
    /// When the bytes were damaged on their way, or another part is already there.
    pub async fn put_part(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        file: FileId,
        index: u32,
        bytes: bytes::Bytes,
        digest: [u8; 32],
    ) -> Result<(), Fault> {
        self.own_draft(citizen, dossier).await?;
        if sceau_crypto::sha256(&bytes) != digest {
            return Err(Fault::refused(
                400,
                "digest_mismatch",
                "The part was damaged on its way; send it again",
            ));
        }
        let at = params![dossier.to_string(), file.to_string(), index];
        if let Some(row) = self.database.fetch_optional(statements::PART, at).await? {
            return if row.get::<Vec<u8>>("digest")? == digest { Ok(()) } else { Err(already_there()) };
        }
        if self
            .database
            .fetch_optional(statements::FILE, params![dossier.to_string(), file.to_string()])
            .await?
            .is_none()
        {
            return Err(Fault::refused(409, "header_first", "Send the header of the file before its parts"));
        }
        let count = self.database.fetch_one(statements::COUNT_PARTS, params![dossier.to_string()]).await?;
        if count.get::<i64>("n")? >= MAX_PARTS {
            return Err(Fault::refused(413, "dossier_too_large", "A dossier holds at most 8 GiB"));
        }
        let length = bytes.len() as u64;
        let object = self.objects.put(bytes).await?;
        let values =
            params![dossier.to_string(), file.to_string(), index, object.as_str(), digest.to_vec(), length];
        if self.database.execute(statements::INSERT_PART, values).await? == 0 {
            // Somebody sent the same part meanwhile.
            self.objects.delete(&object).await?;
        }
        Ok(())
    }

    /// Which parts of a file have arrived, so that a cut upload goes on.
    ///
    /// # Errors
    /// When the dossier is not a draft of `citizen`.
    pub async fn arrived(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        file: FileId,
    ) -> Result<Arrived, Fault> {
        self.own_draft(citizen, dossier).await?;
        let rows = self
            .database
            .fetch_all(statements::PARTS, params![dossier.to_string(), file.to_string()])
            .await?;
        let parts = rows.iter().map(|row| row.get("part")).collect::<Result<_, _>>()?;
        Ok(Arrived { parts })
    }

    /// The nonce for the proof of a draft's manifest.
    ///
    /// # Errors
    /// When the dossier is not a draft of `citizen`.
    pub async fn manifest_nonce(&self, citizen: AccountId, dossier: DossierId) -> Result<Nonce, Fault> {
        self.own(citizen, dossier).await?;
        Ok(self.element().nonce().await?)
    }

    /// Submits the dossier: checks the manifest against the form and against every part that arrived, has it attested, and gives
    /// the log index of that attestation. Submitting the same manifest again gives the same answer.
    ///
    /// # Errors
    /// When something does not agree; nothing is then sent to the organisation.
    pub async fn submit(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        payload: &[u8],
        proof: Proof,
    ) -> Result<u64, Fault> {
        if matches!(proof, Proof::Jws { .. }) {
            return Err(Fault::malformed("a manifest is proven by a passkey, or asserted by the platform"));
        }
        let current = self.own(citizen, dossier).await?;
        let manifest = Manifest::parse(payload)?;
        if current.document.phase != DossierPhase::Draft {
            return self.submitted_before(dossier, manifest.hash).await;
        }
        let record = self.database.fetch_one(statements::DOSSIER, params![dossier.to_string()]).await?;
        let key_id: String = record.get("key_id")?;
        if manifest.document.dossier != dossier || manifest.document.key_id.to_string() != key_id {
            return Err(Fault::refused(
                422,
                "recipient_mismatch",
                "The manifest is of another dossier or key",
            ));
        }
        let scheme = self
            .rows
            .current::<SchemeDocument>(current.document.scheme)
            .await?
            .ok_or_else(Fault::not_found)?;
        admissible::check(&manifest.document, &scheme.parsed()).map_err(|fault| {
            Fault::Refused(
                Problem::new(422, fault.code(), "The dossier does not answer the form")
                    .with_detail(fault.to_string()),
            )
        })?;
        for file in &manifest.document.files {
            self.check_file(dossier, file).await?;
        }
        let attested = self.rows.attest::<Manifest>(payload, proof).await?;
        let next = state::submit(current.document.phase)
            .map_err(|fault| Fault::Refused(Problem::new(409, "state", fault.to_string())))?;
        let sent = DossierState { phase: next, time: self.clock.now_ms(), ..current.document };
        self.rows.attest::<DossierState>(&sent.to_bytes()?, Proof::PlatformAsserted).await?;
        self.settle(dossier).await?;
        Ok(attested.attested.index)
    }

    /// The state of a dossier of `citizen`, whatever its phase.
    pub(crate) async fn own(
        &self,
        citizen: AccountId,
        dossier: DossierId,
    ) -> Result<Row<DossierState>, Fault> {
        let row = self.rows.current::<DossierState>(dossier).await?;
        row.filter(|row| row.document.depositor == citizen).ok_or_else(Fault::not_found)
    }

    async fn own_draft(&self, citizen: AccountId, dossier: DossierId) -> Result<OwnDraft, Fault> {
        let row = self.own(citizen, dossier).await?;
        if row.document.phase != DossierPhase::Draft {
            return Err(Fault::refused(
                409,
                "already_sent",
                "The dossier was sent and cannot change any more",
            ));
        }
        let record = self.database.fetch_one(statements::DOSSIER, params![dossier.to_string()]).await?;
        let key_id: String = record.get("key_id")?;
        let tampered = |_| Fault::Tampered { kind: "dossier", id: dossier.to_string() };
        Ok(OwnDraft { key_id: key_id.parse().map_err(tampered)? })
    }

    async fn submitted_before(&self, dossier: DossierId, hash: Hash) -> Result<u64, Fault> {
        let kept = self.rows.current::<Manifest>(dossier).await?;
        match kept.filter(|kept| kept.attested.hash == hash) {
            Some(kept) => Ok(kept.attested.index),
            None => {
                Err(Fault::refused(409, "already_sent", "The dossier was sent and cannot change any more"))
            }
        }
    }

    async fn check_file(&self, dossier: DossierId, file: &SealedFile) -> Result<(), Fault> {
        let incomplete =
            || Fault::refused(409, "file_incomplete", "A file has not arrived whole; send the rest");
        let at = params![dossier.to_string(), file.file_id.to_string()];
        let row = self.database.fetch_optional(statements::FILE, at).await?.ok_or_else(incomplete)?;
        let tampered = || Fault::Tampered { kind: "file", id: file.file_id.to_string() };
        let header = UnverifiedHeader::parse(&row.get::<Vec<u8>>("header")?).map_err(|_| tampered())?;
        let mut hasher = header.hasher();
        let mut total = 0_u64;
        let parts = self.database.fetch_all(statements::PARTS, at).await?;
        for (expected, part) in parts.iter().enumerate() {
            if part.get::<u64>("part")? != expected as u64 {
                return Err(incomplete());
            }
            let digest: [u8; 32] = part.get::<Vec<u8>>("digest")?.try_into().map_err(|_| tampered())?;
            hasher.part_hash(&digest);
            total += part.get::<u64>("length")?;
        }
        let layout = StreamLayout::of_stream(total).map_err(|_| incomplete())?;
        let whole = parts.len() as u64 == layout.parts()
            && u64::from(file.parts) == layout.parts()
            && file.size == layout.plaintext();
        if !whole {
            return Err(incomplete());
        }
        if hasher.finish().as_bytes() != file.envelope_hash.as_bytes() {
            return Err(Fault::refused(
                422,
                "hash_mismatch",
                "A file is not the one that the manifest names",
            ));
        }
        Ok(())
    }

    /// The bytes of a part that arrived, checked against their digest.
    pub(crate) async fn part(
        &self,
        dossier: DossierId,
        file: FileId,
        index: u32,
    ) -> Result<bytes::Bytes, Fault> {
        let at = params![dossier.to_string(), file.to_string(), index];
        let row = self.database.fetch_optional(statements::PART, at).await?.ok_or_else(Fault::not_found)?;
        let tampered = || Fault::Tampered { kind: "part", id: format!("{file}/{index}") };
        let object = ObjectName::parse(&row.get::<String>("object")?).map_err(|_| tampered())?;
        let bytes = self.objects.get(&object).await?.ok_or_else(tampered)?;
        if sceau_crypto::sha256(&bytes).as_slice() != row.get::<Vec<u8>>("digest")? {
            return Err(tampered());
        }
        Ok(bytes)
    }

    /// The key that a new dossier is sealed to, with its proofs.
    pub(crate) async fn usable_key(&self, organisation: OrganisationId) -> Result<PublishedKey, Fault> {
        let row = KeyStatement::row_of(organisation, KeyUse::Encrypt);
        let newest = self.element().current(sceau_element_api::Kind::KeyStatement, row).await?;
        let keys = self.published_keys(organisation).await?;
        let latest = keys.iter().filter(|key| key.key_use == KeyUse::Encrypt).map(|key| key.serial).max();
        if latest != newest.map(|newest| newest.version) {
            return Err(Fault::Tampered { kind: "key-statement", id: organisation.to_string() });
        }
        let now = self.clock.now_ms();
        let usable = keys.into_iter().filter(|key| key.key_use == KeyUse::Encrypt && key.is_usable(now));
        let key = usable.max_by_key(|key| key.serial).ok_or_else(|| {
            Fault::refused(
                409,
                "no_recipient_key",
                "This organisation cannot receive dossiers now: it has no valid key",
            )
        })?;
        self.with_evidence(key).await
    }
}

/// A draft, and the key that it is sealed to.
struct OwnDraft {
    key_id: KeyId,
}

fn already_there() -> Fault {
    Fault::refused(409, "already_there", "Something else was sent here before; begin the file again")
}
