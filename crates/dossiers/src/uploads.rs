//! Sealed files on their way in, header first, then part by part, each once; and out again, each as it came.

use sceau_crypto::FileId;
use sceau_crypto::envelope::{StreamLayout, UnverifiedHeader};
use sceau_element_api::documents::{Manifest, SealedFile};
use sceau_element_api::problem::Problem;
use sceau_element_api::{AccountId, DossierId};
use sceau_store::{ObjectName, params};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::{Dossiers, statements};

/// The most files of a dossier, sealed answers included.
const MAX_FILES: i64 = 50;
/// The most parts of a dossier: 8 GiB.
const MAX_PARTS: u32 = 8192;
/// The largest header that a deposit may have: one recipient, one name.
const MAX_HEADER: usize = 128 * 1024;

/// Which parts of a file have arrived.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Arrived {
    /// Their indices, in order.
    pub parts: Vec<u32>,
}

impl Dossiers {
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
        self.own_open(citizen, dossier).await?;
        if bytes.len() > MAX_HEADER {
            return Err(Fault::refused(
                413,
                "header_too_large",
                "The envelope's header is too large",
                "A deposit has one recipient: seal the file to that one alone.",
            ));
        }
        let header = UnverifiedHeader::parse(bytes).map_err(|error| {
            let problem = Problem::new(422, error.code(), "The envelope is malformed");
            Fault::Refused(problem.with_detail("Seal the file again and send it from its header on."))
        })?;
        let recipient = self.recipient(dossier).await?;
        let sealed_to_it = matches!(header.stanzas(), [only] if only.key_id == recipient);
        if header.fixed().file_id() != file || !sealed_to_it {
            return Err(Fault::refused(
                422,
                "recipient_mismatch",
                "The file is not sealed to this dossier's recipient, or is another file",
                "Seal it to the key that this dossier was begun with, under this file's id.",
            ));
        }
        // The transaction makes the count and the insertion one act.
        let mut transaction = self.database.begin().await?;
        let at = params![dossier.to_string(), file.to_string()];
        if let Some(row) = transaction.fetch_optional(statements::FILE, at).await? {
            return if row.get::<Vec<u8>>("header")? == bytes { Ok(()) } else { Err(already_there()) };
        }
        let count = transaction.fetch_one(statements::COUNT_FILES, params![dossier.to_string()]).await?;
        if count.get::<i64>("n")? >= MAX_FILES {
            return Err(Fault::refused(
                422,
                "too_many_files",
                "A dossier holds at most 50 files",
                "Join several documents into one file.",
            ));
        }
        let values = params![dossier.to_string(), file.to_string(), bytes.to_vec(), self.clock.now_ms()];
        transaction.execute(statements::INSERT_FILE, values).await?;
        Ok(transaction.commit().await?)
    }

    /// Keeps part `index` of a sealed file; `digest` is its SHA-256. Sending it again changes nothing.
    ///
    /// # Errors
    /// When the header is not there yet, another part is, or the dossier is full.
    pub async fn put_part(
        &self,
        citizen: AccountId,
        dossier: DossierId,
        file: FileId,
        index: u32,
        bytes: bytes::Bytes,
        digest: [u8; 32],
    ) -> Result<(), Fault> {
        self.own_open(citizen, dossier).await?;
        let at = params![dossier.to_string(), file.to_string(), index];
        if let Some(row) = self.database.fetch_optional(statements::PART, at).await? {
            return if row.get::<Vec<u8>>("digest")? == digest { Ok(()) } else { Err(already_there()) };
        }
        let here = params![dossier.to_string(), file.to_string()];
        if self.database.fetch_optional(statements::FILE, here).await?.is_none() {
            return Err(Fault::refused(
                409,
                "header_first",
                "The header of this file has not arrived",
                "Send the header of the file before its parts.",
            ));
        }
        let count = self.database.fetch_one(statements::COUNT_PARTS, params![dossier.to_string()]).await?;
        if index >= MAX_PARTS || count.get::<u32>("n")? >= MAX_PARTS {
            return Err(Fault::refused(
                413,
                "dossier_too_large",
                "A dossier holds at most 8 GiB",
                "Send smaller files, or ask the organisation for another way.",
            ));
        }
        let length = bytes.len() as u64;
        let object = self.objects.put(bytes).await?;
        let values =
            params![dossier.to_string(), file.to_string(), index, object.as_str(), digest.to_vec(), length];
        if self.database.execute(statements::INSERT_PART, values).await? == 1 {
            return Ok(());
        }
        // Somebody sent this part meanwhile: theirs stays, and must be the same.
        self.objects.delete(&object).await?;
        let row = self.database.fetch_one(statements::PART, at).await?;
        if row.get::<Vec<u8>>("digest")? == digest { Ok(()) } else { Err(already_there()) }
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

    /// Whether a file that a manifest names is here: every part, of the length and the hashes that the manifest says.
    pub(crate) async fn check_file(&self, dossier: DossierId, file: &SealedFile) -> Result<(), Fault> {
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
        let arrived = parts.len() as u64;
        if arrived < u64::from(file.parts) {
            return Err(incomplete());
        }
        let layout = StreamLayout::of_stream(total).map_err(|_| incomplete())?;
        if arrived != u64::from(file.parts) || layout.parts() != arrived {
            return Err(mismatch(
                "parts_mismatch",
                "More parts of a file have arrived than the manifest lists",
            ));
        }
        if layout.plaintext() != file.size {
            return Err(mismatch("size_mismatch", "A file has not the size that the manifest says"));
        }
        if hasher.finish().as_bytes() != file.envelope_hash.as_bytes() {
            return Err(mismatch("hash_mismatch", "A file is not the one that the manifest names"));
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

    /// Removes what was sent and then left out of the manifest: nobody signed for it.
    pub(crate) async fn drop_unlisted(&self, dossier: DossierId, manifest: &Manifest) -> Result<(), Fault> {
        for row in self.database.fetch_all(statements::FILES, params![dossier.to_string()]).await? {
            let file: String = row.get("file_id")?;
            if !manifest.files.iter().any(|named| named.file_id.to_string() == file) {
                self.drop_file(dossier, &file).await?;
            }
        }
        Ok(())
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
        transaction.execute(statements::FORGET_FILE, at).await?;
        Ok(transaction.commit().await?)
    }
}

fn already_there() -> Fault {
    Fault::refused(
        409,
        "already_there",
        "Something else was sent here before",
        "Remove the file and add it again, under a new file id.",
    )
}

fn incomplete() -> Fault {
    Fault::refused(
        409,
        "file_incomplete",
        "A file has not arrived whole",
        "Ask which parts have arrived and send the others.",
    )
}

fn mismatch(code: &'static str, title: &'static str) -> Fault {
    Fault::refused(422, code, title, "Nothing was sent. Remove the file, add it again, and send again.")
}
