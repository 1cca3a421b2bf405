//! Sealed files on their way in, header first, then part by part, each once; and out again, each as it came.

use std::collections::HashMap;

use sceau_crypto::FileId;
use sceau_crypto::envelope::{StreamLayout, UnverifiedHeader};
use sceau_element_api::documents::SealedFile;
use sceau_element_api::{AccountId, DossierId};
use sceau_store::{ObjectName, Row, StoreError, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::code::Code;
use crate::fault::Fault;
use crate::{Dossiers, Upload, statements};

/// The most sealed files of a dossier: 50 documents, and the answers.
const MAX_FILES: i64 = 51;
/// The most parts of a dossier: 8 GiB of documents, with room for tags, first parts and answers.
const MAX_PARTS: u32 = 8448;
/// The largest header that a deposit may have: one recipient, one name.
const MAX_HEADER: usize = 128 * 1024;

/// Which parts of a file have arrived.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Arrived {
    /// Their indices, in order.
    pub parts: Vec<u32>,
}

impl Dossiers {
    /// Keeps the header of a sealed file, for the intake that sealed it. Sending the same header again changes nothing.
    ///
    /// # Errors
    /// When the header is not one, is another file's, or is not sealed to the dossier's key alone.
    pub async fn put_header(&self, upload: Upload, bytes: &[u8]) -> Result<(), Fault> {
        self.own_open(upload.citizen, upload.dossier).await?;
        self.keep_header(&upload, bytes).await
    }

    /// The same for a depositor, where the scheme lets depositors seal.
    ///
    /// # Errors
    /// As [`Dossiers::put_header`], and when an intake seals what comes in for the scheme.
    pub async fn put_own_header(&self, upload: Upload, bytes: &[u8]) -> Result<(), Fault> {
        let state = self.own_open(upload.citizen, upload.dossier).await?;
        self.seals_itself(&state).await?;
        self.keep_header(&upload, bytes).await
    }

    async fn keep_header(&self, upload: &Upload, bytes: &[u8]) -> Result<(), Fault> {
        let Upload { dossier, file, .. } = *upload;
        if bytes.len() > MAX_HEADER {
            return Err(Code::HeaderTooLarge.into());
        }
        let header = UnverifiedHeader::parse(bytes).map_err(|error| {
            Fault::Refused(Code::HeaderMalformed.problem().with_detail(error.to_string()))
        })?;
        let recipient = self.recipient(dossier).await?;
        let sealed_to_it = matches!(header.stanzas(), [only] if only.key_id == recipient);
        let of_this_dossier = file.is_of_dossier(&dossier.to_string());
        if header.fixed().file_id() != file || !of_this_dossier || !sealed_to_it {
            return Err(Code::RecipientMismatch.into());
        }
        // The transaction makes the counts and the insertion one act.
        let mut transaction = self.database.begin().await?;
        let (at, now) = ([dossier.to_string(), file.to_string()], self.clock.now_ms());
        let values = params![&at[0], &at[1], bytes.to_vec(), now, MAX_FILES];
        if transaction.execute(statements::INSERT_FILE, values).await? != 1 {
            let there = transaction.fetch_optional(statements::FILE, params![&at[0], &at[1]]).await?;
            // Whoever kept it may still wait for the disk: nobody is told before.
            transaction.commit().await?;
            let there = there.ok_or(Code::TooManyFiles)?;
            let same = there.get::<Vec<u8>>("header")? == bytes;
            return if same { Ok(()) } else { Err(Code::AlreadyThere.into()) };
        }
        self.take_space(&mut transaction, upload, bytes.len() as u64).await?;
        Ok(transaction.commit().await?)
    }

