//! The stream of a form: one part of one file in memory, and nothing in clear anywhere else.

use axum::body::BodyDataStream;
use bytes::Bytes;
use multer::Field;
use sceau_crypto::mob::{FileSealer, PART, SealedFile, SharedKeyAndIv};
use sceau_store::{AntivirusError, ObjectName, Verdict};

use super::MobHost;
use super::refusal::{Answer, Code};
use super::walk::{FormPart, Sender, Walk};
use crate::intake::{Inspector, IntakeCode};

/// The most files of a subscription.
pub(super) const MOST_FILES: usize = 10;
/// The largest file, in bytes.
pub(super) const LARGEST: u64 = 10_000_000;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 200;
/// The types that are taken.
const TYPES: [&str; 5] =
    ["image/jpeg", "image/jpg", "image/png", "application/pdf", "application/octet-stream"];

/// The files of one request, under the key and IV of their subscription.
pub(super) struct Upload<'a> {
    host: &'a MobHost,
    shared: SharedKeyAndIv,
    pub(super) files: Vec<File>,
    /// Everything that was stored, whatever becomes of it.
    stored: Vec<ObjectName>,
}

/// A file that was found clean.
pub(super) struct File {
    pub(super) name: String,
    pub(super) proof_type: String,
    pub(super) media_type: String,
    pub(super) sealed: SealedFile,
    pub(super) parts: Vec<Part>,
}

/// Where a part of a ciphertext is, and its SHA-256.
pub(super) type Part = (ObjectName, [u8; 32]);

impl<'a> Upload<'a> {
    pub(super) fn new(host: &'a MobHost, shared: SharedKeyAndIv) -> Self {
        Self { host, shared, files: Vec::new(), stored: Vec::new() }
    }

    /// Reads the form to its end; the id of the metadata that it names.
    ///
    /// # Errors
    /// At the first thing that cannot be taken; what was stored is then to be discarded.
    pub(super) async fn receive(&mut self, body: BodyDataStream, boundary: String) -> Answer<Option<String>> {
        let mut walk = Walk::through(body, boundary, self.host.settings().slowest);
        let mut metadata = None;
        while let Some(part) = walk.next().await? {
            match part {
                FormPart::File(name, field) => self.file(&mut walk.sender, &name, field).await?,
                FormPart::Data(named) => metadata = named,
            }
        }
        Ok(metadata)
    }

    /// Seals what this host wrote itself: an invoice.
    pub(super) async fn seal(&mut self, name: &str, proof_type: &str, content: &[u8]) -> Answer<()> {
        if self.files.len() >= MOST_FILES {
            return Err(Code::TooManyFiles.into());
        }
        let name = self.free_name(plain_name(name)?);
        let mut sealing = Sealing::of(&self.shared);
        sealing.take(content);
        let mut parts = Vec::new();
        let sealed = self.finish(sealing, &mut parts).await?;
        let (proof_type, media_type) = (proof_type.to_owned(), "application/pdf".to_owned());
        self.files.push(File { name, proof_type, media_type, sealed, parts });
        Ok(())
    }

    /// Removes everything that was stored.
    pub(super) async fn discard(&self) {
        for object in &self.stored {
            if let Err(error) = self.host.dossiers().objects.delete(object).await {
                // The sweep finds it: no row names it.
                tracing::warn!(%error, "an object of a refused upload stays until the sweep");
            }
        }
    }

    async fn file(&mut self, sender: &mut Sender, name: &str, mut field: Field<'static>) -> Answer<()> {
        if self.files.len() >= MOST_FILES {
            return Err(Code::TooManyFiles.into());
        }
        let media_type = field.content_type().map(ToString::to_string).unwrap_or_default();
        if !TYPES.contains(&media_type.as_str()) {
            return Err(Code::FileType.into());
        }
        let name = self.free_name(plain_name(name)?);
        let proof_type = field.name().unwrap_or_default().chars().take(100).collect();
        let mut scan = self.host.settings().antivirus.begin().await.map_err(away)?;
        let mut sealing = Sealing::of(&self.shared);
        let mut inspector = inspected(&media_type).map(Inspector::new);
        let mut parts = Vec::new();
        while let Some(bytes) = sender.next(field.chunk()).await? {
            if sealing.taken + bytes.len() as u64 > LARGEST {
                return Err(Code::FileSize.into());
            }
            if let Some(inspector) = &mut inspector {
                inspector.pass(&bytes).map_err(unlike)?;
            }
            scan.feed(&bytes).await.map_err(away)?;
            sealing.take(&bytes);
            while let Some(part) = sealing.full() {
                parts.push(self.store(part).await?);
            }
        }
        if let Some(inspector) = &inspector {
            inspector.finish().map_err(unlike)?;
        }
        match scan.finish().await.map_err(away)? {
            Verdict::Clean => {}
            Verdict::Infected { name } if name.starts_with("Heuristics.Encrypted") => {
                return Err(Code::Encrypted.into());
            }
            Verdict::Infected { .. } => return Err(Code::Infected.into()),
        }
        // The last block leaves after the verdict.
        let sealed = self.finish(sealing, &mut parts).await?;
        self.files.push(File { name, proof_type, media_type, sealed, parts });
        Ok(())
    }