    /// Keeps part `index` of a sealed file; `digest` is its SHA-256. Sending it again changes nothing.
    ///
    /// # Errors
    /// When the header is not there yet, another part is, or the dossier is full.
    pub async fn put_part(
        &self,
        upload: Upload,
        index: u32,
        bytes: bytes::Bytes,
        digest: [u8; 32],
    ) -> Result<(), Fault> {
        let Upload { citizen, dossier, file, source } = upload;
        let sent = self.own_open_and_sent(citizen, dossier).await?;
        let at = params![dossier.to_string(), file.to_string(), index];
        let [of, from] = [citizen.to_string(), source.to_string()].map(sceau_store::Value::from);
        let before = [at, &[of, from]].concat();
        let before = self.database.fetch_one(statements::BEFORE_PART, &before).await?;
        if let Some(there) = before.get::<Option<Vec<u8>>>("digest")? {
            return if there == digest { Ok(()) } else { Err(Code::AlreadyThere.into()) };
        }
        if before.get::<u64>("begun")? == 0 {
            return Err(Code::HeaderFirst.into());
        }
        if sent.is_some_and(|sent| sent.document.files.iter().any(|named| named.file_id == file)) {
            return Err(Code::AlreadySent.into());
        }
        if index >= MAX_PARTS || before.get::<u32>("parts")? >= MAX_PARTS {
            return Err(Code::DossierTooLarge.into());
        }
        let length = bytes.len() as u64;
        self.has_space(&before, length)?;
        let object = self.objects.put(bytes).await?;
        match self.name_object(&upload, index, &object, digest, length).await {
            Ok(true) => return Ok(()),
            // Somebody sent this part meanwhile: theirs stays, and must be the same.
            Ok(false) => self.objects.delete(&object).await?,
            Err(fault) => {
                self.objects.delete(&object).await?;
                return Err(match fault {
                    // The file was removed while its part was on the way.
                    Fault::Store(StoreError::Conflict { .. }) => Code::HeaderFirst.into(),
                    fault => fault,
                });
            }
        }
        let row = self.database.fetch_one(statements::PART, at).await?;
        if row.get::<Vec<u8>>("digest")? == digest { Ok(()) } else { Err(Code::AlreadyThere.into()) }
    }

    /// Writes the row of a part whose object is there; whether it is the first.
    async fn name_object(
        &self,
        upload: &Upload,
        index: u32,
        object: &ObjectName,
        digest: [u8; 32],
        length: u64,
    ) -> Result<bool, Fault> {
        let (dossier, file) = (upload.dossier.to_string(), upload.file.to_string());
        let mut transaction = self.database.begin().await?;
        let values = params![dossier, file, index, object, digest, length];
        if transaction.execute(statements::INSERT_PART, values).await? != 1 {
            return Ok(false);
        }
        self.take_space(&mut transaction, upload, length).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Which parts of a file have arrived, so that a cut upload goes on.
    ///
    /// # Errors
    /// When the dossier is not one of `citizen` that takes files.
    pub async fn arrived(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        file: FileId,
    ) -> Result<Arrived, Fault> {
        self.own_open(citizen, dossier).await?;
        let at = params![dossier.to_string(), file.to_string()];
        let rows = self.database.fetch_all(statements::PARTS, at).await?;
        let parts = rows.iter().map(|row| row.get("part")).collect::<Result<_, _>>()?;
        Ok(Arrived { parts })
    }

    /// Whether a file that is being submitted is here, and nothing beyond it: its sender hears of a mistake.
    pub(crate) async fn check_arrived(&self, dossier: DossierId, file: &SealedFile) -> Result<(), Fault> {
        let at = params![dossier.to_string(), file.file_id.to_string()];
        let row = self.database.fetch_optional(statements::FILE, at).await?.ok_or(Code::FileIncomplete)?;
        let parts = self.database.fetch_all(statements::PARTS, at).await?;
        KeptFile { header: row.get("header")?, parts }.check_arrived(file)
    }

    /// Every file of a dossier, as it was sent.
    pub(crate) async fn kept_files(&self, dossier: DossierId) -> Result<KeptFiles, Fault> {
        let at = params![dossier.to_string()];
        let mut kept = HashMap::new();
        for row in self.database.fetch_all(statements::FILES, at).await? {
            kept.insert(row.get("file_id")?, KeptFile { header: row.get("header")?, parts: Vec::new() });
        }
        for part in self.database.fetch_all(statements::PARTS_OF_DOSSIER, at).await? {
            // One whose file came after the first look is of the next.
            if let Some(file) = kept.get_mut(&part.get::<String>("file_id")?) {
                file.parts.push(part);
            }
        }
        Ok(KeptFiles(kept))
    }

    /// The bytes of a part that arrived, checked against their digest.
    pub(crate) async fn part(
        &self,
        dossier: DossierId,
        file: FileId,
        index: u32,
    ) -> Result<bytes::Bytes, Fault> {
        let tampered = || Fault::Tampered { kind: "part", id: format!("{file}/{index}") };
        let at = params![dossier.to_string(), file.to_string(), index];
        let row = self.database.fetch_optional(statements::PART, at).await?.ok_or_else(tampered)?;
        let object: ObjectName = row.get("object").map_err(|_| tampered())?;
        let bytes = self.objects.get(&object).await?.ok_or_else(tampered)?;
        if sceau_crypto::sha256(&bytes).as_slice() != row.get::<Vec<u8>>("digest")? {
            return Err(tampered());
        }
        Ok(bytes)
    }

    /// Removes a file: its objects, then their rows, so that a kill between the two leaves rows to begin again from.
    pub(crate) async fn drop_file(&self, dossier: DossierId, file: &str) -> Result<(), Fault> {
        let at = params![dossier.to_string(), file];
        for row in self.database.fetch_all(statements::OBJECTS_OF_FILE, at).await? {
            // A name that is not one points nowhere.
            if let Ok(object) = row.get::<ObjectName>("object") {
                self.objects.delete(&object).await?;
            }
        }
        let mut transaction = self.database.begin().await?;
        transaction.execute(statements::FORGET_PARTS, at).await?;
        transaction.execute(statements::RELEASE_FILE, at).await?;
        transaction.execute(statements::FORGET_FILE, at).await?;
        Ok(transaction.commit().await?)
    }
}

/// The files of a dossier, by id.
pub(crate) struct KeptFiles(HashMap<String, KeptFile>);

/// A file as its sender sent it: its header, and the rows of its parts in their order.
struct KeptFile {
    header: Vec<u8>,
    parts: Vec<Row>,
}

impl KeptFiles {
    /// Whether a file that is being submitted is here, and nothing beyond it: its sender hears of a mistake.
    pub(crate) fn check_arrived(&self, file: &SealedFile) -> Result<(), Fault> {
        self.of(file)?.check_arrived(file)
    }

    /// The header of a file that a manifest names, once the file is found to be here.
    pub(crate) fn checked_header(&self, file: &SealedFile) -> Result<Vec<u8>, Fault> {
        let kept = self.of(file)?;
        kept.check(file)?;
        Ok(kept.header.clone())
    }

    fn of(&self, file: &SealedFile) -> Result<&KeptFile, Fault> {
        Ok(self.0.get(&file.file_id.to_string()).ok_or(Code::FileIncomplete)?)
    }
}

impl KeptFile {
    fn check_arrived(&self, file: &SealedFile) -> Result<(), Fault> {
        if self.parts.len() as u64 > u64::from(file.parts) {
            return Err(Code::PartsMismatch.into());
        }
        self.check(file)
    }

    /// Whether every part is here, of the length and the hashes that a manifest says. A part beyond them, which its sender slipped in while
    /// the manifest was under way, is no part of the file and is never read.
    fn check(&self, file: &SealedFile) -> Result<(), Fault> {
        let tampered = || Fault::Tampered { kind: "file", id: file.file_id.to_string() };
        let header = UnverifiedHeader::parse(&self.header).map_err(|_| tampered())?;
        let mut hasher = header.hasher();
        let (mut total, mut arrived) = (0_u64, 0_u64);
        for (part, expected) in self.parts.iter().zip(0..u64::from(file.parts)) {
            if part.get::<u64>("part")? != expected {
                return Err(Code::FileIncomplete.into());
            }
            let digest: [u8; 32] = part.get::<Vec<u8>>("digest")?.try_into().map_err(|_| tampered())?;
            hasher.part_hash(&digest);
            total += part.get::<u64>("length")?;
            arrived += 1;
        }
        if arrived < u64::from(file.parts) {
            return Err(Code::FileIncomplete.into());
        }
        let layout = StreamLayout::of_stream(total).map_err(|_| Fault::from(Code::FileIncomplete))?;
        if layout.parts() != arrived {
            return Err(Code::PartsMismatch.into());
        }
        if layout.plaintext() != file.size {
            return Err(Code::SizeMismatch.into());
        }
        if hasher.finish().as_bytes() != file.envelope_hash.as_bytes() {
            return Err(Code::FileMismatch.into());
        }
        Ok(())
    }
}