    /// Seals the last block, and stores what is left; the name of the whole by its parts.
    async fn finish(&mut self, sealing: Sealing, parts: &mut Vec<Part>) -> Answer<SealedFile> {
        let (size, rest) = sealing.finish();
        for part in rest {
            parts.push(self.store(part).await?);
        }
        Ok(SealedFile::of_parts(self.shared.fields(), size, parts.iter().map(|(_, hash)| *hash)))
    }

    async fn store(&mut self, part: Bytes) -> Answer<Part> {
        let digest = sceau_crypto::sha256(&part);
        let object = self.host.dossiers().objects.put(part).await?;
        self.stored.push(object.clone());
        Ok((object, digest))
    }

    /// Two files of one name: the second is `name(1).pdf`, as MOB has it.
    fn free_name(&self, name: String) -> String {
        let taken = |name: &str| self.files.iter().any(|file| file.name == name);
        let (stem, extension) = name.rsplit_once('.').map_or((name.as_str(), None), |(s, e)| (s, Some(e)));
        let numbered = |n: usize| match extension {
            Some(extension) => format!("{stem}({n}).{extension}"),
            None => format!("{stem}({n})"),
        };
        if !taken(&name) {
            return name;
        }
        (1..=MOST_FILES).map(numbered).find(|name| !taken(name)).unwrap_or(name)
    }
}

/// A file on its way through the cipher.
struct Sealing {
    sealer: FileSealer,
    /// Ciphertext that is not stored yet: less than a part and a chunk.
    ready: Vec<u8>,
    /// Plaintext bytes.
    taken: u64,
}

impl Sealing {
    fn of(shared: &SharedKeyAndIv) -> Self {
        Self { sealer: shared.file(), ready: Vec::new(), taken: 0 }
    }

    fn take(&mut self, plain: &[u8]) {
        self.sealer.update(plain, &mut self.ready);
        self.taken += plain.len() as u64;
    }

    /// A whole part, if there is one.
    fn full(&mut self) -> Option<Bytes> {
        if self.ready.len() < PART {
            return None;
        }
        let rest = self.ready.split_off(PART);
        Some(std::mem::replace(&mut self.ready, rest).into())
    }

    /// How much was sealed, and what is left of it to store.
    fn finish(self) -> (u64, Vec<Bytes>) {
        let Self { sealer, mut ready, .. } = self;
        let size = sealer.finish(&mut ready);
        (size, ready.chunks(PART).map(Bytes::copy_from_slice).collect())
    }
}

/// A name that can stand in an address, a list and a folder.
pub(super) fn plain_name(name: &str) -> Answer<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let good = (1..=LONGEST_NAME).contains(&name.len())
        && !name.chars().any(hidden)
        && name.trim() == name
        && !matches!(name, "." | "..");
    if good { Ok(name.to_owned()) } else { Err(Code::FileName.into()) }
}

/// The type whose bytes are looked at; of the others nothing is claimed.
fn inspected(media_type: &str) -> Option<&str> {
    match media_type {
        "image/jpg" => Some("image/jpeg"),
        "application/octet-stream" => None,
        named => Some(named),
    }
}

/// A file that is not what its type says.
fn unlike(refusal: IntakeCode) -> Code {
    if refusal == IntakeCode::Encrypted { Code::Encrypted } else { Code::FileType }
}

/// Without a verdict nothing is kept.
fn away(error: AntivirusError) -> Code {
    if matches!(error, AntivirusError::TooLarge) {
        return Code::FileSize;
    }
    tracing::warn!(%error, "the antivirus gave no verdict");
    Code::AntivirusAway
}
